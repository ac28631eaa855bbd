"""The look at a whole reel before it plays."""

import gzip
from pathlib import Path

import pytest

from papertape.core.errors import InputError, UnknownInstrument
from papertape.venue.scan import scan_reel

US = 1_700_000_000_000_000
TICKER = '{"stream":"abcusdt@bookTicker","data":{"u":7,"s":"ABCUSDT","b":"9.400","B":"1.0","a":"9.6","A":"2.00100"}}'
TRADE = '{"stream":"xyzbtc@trade","data":{"E":1700000000900,"t":1,"p":"0.00012","q":"5","T":1,"m":true}}'
DEPTH = '{"stream":"abcusdt@depth@100ms","data":{"E":1700000000950,"U":1,"u":2,"b":[["9.41","1"]],"a":[]}}'
OTHER_DEPTH = '{"stream":"abcusdt@depth@0ms","data":{"U":1,"u":2,"b":[],"a":[]}}'
SNAPSHOT = '{"lastUpdateId":1,"bids":[["9.1000","1.00"]],"asks":[["9.25","0.5"]]}'


def write(path: Path, *payloads: str) -> Path:
    path.write_text("".join(f"{US + n} {payload}\n" for n, payload in enumerate(payloads)))
    return path


def test_streams_symbols_and_the_first_times(tmp_path: Path) -> None:
    others = ['{"papertape":{"link":"down"}}', '{"result":null,"id":1}', "[]", '{"serverTime":1}', '{"symbols":7}']
    reel = write(tmp_path / "a.reel", *others, TICKER, TRADE, DEPTH, OTHER_DEPTH)
    facts = scan_reel([reel], "abcusdt")
    assert facts.symbol == "ABCUSDT"
    assert facts.symbols == ["ABCUSDT", "XYZBTC"]
    assert list(facts.streams) == ["abcusdt@bookTicker", "xyzbtc@trade", "abcusdt@depth@100ms", "abcusdt@depth@0ms"]
    assert facts.diff_streams == {"ABCUSDT": "abcusdt@depth@100ms"}
    assert facts.first_ns == (US + 5) * 1000
    assert facts.first_offset_ns == 1_700_000_000_900 * 1_000_000 - (US + 6) * 1000


def test_decimals_come_from_the_first_frames_without_trailing_zeros(tmp_path: Path) -> None:
    facts = scan_reel([write(tmp_path / "a.reel", TICKER, TRADE)], "ABCUSDT")
    assert (facts.grids["ABCUSDT"].price_decimals, facts.grids["ABCUSDT"].size_decimals) == (1, 3)
    assert (facts.grids["XYZBTC"].price_decimals, facts.grids["XYZBTC"].size_decimals) == (5, 0)


def test_decimals_come_from_the_snapshot_where_there_is_one(tmp_path: Path) -> None:
    later = SNAPSHOT.replace("9.25", "9.12345")
    facts = scan_reel([write(tmp_path / "a.reel", TICKER, SNAPSHOT, later)], "ABCUSDT")
    assert (facts.grids["ABCUSDT"].price_decimals, facts.grids["ABCUSDT"].size_decimals) == (2, 1)
    assert facts.snapshots["ABCUSDT"].bids == [("9.1000", "1.00")]


def test_an_inline_exchange_info_is_kept(tmp_path: Path) -> None:
    info = '{"timezone":"UTC","symbols":[{"symbol":"ABCUSDT"}]}'
    assert scan_reel([write(tmp_path / "a.reel", info, TICKER)], "ABCUSDT").exchange_info == info.encode()


def test_a_symbol_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UnknownInstrument, match="expected frames of LMNUSDT, was ABCUSDT, XYZBTC"):
        scan_reel([write(tmp_path / "a.reel", TICKER, TRADE)], "lmnusdt")


def test_a_reel_without_frames_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected frames of a combined stream"):
        scan_reel([write(tmp_path / "a.reel", SNAPSHOT)], "ABCUSDT")


@pytest.mark.parametrize(
    "broken",
    [
        TRADE[:-2],
        "nonsense",
        "",
        TRADE.replace('"t":1,', ""),
        TICKER.replace('"9.400"', '"cheap"'),
        DEPTH.replace('"u":2', '"u":"two"'),
        DEPTH.replace('[["9.41","1"]]', '[["9.41"]]'),
        SNAPSHOT.replace("9.25", "1e"),
        '{"stream":7,"data":{}}',
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, broken: str) -> None:
    reel = write(tmp_path / "a.reel", TICKER, SNAPSHOT, broken)
    with pytest.raises(InputError, match=r"a\.reel, line 3"):
        scan_reel([reel], "ABCUSDT")


def test_a_cut_off_reel_is_named_with_its_line(tmp_path: Path) -> None:
    reel = tmp_path / "a.gz"
    reel.write_bytes(gzip.compress(f"{US} {TICKER}\n".encode() * 50)[:-12])
    with pytest.raises(InputError, match=r"a\.gz is cut off or damaged after line"):
        scan_reel([reel], "ABCUSDT")
