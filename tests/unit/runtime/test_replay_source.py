from pathlib import Path

import msgspec
import pytest

from papertape.core.action_parts import AccountResult
from papertape.core.actions import Replay
from papertape.core.book.rows import Market
from papertape.core.errors import InputError, UsageError
from papertape.core.records import Kind, Verdict
from papertape.runtime.replay_source import Tally, played_of, verdict_names
from papertape.runtime.shell import Shell
from tests.binance_frames import TS, depth, ticker, trade
from tests.made_tape import SYMBOL, made_market


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `made.reel` and the tape of it."""
    folder = tmp_path_factory.mktemp("market")
    made_market(folder, 2)
    return folder


def of_reel(file: Path, symbol: str = SYMBOL.lower()) -> Replay:
    return Replay(reel=[str(file)], venue="binance-spot", symbol=symbol)


def test_a_tape_and_its_reel_hold_the_same_market(market: Path) -> None:
    states, ends = [], []
    for request in (Replay(tape=str(market / "tape")), of_reel(market / "made.reel")):
        plain, tally, end = Market(), Tally(), 0
        played = played_of(request)
        for first_seq, records in played.batches(Shell()):
            assert first_seq == end
            end = first_seq + int((records["kind"] >= Kind.INSTRUMENT).sum())
            plain.apply(records.tobytes())
            tally.look(records)
        result = tally.result(plain, played, plain.state_hash())
        states.append(msgspec.structs.replace(result, elapsed_s=0))
        ends.append(end)
    assert states[0] == states[1]
    assert ends[0] == ends[1]
    assert states[0].prints > 0
    assert (states[0].fills, states[0].accounts, states[0].run) == (0, [], None)


def test_fills_are_those_of_all_accounts(market: Path) -> None:
    plain, played = Market(), played_of(Replay(tape=str(market / "tape")))
    account = AccountResult(id="a", equity="1", cash="1", realised="0", fees="0", fills=3, stopped=None)
    accounts = [account, msgspec.structs.replace(account, id="b", fills=4)]
    result = Tally().result(plain, played, "hash", orders=9, accounts=accounts, run="0001", difference="none")
    assert (result.fills, result.orders, result.accounts) == (7, 9, accounts)
    assert (result.run, result.difference, result.state_hash) == ("0001", "none", "hash")


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (Replay(), "neither"),
        (Replay(tape="t", reel=["r"]), "both"),
        (Replay(tape="t", venue="binance-spot"), "--venue"),
        (Replay(tape="t", symbol="A"), "--symbol"),
        (Replay(reel=["r"]), "--venue and --symbol"),
        (Replay(reel=["r"], venue="binance-spot"), "--venue and --symbol"),
    ],
)
def test_one_thing_is_played_and_described(request_: Replay, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        played_of(request_)


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        played_of(Replay(tape=str(tmp_path / "nowhere")))
    with pytest.raises(InputError, match="nowhere"):
        list(played_of(of_reel(tmp_path / "nowhere")).batches(Shell()))


def test_reels_of_another_symbol_are_told_with_what_they_hold(tmp_path: Path) -> None:
    file = tmp_path / "reel"
    file.write_bytes(b"".join(b"%d %b\n" % (TS, frame) for frame in (depth(9, 11), ticker(12), trade(1))))
    tally, plain, played = Tally(), Market(), played_of(of_reel(file, "BTCUSDT"))
    for _, records in played.batches(Shell()):
        tally.look(records)
    with pytest.raises(InputError, match=r"btcusdt@trade.* ethusdt@trade"):
        tally.result(plain, played, plain.state_hash())


def test_verdicts_are_named_when_they_occurred() -> None:
    assert verdict_names({Verdict.CROSSED: 2, Verdict.LOCKED: 0}) == {"crossed": 2}
