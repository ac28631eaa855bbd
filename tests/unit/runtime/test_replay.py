import json
from pathlib import Path

import pytest

from papertape.core.action_parts import VenueName
from papertape.core.actions import Replay, ReplayResult
from papertape.core.errors import InputError, UsageError
from papertape.runtime.replay import run
from papertape.runtime.shell import Shell
from papertape.tape.market_writer import MarketWriter
from tests.integration.hostile import HostileMarket, combined
from tests.made_tape import made_market, strategy_file

START_US = 1_700_000_000_000_000


def replayed(reel: Path, venue: VenueName = "binance-spot", symbol: str = "abcusdt") -> ReplayResult:
    response = run(Replay(reel=[str(reel)], venue=venue, symbol=symbol), Shell()).response
    assert isinstance(response, ReplayResult)
    return response


def reel_of(path: Path, *payloads: bytes) -> Path:
    path.write_bytes(b"".join(b"%d %b\n" % (START_US + n, payload) for n, payload in enumerate(payloads)))
    return path


def frames(market: HostileMarket, steps: int) -> list[bytes]:
    return [frame for _ in range(steps) for _, frame in market.step()]


def test_a_reel_with_a_snapshot_is_checked_against_the_quotes(tmp_path: Path) -> None:
    market = HostileMarket("ABCUSDT")
    lines = [*frames(market, 2), json.dumps(market.snapshot()).encode(), *frames(market, 50)]
    result = replayed(reel_of(tmp_path / "a.reel", *lines))
    assert (result.prints, result.synced, result.book_checks, result.book_mismatches) == (52, True, 50, 0)
    assert (result.sequence_breaks, result.crossed, result.ignored, result.verdicts) == (0, 0, 0, {})


def test_a_wrong_quote_is_a_mismatch(tmp_path: Path) -> None:
    market = HostileMarket("ABCUSDT")
    lines = [*frames(market, 2), json.dumps(market.snapshot()).encode(), *frames(market, 5)]
    quote = json.loads(lines[-1])
    quote["data"]["B"] = "123.0"
    lines[-1] = json.dumps(quote, separators=(",", ":")).encode()
    assert replayed(reel_of(tmp_path / "a.reel", *lines)).book_mismatches == 1


def test_a_reel_without_a_snapshot_stays_unsynced(tmp_path: Path) -> None:
    result = replayed(reel_of(tmp_path / "a.reel", *frames(HostileMarket("ABCUSDT"), 10)))
    assert (result.synced, result.book_checks, result.prints) == (False, 0, 10)


def test_other_streams_are_ignored_and_another_symbol_is_not_found(tmp_path: Path) -> None:
    other = combined("abcusdt@avgPrice", {"e": "kline"})
    reel = reel_of(tmp_path / "a.reel", *frames(HostileMarket("ABCUSDT"), 3), other, other)
    assert replayed(reel).ignored == 2
    with pytest.raises(InputError, match="XYZUSDT"):
        replayed(reel, symbol="XYZUSDT")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"not a reel", "line 4"),
        (b'17000000 {"stream":1}', "line 4"),
        (b"1700000000000009 {broken", "line 4"),
        (b'1700000000000009 {"stream":"abcusdt@trade","data":{"t":5}}', "line 4"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, line: bytes, told: str) -> None:
    reel = reel_of(tmp_path / "a.reel", *frames(HostileMarket("ABCUSDT"), 1))
    reel.write_bytes(reel.read_bytes() + line + b"\n")
    with pytest.raises(InputError, match=told):
        replayed(reel)


def test_an_empty_reel_and_an_empty_tape(tmp_path: Path) -> None:
    (tmp_path / "a.reel").touch()
    with pytest.raises(InputError, match=r"a\.reel"):
        replayed(tmp_path / "a.reel")
    with MarketWriter.open(tmp_path / "tape"):
        pass
    outcome = run(Replay(tape=str(tmp_path / "tape")), Shell())
    assert isinstance(outcome.response, ReplayResult)
    assert (outcome.response.market_records, outcome.response.synced, outcome.exit_code) == (0, False, 0)


def test_what_is_asked_for_decides_who_answers(tmp_path: Path) -> None:
    tape = made_market(tmp_path, 2)
    alone = run(Replay(tape=str(tape)), Shell()).response
    assert (alone.orders, alone.fills, alone.accounts, alone.run, alone.difference) == (0, 0, [], None, None)
    strategy = f"{strategy_file(tmp_path)}:Round"
    saved = run(Replay(tape=str(tape), strategy=[strategy], save=True), Shell()).response
    assert (saved.run, [one.id for one in saved.accounts]) == ("0001", ["round"])
    assert saved.market_records == alone.market_records
    again = run(Replay(tape=str(tape / "runs" / "0001")), Shell()).response
    assert again.state_hash == saved.state_hash


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (Replay(tape="t", rerun=True), "--rerun belongs to a run"),
        (Replay(tape="t", save=True), "--save: expected --strategy or --orders"),
        (Replay(tape="t", models="frictionless"), "--models: expected --strategy or --orders"),
        (Replay(tape="t", fills="f"), "--fills belongs to --orders"),
        (Replay(tape="t", orders="o", strategy=["a:B"]), "--strategy or --orders"),
    ],
)
def test_options_that_nothing_uses_are_told(request_: Replay, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        run(request_, Shell())


def test_what_belongs_to_trading_is_refused_where_nothing_trades() -> None:
    with pytest.raises(UsageError, match="--cash, --seed: expected --strategy or --orders with it, was neither"):
        run(Replay(tape="somewhere", cash="5", seed=3), Shell())
