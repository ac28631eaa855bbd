"""The handler's refusals; running boxes stand in tests/integration/test_record_replay.py and test_synthetic_market.py."""

from pathlib import Path

import pytest

from papertape.core.actions import Venue
from papertape.core.errors import InputError, UsageError
from papertape.runtime.shell import Shell
from papertape.runtime.venue import market_symbols, run
from papertape.venue.synthetic.listings import NAMES


def test_a_reel_without_the_symbol_names_it(tmp_path: Path) -> None:
    reel = tmp_path / "a.reel"
    reel.write_text('1700000000000000 {"stream":"abcusdt@trade","data":{"t":1,"p":"1","q":"1","T":1,"m":true}}\n')
    with pytest.raises(InputError, match="XYZUSDT"):
        run(Venue(reel=[str(reel)], venue="binance-spot", symbol="xyzusdt", port=0), Shell())


def test_a_reel_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.gz"):
        run(Venue(reel=[str(tmp_path / "none.gz")], venue="binance-spot", symbol="A", port=0), Shell())


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Venue(), "expected --reel with --venue and --symbol, or --seed"),
        (Venue(reel=["a"], venue="binance-spot"), "expected --reel with --venue and --symbol"),
        (Venue(reel=["a"], symbol="A"), "expected --reel with --venue and --symbol"),
        (Venue(venue="binance-spot", symbol="A"), "expected --reel with --venue and --symbol"),
        (Venue(symbols=["5"]), "expected --seed with --symbols"),
        (Venue(reel=["a"], venue="binance-spot", symbol="A", symbols=["5"]), "expected --seed with --symbols"),
        (Venue(reel=["a"], seed=7), "was both"),
        (Venue(symbol="A", seed=7), "was both"),
    ],
)
def test_options_that_do_not_go_together(request_: Venue, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        run(request_, Shell())


@pytest.mark.parametrize(
    ("symbols", "said"), [(["0"], "from 1 to 50, was 0"), (["51"], "was 51"), (["BTCUSDT", "ABCUSDT"], "was ABCUSDT")]
)
def test_symbols_that_are_not_listed(symbols: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        run(Venue(seed=7, symbols=symbols, port=0), Shell())


def test_symbols_are_a_number_or_names() -> None:
    assert market_symbols([]) == NAMES[:5]
    assert market_symbols(["7"]) == NAMES[:7]
    assert market_symbols([" ethusdt", "BTCUSDT"]) == ("ETHUSDT", "BTCUSDT")


@pytest.mark.parametrize(("text", "said"), [(None, "cannot be read"), ("", "expected a token, was an empty file")])
def test_a_token_file_that_cannot_be_used(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "token"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError, match=said):
        run(Venue(seed=7, port=0, control_token_file=str(file)), Shell())
