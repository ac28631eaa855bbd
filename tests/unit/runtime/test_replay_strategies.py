"""Accounts and plans of strategies; what comes out of them is in tests/integration/test_replay_runs.py."""

from pathlib import Path

import pytest

from papertape.core.actions import Replay
from papertape.core.errors import InputError, UsageError
from papertape.core.instruments import instrument_event
from papertape.core.records import RecordBuffer, as_records
from papertape.runtime.models import PRESETS
from papertape.runtime.replay_strategies import account_names, plan_of, run
from papertape.runtime.runs import AccountPlan
from papertape.runtime.shell import Shell
from papertape.tape.control import RunWriter, list_runs
from papertape.tape.market_writer import MarketWriter
from tests.binance_frames import TS, instrument
from tests.made_tape import ROUND, made_market, strategy_file


@pytest.mark.parametrize(
    ("strategies", "names"),
    [
        (["trend.py:Bars", "a.b:Quoter?size=1"], ["bars", "quoter"]),
        (["a:One", "b:One", "c:One?x=a:b"], ["one", "one-2", "one-3"]),
        (["a:One", "a:One_", "a:One"], ["one", "one_", "one-2"]),
        (["nonsense"], ["nonsense"]),
        (["file.py:"], ["account"]),
    ],
)
def test_accounts_are_called_after_the_classes(strategies: list[str], names: list[str]) -> None:
    assert account_names(strategies) == names


def test_a_plan_holds_all_that_was_asked_for() -> None:
    listed = as_records(instrument_event(instrument(quote="EUR"), 0, TS))
    request = Replay(
        tape="t", strategy=["a:B?c=1", "d:E"], cash="12.5", leverage=3, seed=9, models="hftbacktest-riskadverse"
    )
    plan = plan_of(request, listed)
    common = {"cash": 12_5000_0000, "leverage": 3, "currency": "EUR"}
    assert plan.accounts == (
        AccountPlan(name="b", strategy="a:B?c=1", **common),
        AccountPlan(name="e", strategy="d:E", **common),
    )
    assert (plan.seed, plan.models) == (9, PRESETS["hftbacktest-riskadverse"])


def test_an_empty_tape_has_nothing_to_trade(tmp_path: Path) -> None:
    with MarketWriter.open(tmp_path / "tape"):
        pass
    request = Replay(tape=str(tmp_path / "tape"), strategy=[f"{strategy_file(tmp_path)}:Round"], save=True)
    with pytest.raises(InputError, match="a tape with records"):
        run(request, Shell())
    assert list_runs(tmp_path / "tape") == []


def test_fills_and_runs_of_reels_are_not_what_it_does(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--fills"):
        run(Replay(tape="t", strategy=["a:B"], fills="f"), Shell())
    reel = Replay(reel=["r"], venue="binance-spot", symbol="A", strategy=["a:B"], save=True)
    with pytest.raises(UsageError, match="--save"):
        run(reel, Shell())


def test_an_interrupted_run_is_left_free(tmp_path: Path) -> None:
    text = ROUND + "\n    def on_quote(self, ctx, quote):\n        raise KeyboardInterrupt\n"
    tape = made_market(tmp_path, 2)
    request = Replay(tape=str(tape), strategy=[f"{strategy_file(tmp_path, text)}:Wrong"], save=True)
    with pytest.raises(KeyboardInterrupt):
        run(request, Shell())
    RunWriter.resume(tape, "0001", lambda: None, 0).close()


def test_records_without_instruments_are_held_in_usdt() -> None:
    buffer = RecordBuffer()
    plan = plan_of(Replay(tape="t", strategy=["a:B"]), as_records(buffer.take()))
    assert plan.accounts[0].currency == "USDT"
