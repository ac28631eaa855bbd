"""Runs on a tape: begun, written, kept at checkpoints and gone on with; killing them is in tests/simulation."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from papertape.core.errors import DataError, InputError, IntegrityError, TapeCorrupt, TapeLocked
from papertape.paper_trading.strategy import Context, Quote, Strategy
from papertape.runtime.models import load_models
from papertape.runtime.runs import (
    RUN_ENDED,
    AccountPlan,
    RunPlan,
    WrittenRun,
    account_results,
    begin_run,
    currency_of,
    new_run,
    read_run,
    resume_run,
)
from papertape.tape.checkpoint import read_checkpoints
from papertape.tape.control import RunWriter, list_runs, run_path
from papertape.tape.market_reader import MarketReader
from tests.binance_frames import instrument
from tests.made_tape import SYMBOL, made_market

MONEY = 10**8


class Turns(Strategy):
    """Buys and sells in turn, and remembers how often it was called."""

    def __init__(self, every: int = 25) -> None:
        self.every = every
        self.calls = 0

    def on_start(self, ctx: Context) -> None:
        ctx.subscribe_quotes(SYMBOL, every=self.every)

    def on_quote(self, ctx: Context, quote: Quote) -> None:
        self.calls += 1
        held = ctx.position(SYMBOL)
        if held:
            ctx.sell(SYMBOL, held)
        else:
            ctx.buy(SYMBOL, Decimal("0.1"))


class Unkept(Turns):
    """Remembers what no checkpoint can keep."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.found: Any = {"object": object(), "tuple": (1, 2), "decimal": [Decimal(1)], "large": 2**70}[what]


class Kept(Turns):
    """Remembers every kind of plain value."""

    def __init__(self) -> None:
        super().__init__()
        self.found = {"a": [1, -2.5, None, True, "text", {"b": []}], "c": {3: 4}}


PLAN = RunPlan(
    accounts=(
        AccountPlan(name="one", cash=5_000 * MONEY, leverage=1, currency="USDT", strategy=f"{__name__}:Turns"),
        AccountPlan(name="idle", cash=7 * MONEY, leverage=1, currency="USDT"),
    ),
    models=load_models(None),
    seed=4,
)


def plan_with(strategy: str) -> RunPlan:
    return msgspec.structs.replace(PLAN, accounts=(msgspec.structs.replace(PLAN.accounts[0], strategy=strategy),))


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return made_market(tmp_path, 4)


def take(written: WrittenRun, tape: Path, start: int = 0, until: int = 2**60) -> int:
    """Feed whole blocks that begin before `until`; returns the Seq behind them."""
    seq = start
    for batch in MarketReader.open(tape).blocks(start):
        if batch.first_seq >= until:
            break
        written.run.take(batch.first_seq, batch.records)
        seq = batch.first_seq + len(batch.records)
    return seq


def nothing() -> None:
    """No market writer is there that could be brought to disk."""


def whole(tape: Path) -> tuple[str, list[Any]]:
    """State hash and accounts of an unwritten run of the plan."""
    run = new_run(PLAN)
    for batch in MarketReader.open(tape).blocks():
        run.take(batch.first_seq, batch.records)
    run.finish()
    return run.state_hash(), account_results(run)


def test_a_written_run_is_that_of_memory_and_holds_its_plan_and_end(tape: Path) -> None:
    written = begin_run(tape, PLAN, nothing)
    with written.writer:
        end_seq = take(written, tape)
        state_hash = written.end(end_seq)
    assert (state_hash, account_results(written.run)) == whole(tape)
    plan, recorded, count = read_run(tape, "0001")
    assert plan == PLAN
    assert recorded.streams[RUN_ENDED] == [{"state_hash": state_hash, "next_seq": end_seq}]
    assert len(recorded.inputs) > 3
    assert count == written.writer.next_index


def test_accounts_tell_equity_cash_fees_and_fills(tape: Path) -> None:
    one, idle = whole(tape)[1]
    assert (one.id, idle.id) == ("one", "idle")
    assert (idle.equity, idle.cash, idle.fees, idle.fills, idle.stopped) == ("7", "7", "0", 0, None)
    assert one.fills > 2
    assert Decimal(one.fees) > 0
    assert Decimal(one.equity) < 5_000


@pytest.mark.parametrize("checkpointed", [True, False])
def test_a_run_that_stopped_goes_on_to_the_same_end(tape: Path, checkpointed: bool) -> None:
    middle = MarketReader.open(tape).next_seq // 2
    written = begin_run(tape, PLAN, nothing)
    with written.writer:
        seq = take(written, tape, until=middle)
        if checkpointed:
            written.checkpoint(seq)
            take(written, tape, seq, until=seq + 2_000)
    resumed = resume_run(tape, "0001", nothing)
    with resumed.writer:
        state_hash = resumed.end(MarketReader.open(tape).next_seq)
    assert (state_hash, account_results(resumed.run)) == whole(tape)
    kept = list(read_checkpoints(run_path(tape, "0001")))
    assert [one.cursor_seq for one in kept] == ([seq] if checkpointed else [])


def test_a_run_goes_on_only_with_its_own_strategy(tape: Path) -> None:
    writer = RunWriter.create(tape, msgspec.to_builtins(plan_with(f"{__name__}:Turns?every=40")), nothing)
    with writer:
        writer.append(0, "command", [0, 0, 0, "submit", [0, 1, 1, 0, 0, 5]])
    with pytest.raises(IntegrityError, match="recovered run differs from the recorded one: command 0"):
        resume_run(tape, "0001", nothing)
    with RunWriter.resume(tape, "0001", nothing, 0):
        """The failed resume gave the run free."""


def test_a_run_has_one_writer(tape: Path) -> None:
    with begin_run(tape, PLAN, nothing).writer:
        with pytest.raises(TapeLocked):
            resume_run(tape, "0001", nothing)
        with begin_run(tape, PLAN, nothing).writer as second:
            assert second.run_id == "0002"


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (plan_with(f"{__name__}:Nobody"), "Turns"),
        (plan_with("no_such_module:A"), "no_such_module"),
        (plan_with(f"{__name__}:Turns?pace=4"), "every=25"),
    ],
)
def test_a_plan_that_cannot_be_followed_leaves_no_run(tape: Path, plan: RunPlan, told: str) -> None:
    with pytest.raises(InputError, match=told):
        begin_run(tape, plan, nothing)
    assert list_runs(tape) == []


def test_money_that_is_none_leaves_no_run(tape: Path) -> None:
    plan = msgspec.structs.replace(PLAN, accounts=(msgspec.structs.replace(PLAN.accounts[1], cash=-1),))
    with pytest.raises((InputError, DataError)):
        begin_run(tape, plan, nothing)
    assert list_runs(tape) == []


@pytest.mark.parametrize("what", ["object", "tuple", "decimal", "large"])
def test_what_a_strategy_remembers_must_come_back_as_it_was(tape: Path, what: str) -> None:
    written = begin_run(tape, plan_with(f"{__name__}:Unkept?what={what}"), nothing)
    with written.writer, pytest.raises(DataError, match="strategy of one to remember plain values"):
        written.checkpoint(take(written, tape, until=1))


def test_plain_values_come_back(tape: Path) -> None:
    written = begin_run(tape, plan_with(f"{__name__}:Kept"), nothing)
    with written.writer:
        written.checkpoint(take(written, tape))
    resumed = resume_run(tape, "0001", nothing)
    with resumed.writer:
        assert vars(resumed.run.seats[0].strategy) == vars(written.run.seats[0].strategy)


def test_a_run_without_records_or_of_another_version_is_told(tape: Path) -> None:
    (tape / "runs" / "0001").mkdir(parents=True)
    with pytest.raises(TapeCorrupt, match="stopped while it began"):
        read_run(tape, "0001")
    RunWriter.create(tape, {"papertape": "0.0.1"}, nothing).close()
    with pytest.raises(DataError, match="another version of papertape"):
        read_run(tape, "0002")
    with pytest.raises(InputError, match="0003"):
        read_run(tape, "0003")


def test_the_currency_is_that_of_the_first_instrument() -> None:
    assert currency_of({0: instrument(quote="EUR"), 1: instrument()}) == "EUR"
    assert currency_of({}) == "USDT"
