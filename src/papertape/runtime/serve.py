"""`papertape serve`: strategies on paper on a tape that another process records."""

import asyncio
import sys
from collections import deque
from pathlib import Path
from typing import Any

import msgspec

from papertape.core.trading_actions import Serve, ServeResult
from papertape.runtime.kept_runs import go_on, keep, pause, plan_of
from papertape.runtime.listed import listed_instruments
from papertape.runtime.live_view import Feed, LiveView, watch
from papertape.runtime.logs import start_logs
from papertape.runtime.loops import run_async, stop_signals
from papertape.runtime.outcome import INTERRUPTED, Outcome
from papertape.runtime.paper import LINE_EVERY_S
from papertape.runtime.runs import RunPlan, WrittenRun, account_results, currency_of, new_run
from papertape.runtime.shell import Shell
from papertape.runtime.watchdog import watched
from papertape.tape.follower import MarketFollower, sync_track
from papertape.tape.market_reader import MarketReader

WAIT_S = 0.5
"""How long one look at the tape waits for something new."""


def run(request: Serve, shell: Shell) -> Outcome[ServeResult]:
    """Handle a `Serve` request."""
    tape = Path(request.tape)
    reader = MarketReader.open(tape)
    plan = plan_of(request, request.currency or currency_of(listed_instruments(reader)))
    new_run(plan)  # What is wrong with it comes out here, before anything is kept.
    shell.compile_engine()
    return run_async(_serve(request, msgspec.structs.replace(plan, begins_seq=reader.next_seq), tape, shell))


class _Following:
    """The records of a tape as they come, into a run; `next_seq` is that of the first one not taken yet."""

    def __init__(self, follower: MarketFollower, written: WrittenRun) -> None:
        self.next_seq = written.next_seq
        self.taken = 0
        self._follower = follower
        self._run = written.run

    async def follow(self) -> None:
        """Until cancelled. The waiting is done in a thread, the taking here."""
        while True:
            for batch in await asyncio.to_thread(self._follower.wait, WAIT_S):
                self._run.take(batch.first_seq, batch.records)
                self.taken += len(batch.records)
                self.next_seq = self._run.cursor


async def _serve(request: Serve, plan: RunPlan, tape: Path, shell: Shell) -> Outcome[ServeResult]:
    log, latest = start_logs("serve", screen=not sys.stderr.isatty()), deque[str](maxlen=1)

    def note(event: str, **facts: object) -> None:
        log.warning(event, **facts)
        latest.append(", ".join([event, *(f"{name} {value}" for name, value in facts.items())]))

    written, went_on = go_on(tape, plan, lambda: sync_track(tape), anew=request.new)
    with written.writer, watched(written.run), MarketFollower.open(tape, written.next_seq) as follower:
        run_id = written.writer.run_id
        log.info("trading on paper", tape=str(tape), run=run_id, goes_on=went_on, from_seq=written.next_seq)
        following = _Following(follower, written)
        feed = Feed(lambda: following.taken, "taken", lambda: True, lambda _: None)
        title = f"papertape serve: {tape}, run {run_id}{', gone on with' if went_on else ''}"
        view = LiveView(feed, written.run, title, latest)
        with stop_signals() as stop:
            async with asyncio.TaskGroup() as group:
                taking = group.create_task(following.follow())
                watching = group.create_task(watch(view, shell, LINE_EVERY_S))
                keeping = group.create_task(keep(written, lambda: following.next_seq, note))
                ends: list[asyncio.Future[Any]] = [stop, taking]
                await asyncio.wait(ends, timeout=request.seconds, return_when=asyncio.FIRST_COMPLETED)
                for task in (taking, watching, keeping):
                    task.cancel()
            interrupted = stop.done() and stop.result()
        state_hash = pause(written, following.next_seq, note)
        result = _result(written, follower.lag_records(), state_hash, went_on=went_on)
    return Outcome(result, INTERRUPTED) if interrupted else Outcome(result)


def _result(written: WrittenRun, lag_records: int, state_hash: str, *, went_on: bool) -> ServeResult:
    run, counts = written.run, written.run.engine.market.counts()
    accounts = account_results(run)
    return ServeResult(
        run=written.writer.run_id,
        went_on=went_on,
        lag_records=lag_records,
        market_records=counts.records,
        prints=counts.prints,
        orders=run.engine.view().orders_made,
        fills=sum(one.fills for one in accounts),
        accounts=accounts,
        state_hash=state_hash,
    )
