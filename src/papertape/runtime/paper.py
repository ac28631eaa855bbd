"""`papertape paper`: strategies on a live venue, on paper; the run is kept and gone on with at the next start."""

import asyncio
import sys
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import msgspec

from papertape.core.action_parts import VenueName
from papertape.core.errors import ConnectFailed, InputError, UsageError
from papertape.core.records import as_records
from papertape.core.trading_actions import Paper, PaperResult
from papertape.data.venue_port import Venue
from papertape.data.wire.binance.listing import UNKNOWN_ASSET, quote_asset
from papertape.data.wire.binance.rules import VENUES
from papertape.runtime.config import load_config
from papertape.runtime.home import config_file, data_directory
from papertape.runtime.kept_runs import go_on, keep, pause, plan_of
from papertape.runtime.live_source import source_of
from papertape.runtime.live_view import LiveView, watch
from papertape.runtime.logs import start_logs
from papertape.runtime.loops import run_async
from papertape.runtime.outcome import INTERRUPTED, Outcome
from papertape.runtime.paper_market import PaperMarket, binance_market, plugged_market
from papertape.runtime.recording import ROUTINE
from papertape.runtime.runs import RunPlan, WrittenRun, account_results, new_run
from papertape.runtime.shell import Shell
from papertape.runtime.venues import check_named, load_venue
from papertape.runtime.watchdog import watched

Opened = Callable[[Callable[..., None]], AbstractAsyncContextManager[PaperMarket]]
"""Opens the market; it is given what notes what happens."""
LINE_EVERY_S = 60.0
"""Without a terminal, a line this often."""


def run(request: Paper, shell: Shell) -> Outcome[PaperResult]:
    """Handle a `Paper` request."""
    config = load_config(config_file())
    if request.venue in VENUES:
        source = source_of(
            msgspec.convert(request.venue, VenueName),
            request.symbols,
            request.ws_url,
            request.rest_url,
            config.real_time.crypto,
        )
        plan = plan_of(request, request.currency or currency_of_symbols(source.symbols))
        tape = _tape(request, request.venue)
        opened = partial(binance_market, source, request.metrics, tape)
    else:
        plug_in = checked_plug_in(request)
        if request.currency is None:
            raise UsageError("expected --currency with a venue plug-in: what its symbols are quoted in")
        plan = plan_of(request, request.currency)
        tape = _tape(request, plug_in.name)
        url = request.ws_url[0] if request.ws_url else ""
        opened = partial(plugged_market, request.venue, tuple(request.symbols), url, config, tape)
    new_run(plan)  # What is wrong with it comes out here, before anything is opened or asked.
    shell.compile_engine()
    return run_async(_trade(request, plan, opened, tape, shell))


def _tape(request: Paper, venue: str) -> Path:
    return Path(request.tape) if request.tape else data_directory() / "paper" / venue


def checked_plug_in(request: Paper) -> Venue:
    """The plug-in that is named. Raises UsageError for what does not go with one, InputError for what is none."""
    check_named(request.venue, list(VENUES))
    if request.rest_url or request.metrics is not None or len(request.ws_url) > 1 or not request.symbols:
        raise UsageError(
            "expected --symbols, at most one --ws-url, no --rest-url and no --metrics with a venue plug-in"
        )
    return load_venue(request.venue)


def currency_of_symbols(symbols: tuple[str, ...]) -> str:
    """What symbols are quoted in. Raises InputError where that is not one known currency."""
    quotes = dict.fromkeys(quote_asset(symbol) for symbol in symbols)
    if len(quotes) > 1 or UNKNOWN_ASSET in quotes:
        raise InputError(
            f"expected symbols that are quoted in one known currency, or --currency, was {', '.join(symbols)}: "
            "an account trades what is quoted in its own"
        )
    return next(iter(quotes))


async def _trade(request: Paper, plan: RunPlan, opened: Opened, tape: Path, shell: Shell) -> Outcome[PaperResult]:
    on_terminal = sys.stderr.isatty()
    log, latest = start_logs("paper", screen=not on_terminal), deque[str](maxlen=1)

    def note(event: str, **facts: object) -> None:
        (log.info if event in ROUTINE else log.warning)(event, **facts)
        if event != "health":
            latest.append(", ".join([event, *(f"{name} {value}" for name, value in facts.items())]))

    async with opened(note) as market:
        next_seq = market.writer.next_seq
        plan = msgspec.structs.replace(plan, begins_seq=next_seq)
        written, went_on = go_on(tape, plan, market.writer.sync, anew=request.new)
        with written.writer, watched(written.run):
            run_id = written.writer.run_id
            log.info("trading on paper", tape=str(tape), run=run_id, goes_on=went_on, servers=list(market.servers))
            market.intake.apply = lambda seq, data: written.run.take(seq, as_records(data))
            title = f"papertape paper: {market.name}, run {run_id}{', gone on with' if went_on else ''}"
            view = LiveView(market.feed, written.run, title, latest)
            async with asyncio.TaskGroup() as group:
                beside = (
                    group.create_task(watch(view, shell, LINE_EVERY_S)),
                    group.create_task(keep(written, lambda: market.writer.next_seq, note)),
                )
                interrupted = await market.listen(request.seconds)
                for task in beside:
                    task.cancel()
            market.end()
            state_hash = pause(written, market.writer.next_seq, note)
            result = _result(market, written, tape, state_hash, went_on=went_on)
    if interrupted:
        return Outcome(result, INTERRUPTED)
    if not result.connected:
        at = f" at {market.servers[0]}" if market.servers else ""
        return Outcome(result, ConnectFailed.exit_code, f"{market.name} was never connected{at}")
    return Outcome(result)


def _result(market: PaperMarket, written: WrittenRun, tape: Path, state_hash: str, *, went_on: bool) -> PaperResult:
    run, counts = written.run, written.run.engine.market.counts()
    accounts = account_results(run)
    return PaperResult(
        tape=str(tape),
        run=written.writer.run_id,
        went_on=went_on,
        connected=market.feed.connected(),
        frames=market.feed.taken(),
        reconnects=market.reconnects(),
        market_records=counts.records,
        prints=counts.prints,
        sequence_breaks=counts.sequence_breaks,
        book_checks=counts.book_checks,
        book_mismatches=counts.book_mismatches,
        orders=run.engine.view().orders_made,
        fills=sum(one.fills for one in accounts),
        accounts=accounts,
        latency_us=market.intake.latency.summary(),
        state_hash=state_hash,
    )
