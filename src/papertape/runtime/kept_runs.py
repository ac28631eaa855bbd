"""Runs that are kept between two starts of papertape: gone on with where they stopped, or begun."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec

from papertape.core.errors import DataError, InputError
from papertape.core.fixed import format_trimmed
from papertape.core.instruments import MONEY_SCALE
from papertape.core.trading_actions import Paper, Serve
from papertape.runtime.replay_strategies import plan_in
from papertape.runtime.runs import RUN_ENDED, RunPlan, WrittenRun, begin_run, read_run, resume_run
from papertape.tape.control import list_runs
from papertape.tape.market_reader import MarketReader

CHECKPOINT_EVERY_S = 60.0


def plan_of(request: Paper | Serve, currency: str) -> RunPlan:
    """As `plan_in`. Raises InputError without a strategy: nobody else acts for the accounts."""
    if not request.strategy:
        raise InputError("--strategy: expected at least one, such as strategy.py:Sample; `papertape init` writes one")
    return plan_in(request, currency)


def go_on(
    directory: Path, plan: RunPlan, market_sync: Callable[[], None], *, anew: bool = False
) -> tuple[WrittenRun, bool]:
    """The latest run of a tape, gone on with if it has not ended, else a new one; and whether it was there.

    With `anew` a new one in any case. Raises InputError when the run that is there was begun with another plan.
    """
    runs = list_runs(directory)
    if anew or not runs:
        return _begun(directory, plan, market_sync), False
    known, recorded, _ = read_run(directory, runs[-1])
    if RUN_ENDED in recorded.streams:
        return _begun(directory, plan, market_sync), False
    different = difference(known, plan)
    if different:
        raise InputError(
            f"run {runs[-1]} of {directory} goes on only as it was begun: expected {different}; or begin anew with --new"
        )
    return resume_run(directory, runs[-1], market_sync), True


def _begun(directory: Path, plan: RunPlan, market_sync: Callable[[], None]) -> WrittenRun:
    """A new run, which knows the market that stands on its tape before it."""
    written = begin_run(directory, plan, market_sync)
    if plan.begins_seq:
        try:
            for batch in MarketReader.open(directory).blocks():
                written.run.see(batch.first_seq, batch.records[: max(plan.begins_seq - batch.first_seq, 0)])
        except BaseException:
            written.writer.close()
            raise
    return written


def difference(known: RunPlan, plan: RunPlan) -> str | None:
    """The first thing that a plan has otherwise than the one that is known, in words; None when it is the same."""
    if known.papertape != plan.papertape:
        return f"papertape {known.papertape}, was {plan.papertape}"
    strategies = [[one.strategy for one in of.accounts] for of in (known, plan)]
    if strategies[0] != strategies[1]:
        said = [", ".join(str(one) for one in names) for names in strategies]
        return f"--strategy {said[0]}, was {said[1]}"
    for mine, given in zip(known.accounts, plan.accounts, strict=True):
        if mine.cash != given.cash:
            return f"--cash {_money(mine.cash)}, was {_money(given.cash)}"
        for name in ("leverage", "currency"):
            if getattr(mine, name) != getattr(given, name):
                return f"--{name} {getattr(mine, name)}, was {getattr(given, name)}"
    for name in ("models", "seed"):
        if getattr(known, name) != getattr(plan, name):
            return f"the same {name}: {_said(getattr(known, name))}, was {_said(getattr(plan, name))}"
    return None


def _money(units: int) -> str:
    return format_trimmed(units, MONEY_SCALE)


def _said(value: object) -> str:
    return msgspec.json.encode(value).decode()


async def keep(written: WrittenRun, next_seq: Callable[[], int], note: Callable[..., None]) -> None:
    """A checkpoint now and then, until cancelled, so that going on need not read all of the tape."""
    while True:
        if not _keep_now(written, next_seq(), note):
            return
        await asyncio.sleep(CHECKPOINT_EVERY_S)


def pause(written: WrittenRun, next_seq: int, note: Callable[..., None]) -> str:
    """Stop a run so that it can be gone on with; returns its state hash."""
    state_hash = written.pause(next_seq)
    _keep_now(written, next_seq, note)
    return state_hash


def _keep_now(written: WrittenRun, next_seq: int, note: Callable[..., None]) -> bool:
    """A checkpoint; False, and a note, when a strategy remembers what cannot be kept: then the tape is read instead."""
    try:
        written.checkpoint(next_seq)
    except DataError as error:
        note("no checkpoint: the run will be read from the tape again", error=str(error))
        return False
    return True
