"""Runs as they stand on a tape: begun, written, gone on with after a stop, and told at their end."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from papertape import __version__
from papertape.core.action_parts import AccountResult
from papertape.core.errors import DataError, TapeCorrupt
from papertape.core.fixed import format_trimmed
from papertape.core.instruments import MONEY_SCALE, Instrument
from papertape.paper_trading.engine import facts
from papertape.paper_trading.engine.again import ComparedFacts, Recorded
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.run import Run
from papertape.runtime.models import Models
from papertape.runtime.strategies import load_strategy
from papertape.tape.checkpoint import Checkpoint, read_checkpoints, write_checkpoint
from papertape.tape.control import RunReader, RunWriter, run_path
from papertape.tape.market_reader import MarketReader

Records = np.ndarray[Any, np.dtype[Any]]
RUN_ENDED = "run_ended"
"""Kind of the last record of a run that ended in good order: its state hash, and the Seq behind its last market record."""
RUN_PAUSED = "run_paused"
"""As RUN_ENDED, of a run that was stopped and may go on."""
KINDS = (facts.COMMAND, facts.EVENTS, facts.POSTINGS, facts.STOPPED, facts.NOTE)


class AccountPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One account of a run: its money at eight decimals, and the strategy that trades it, if any."""

    name: str
    cash: int
    leverage: int
    currency: str
    strategy: str | None = None
    compiled: bool = False
    """Whether the strategy is a part of the engine: it writes no commands, and a replay needs it as well."""


class RunPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that decides a run besides the market: the body of its first record."""

    accounts: tuple[AccountPlan, ...]
    models: Models
    seed: int
    begins_seq: int = 0
    """Seq of the first market record that strategies are told of; those before it only make the market known."""
    papertape: str = __version__


class WriterFacts:
    """Facts onto the control track of a run."""

    def __init__(self, writer: RunWriter) -> None:
        self._writer = writer

    def append(self, cursor_seq: int, kind: str, body: Any) -> None:
        self._writer.append(cursor_seq, kind, body)


class WrittenRun(NamedTuple):
    """A run that is written down as it goes."""

    run: Run
    writer: RunWriter
    told: ComparedFacts
    directory: Path
    next_seq: int
    """Where in its tape the run stood when it was begun or gone on with."""

    def checkpoint(self, cursor_seq: int) -> None:
        """Keep the state of the run between two batches, so that recovery need not read what came before.

        Raises DataError when a strategy remembers what cannot be kept.
        """
        state = {"run": self.run.export(), "counts": self.told.counts}
        self.writer.sync()
        path = run_path(self.directory, self.writer.run_id)
        data = msgspec.msgpack.encode(state)
        write_checkpoint(path, Checkpoint(cursor_seq, self.writer.next_index, data))

    def end(self, next_seq: int) -> str:
        """The run ends in good order; returns its state hash."""
        self.run.finish()
        return self._stand(RUN_ENDED, next_seq)

    def pause(self, next_seq: int) -> str:
        """The run is stopped between two batches, and may be gone on with; returns its state hash."""
        return self._stand(RUN_PAUSED, next_seq)

    def _stand(self, kind: str, next_seq: int) -> str:
        state_hash = self.run.state_hash()
        self.writer.append(next_seq, kind, {"state_hash": state_hash, "next_seq": next_seq})
        self.writer.sync()
        return state_hash


def new_run(plan: RunPlan, sink: facts.Facts | None = None, *, seated: bool = True) -> Run:
    """A run before its first market record; with `seated` false its accounts have no strategies."""
    run = Run(Engine(plan.models.terms, plan.seed), plan.models.terms, sink, begins_seq=plan.begins_seq)
    for account in plan.accounts:
        needed = seated or account.compiled
        strategy = load_strategy(account.strategy) if needed and account.strategy else None
        cash, leverage = plan.models.purse(account.cash, account.leverage)
        run.open_account(account.name, cash, leverage=leverage, currency=account.currency, strategy=strategy)
    return run


def begin_run(directory: Path, plan: RunPlan, market_sync: Callable[[], None]) -> WrittenRun:
    """Begin the next run of the tape `directory`. Raises StoreError or DiskFull, and InputError for a plan that cannot be followed."""
    tried = new_run(plan)  # What is wrong with the plan comes out here, before anything is kept.
    accounts = tuple(
        msgspec.structs.replace(one, compiled=one.strategy is not None and number not in tried.seats)
        for number, one in enumerate(plan.accounts)
    )
    plan = msgspec.structs.replace(plan, accounts=accounts)
    writer = RunWriter.create(directory, msgspec.to_builtins(plan), market_sync, cursor_seq=plan.begins_seq)
    told = ComparedFacts(Recorded.of(()), KINDS, WriterFacts(writer))
    return WrittenRun(new_run(plan, told), writer, told, directory, plan.begins_seq)


def take_market(run: Run, begins_seq: int, next_seq: int, batches: Iterable[tuple[int, Records]]) -> int:
    """Let a run that begins at `begins_seq` take the market records from `next_seq` on; returns the Seq behind them.

    Batches hold whole events, and no block headers.
    """
    for first_seq, records in batches:
        before = min(max(begins_seq - first_seq, 0), len(records))
        if before:
            run.see(first_seq, records[:before])
        if before < len(records):
            run.take(first_seq + before, records[before:])
        next_seq = first_seq + len(records)
    return next_seq


def resume_run(directory: Path, run_id: str, market_sync: Callable[[], None]) -> WrittenRun:
    """Go on with a run: from its latest checkpoint, or its beginning, through the market track to its end.

    What is recorded must come out again, what is missing is written. Raises IntegrityError at a difference.
    """
    reader = MarketReader.open(directory)
    writer = RunWriter.resume(directory, run_id, market_sync, reader.next_seq)
    try:
        plan, recorded, count = read_run(directory, run_id)
        told = ComparedFacts(recorded, KINDS, WriterFacts(writer))
        run = new_run(plan, told)
        start_seq = reader.first_seq
        for checkpoint in read_checkpoints(run_path(directory, run_id)):
            if checkpoint.cursor_seq <= reader.next_seq and checkpoint.next_index <= count:
                state = msgspec.msgpack.decode(checkpoint.data)
                run.restore(state["run"])
                told.skip(state["counts"])
                start_seq = checkpoint.cursor_seq
                break
        next_seq = take_market(run, plan.begins_seq, start_seq, reader.blocks(start_seq))
    except BaseException:
        writer.close()
        raise
    return WrittenRun(run, writer, told, directory, next_seq)


def read_run(directory: Path, run_id: str) -> tuple[RunPlan, Recorded, int]:
    """The plan of a run, what it recorded, and how many records that are."""
    records = list(RunReader.open(directory, run_id).records())
    if not records:
        raise TapeCorrupt(f"run {run_id} of {directory} holds no record; it was stopped while it began", 0, 0)
    try:
        plan = msgspec.convert(records[0].body, RunPlan)
    except msgspec.ValidationError as error:
        raise DataError(f"run {run_id} of {directory} was begun by another version of papertape: {error}") from error
    return plan, Recorded.of((one.cursor_seq, one.kind, one.body) for one in records[1:]), len(records)


def account_results(run: Run) -> list[AccountResult]:
    """How every account of a run stands."""
    view = run.engine.view()
    fills = [0] * len(view.accounts)
    for position in view.positions:
        fills[position.account] += position.fills
    return [
        AccountResult(
            id=one.name,
            equity=_money(run.engine.equity(number)),
            cash=_money(one.cash),
            realised=_money(one.realised),
            fees=_money(one.fees),
            fills=fills[number],
            stopped=run.stopped.get(number),
        )
        for number, one in enumerate(view.accounts)
    ]


def _money(units: int) -> str:
    return format_trimmed(units, MONEY_SCALE)


def currency_of(instruments: dict[int, Instrument]) -> str:
    """The currency that accounts are held in: the quote of the instrument that was listed first."""
    return next((one.quote for one in instruments.values() if one.quote), "USDT")
