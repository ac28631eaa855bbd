"""`papertape paper`: strategies on a live venue, on paper; the run is kept and gone on with at the next start."""

import asyncio
import sys
from collections import deque
from pathlib import Path

import msgspec

from papertape.core.errors import ConnectFailed, InputError
from papertape.core.records import as_records
from papertape.core.trading_actions import Paper, PaperResult
from papertape.data.wire.binance.listing import UNKNOWN_ASSET, quote_asset
from papertape.runtime.config import load_config
from papertape.runtime.home import config_file, data_directory
from papertape.runtime.kept_runs import go_on, keep, pause, plan_of
from papertape.runtime.live_source import source_of
from papertape.runtime.live_view import Feed, LiveView, watch
from papertape.runtime.logs import start_logs
from papertape.runtime.loops import run_async
from papertape.runtime.metrics import metrics_of
from papertape.runtime.outcome import INTERRUPTED, Outcome
from papertape.runtime.recording import ROUTINE, Recording, Source, listen, open_recording
from papertape.runtime.runs import RunPlan, WrittenRun, account_results, new_run
from papertape.runtime.shell import Shell
from papertape.runtime.watchdog import watched

LINE_EVERY_S = 60.0
"""Without a terminal, a line this often."""


def run(request: Paper, shell: Shell) -> Outcome[PaperResult]:
    """Handle a `Paper` request."""
    config = load_config(config_file()).real_time.crypto
    source = source_of(request.venue, request.symbols, request.ws_url, request.rest_url, config)
    tape = Path(request.tape) if request.tape else data_directory() / "paper" / request.venue
    plan = plan_of(request, request.currency or currency_of_symbols(source.symbols))
    new_run(plan)  # What is wrong with it comes out here, before anything is opened or asked.
    shell.compile_engine()
    return run_async(_trade(request, plan, source, tape, shell))


def currency_of_symbols(symbols: tuple[str, ...]) -> str:
    """What symbols are quoted in. Raises InputError where that is not one known currency."""
    quotes = dict.fromkeys(quote_asset(symbol) for symbol in symbols)
    if len(quotes) > 1 or UNKNOWN_ASSET in quotes:
        raise InputError(
            f"expected symbols that are quoted in one known currency, or --currency, was {', '.join(symbols)}: "
            "an account trades what is quoted in its own"
        )
    return next(iter(quotes))


async def _trade(request: Paper, plan: RunPlan, source: Source, tape: Path, shell: Shell) -> Outcome[PaperResult]:
    on_terminal = sys.stderr.isatty()
    log, latest = start_logs("paper", screen=not on_terminal), deque[str](maxlen=1)

    def note(event: str, **facts: object) -> None:
        (log.info if event in ROUTINE else log.warning)(event, **facts)
        if event != "health":
            latest.append(", ".join([event, *(f"{name} {value}" for name, value in facts.items())]))

    async with open_recording(source, tape, None, note) as recording:
        next_seq = recording.writer.next_seq
        plan = msgspec.structs.replace(plan, begins_seq=next_seq)
        written, went_on = go_on(tape, plan, recording.writer.sync, anew=request.new)
        with written.writer, watched(written.run):
            run_id = written.writer.run_id
            log.info("trading on paper", tape=str(tape), run=run_id, goes_on=went_on, servers=list(source.ws_urls))
            recording.intake.apply = lambda seq, data: written.run.take(seq, as_records(data))
            title = f"papertape paper: {source.rules.venue}, run {run_id}{', gone on with' if went_on else ''}"
            view = LiveView(Feed.of(recording), written.run, title, latest)
            async with metrics_of(recording, request.metrics, note), asyncio.TaskGroup() as group:
                beside = (
                    group.create_task(watch(view, shell, LINE_EVERY_S)),
                    group.create_task(keep(written, lambda: recording.writer.next_seq, note)),
                )
                interrupted = await listen(recording, request.seconds)
                for task in beside:
                    task.cancel()
            recording.recorder.end()
            state_hash = pause(written, recording.writer.next_seq, note)
            result = _result(recording, written, tape, state_hash, went_on=went_on)
    if interrupted:
        return Outcome(result, INTERRUPTED)
    if not result.connected:
        return Outcome(
            result, ConnectFailed.exit_code, f"{source.rules.venue} was never connected at {source.ws_urls[0]}"
        )
    return Outcome(result)


def _result(recording: Recording, written: WrittenRun, tape: Path, state_hash: str, *, went_on: bool) -> PaperResult:
    run, counts = written.run, written.run.engine.market.counts()
    accounts = account_results(run)
    return PaperResult(
        tape=str(tape),
        run=written.writer.run_id,
        went_on=went_on,
        connected=recording.session.connected,
        frames=recording.machine.frames,
        reconnects=recording.session.links.reconnects,
        market_records=counts.records,
        prints=counts.prints,
        sequence_breaks=counts.sequence_breaks,
        book_checks=counts.book_checks,
        book_mismatches=counts.book_mismatches,
        orders=run.engine.view().orders_made,
        fills=sum(one.fills for one in accounts),
        accounts=accounts,
        latency_us=recording.intake.latency.summary(),
        state_hash=state_hash,
    )
