"""`papertape record`: a venue onto a tape, until the time is up or a signal comes."""

from pathlib import Path

import msgspec

from papertape.core.action_parts import VenueName
from papertape.core.actions import Record, RecordedLink, RecordedSymbol, RecordResult
from papertape.core.book.rows import Book
from papertape.core.errors import ConnectFailed, UsageError
from papertape.core.fixed import format_fixed
from papertape.data.wire.binance.feed import SymbolFeed
from papertape.data.wire.binance.rules import VENUES
from papertape.runtime import mt5_record, sources_record
from papertape.runtime.config import load_config
from papertape.runtime.home import config_file
from papertape.runtime.live_source import source_of
from papertape.runtime.logs import start_logs
from papertape.runtime.loops import run_async
from papertape.runtime.metrics import metrics_of
from papertape.runtime.outcome import INTERRUPTED, Outcome
from papertape.runtime.recording import ROUTINE, Recording, Source, listen, open_recording
from papertape.runtime.reel_out import ReelOut
from papertape.runtime.replay_source import verdict_names
from papertape.runtime.shell import Shell


def run(request: Record, shell: Shell) -> Outcome[RecordResult]:
    """Handle a `Record` request."""
    whole_config = load_config(config_file())
    if request.source or (request.venue is not None and request.venue not in (*VENUES, "mt5")):
        return run_async(sources_record.record(request, whole_config))
    if request.venue is None or request.backup:
        raise UsageError("expected --venue, or --source with or without --backup")
    config = whole_config.real_time
    if request.venue == "mt5":
        return run_async(mt5_record.record(request, config.forex))
    if request.gateway is not None or request.token_file is not None:
        raise UsageError(f"expected --gateway and --token-file with --venue mt5 only, was --venue {request.venue}")
    source = source_of(
        msgspec.convert(request.venue, VenueName),
        request.symbols,
        request.ws_url,
        request.rest_url,
        config.crypto,
        streams=request.streams,
    )
    return run_async(_record(request, source))


async def _record(request: Record, source: Source) -> Outcome[RecordResult]:
    log = start_logs("record")
    rules = source.rules
    reel = ReelOut(Path(request.reel_out)) if request.reel_out else None

    def note(event: str, **facts: object) -> None:
        (log.info if event in ROUTINE else log.warning)(event, **facts)

    async with open_recording(source, Path(request.tape), reel, note) as recording:
        if recording.writer.recovery is not None:
            log.warning("tape recovered", what=str(recording.writer.recovery))
        log.info(
            "recording",
            symbols=",".join(source.symbols),
            venue=rules.venue,
            servers=list(source.ws_urls),
            tape=request.tape,
        )
        async with metrics_of(recording, request.metrics, note):
            interrupted = await listen(recording, request.seconds)
    result = _result(recording)
    if interrupted:
        return Outcome(result, INTERRUPTED)
    if not recording.session.connected:
        return Outcome(
            result, ConnectFailed.exit_code, f"{rules.venue} was never connected at {', '.join(source.ws_urls)}"
        )
    return Outcome(result)


def _result(recording: Recording) -> RecordResult:
    _, machine, intake, recorder, session = recording
    counts, health = intake.market.counts(), session.links.last_health
    return RecordResult(
        frames=machine.frames,
        market_records=counts.records,
        resyncs=recorder.resyncs,
        sequence_breaks=counts.sequence_breaks,
        reconnects=health.reconnects,
        rotations=health.rotations,
        failovers=health.failovers,
        connection_attempts=health.attempts,
        doubles_dropped=health.doubles_dropped,
        clock_offset_ms=health.clock_offset_ms,
        crossed=counts.crossed,
        malformed=machine.malformed,
        ignored=machine.ignored,
        connected=session.connected,
        latency_us=intake.latency.summary(),
        venue_latency_us=intake.venue_latency.summary(),
        verdicts=verdict_names(machine.gate.found),
        symbols=[_symbol(feed, intake.market.books.get(feed.index)) for feed in machine.feeds.values()],
        links=msgspec.convert(msgspec.to_builtins(health.connections), list[RecordedLink]),
    )


def _symbol(feed: SymbolFeed, book: Book | None) -> RecordedSymbol:
    ids = feed.trade_ids
    synced = book.last_synced if book is not None else None
    scale = book.instrument.price_scale if book is not None else 0
    return RecordedSymbol(
        symbol=feed.symbol,
        prints=book.prints if book is not None else 0,
        first_trade_id=ids.first if ids.first >= 0 else None,
        last_trade_id=ids.last if ids.first >= 0 else None,
        missing=ids.missing,
        duplicates=ids.duplicates,
        bid=format_fixed(synced[0][0], scale) if synced else None,
        ask=format_fixed(synced[0][2], scale) if synced else None,
        update_id=synced[1] if synced else None,
    )
