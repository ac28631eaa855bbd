"""`papertape record --source`: several venues onto one tape, with backups, until the time is up or a signal comes."""

from pathlib import Path

from papertape.core.actions import Record, RecordedSymbol, RecordResult
from papertape.core.errors import ConnectFailed, InputError, UsageError
from papertape.core.fixed import format_fixed
from papertape.core.source_actions import FollowedSymbol, RecordedSource
from papertape.data.multi_asset_connector import MultiAssetConnector
from papertape.data.sources import Source
from papertape.data.wire.binance.rules import VENUES
from papertape.runtime.config import Config
from papertape.runtime.logs import start_logs
from papertape.runtime.outcome import INTERRUPTED, Outcome
from papertape.runtime.recording import ROUTINE
from papertape.runtime.replay_source import verdict_names
from papertape.runtime.sources import made_sources
from papertape.runtime.sources_recording import SourcesRecording, open_sources_recording
from papertape.runtime.venues import check_named


async def record(request: Record, config: Config) -> Outcome[RecordResult]:
    """Handle a `Record` request that names sources."""
    symbols = tuple(dict.fromkeys(one.strip() for one in request.symbols or config.real_time.crypto.symbols))
    if not all(symbols):
        raise InputError(f"--symbols: expected names parted by commas, was {','.join(request.symbols)!r}")
    sources, backups = _names(request)
    log = start_logs("record")

    def note(event: str, **facts: object) -> None:
        (log.info if event in ROUTINE else log.warning)(event, **facts)

    log.info("recording", symbols=",".join(symbols), sources=sources, backups=backups, tape=request.tape)
    url = request.ws_url[0] if request.ws_url else ""
    async with (
        made_sources([*sources, *backups], config, note, symbols, url) as made,
        open_sources_recording(Path(request.tape), made, symbols, sources, note) as opened,
    ):
        interrupted = await opened.listen(request.seconds)
        result = _result(opened.recording, opened.connector, made)
    if interrupted:
        return Outcome(result, INTERRUPTED)
    if not result.connected:
        return Outcome(result, ConnectFailed.exit_code, f"none of {', '.join(made)} ever brought anything")
    return Outcome(result)


def _names(request: Record) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Sources and backups; a venue plug-in is the one source. Raises UsageError for what does not go with them."""
    if request.gateway or request.token_file or request.streams or request.rest_url or request.reel_out:
        raise UsageError(
            "expected no --gateway, --token-file, --streams, --rest-url or --reel-out with --source or a venue plug-in"
        )
    if request.metrics is not None:
        raise UsageError("expected no --metrics with --source or a venue plug-in: they are those of one Binance market")
    if request.venue is not None:
        if request.source or request.backup:
            raise UsageError("expected --venue or --source, was both: name the venue as one of the sources")
        check_named(request.venue, [*VENUES, "mt5"])
        if len(request.ws_url) > 1:
            raise UsageError("expected one --ws-url with a venue plug-in: it is heard over one connection")
        return (request.venue,), ()
    if request.ws_url:
        raise UsageError("expected no --ws-url with --source: the configuration says where sources are")
    sources, backups = tuple(dict.fromkeys(request.source)), tuple(dict.fromkeys(request.backup))
    if twice := [one for one in backups if one in sources]:
        raise UsageError(f"expected other names after --backup than after --source, was {', '.join(twice)} in both")
    return sources, backups


def _result(recording: SourcesRecording, connector: MultiAssetConnector, made: dict[str, Source]) -> RecordResult:
    counts, health = recording.intake.market.counts(), recording.health
    return RecordResult(
        frames=recording.tally.batches,
        market_records=counts.records,
        resyncs=0,
        sequence_breaks=counts.sequence_breaks,
        reconnects=sum(one.reconnects for one in health.values()),
        rotations=0,
        failovers=0,
        connection_attempts=0,
        doubles_dropped=0,
        clock_offset_ms=None,
        crossed=counts.crossed,
        malformed=0,
        ignored=0,
        connected=any(one.records for one in health.values()),
        latency_us=recording.intake.latency.summary(),
        venue_latency_us=recording.intake.venue_latency.summary(),
        verdicts=verdict_names(recording.tally.verdicts),
        symbols=[_symbol(number, recording, connector) for number in sorted(recording.numbers)],
        links=[],
        sources=[
            RecordedSource(
                source=name,
                venue=made[name].venue,
                connected=one.connected,
                records=one.records,
                reconnects=one.reconnects,
                trouble=one.trouble,
            )
            for name, one in health.items()
        ],
        followed=[
            FollowedSymbol(
                symbol=symbol,
                places=[str(connector.place(number)) for number in numbers],
                current=str(connector.place(recording.current.get(numbers[0], numbers[0]))),
                switches=recording.tally.switches.get(numbers[0], 0),
                divergent=sum(recording.tally.of(number).divergent for number in numbers),
            )
            for symbol, numbers in recording.symbols.items()
        ],
    )


def _symbol(number: int, recording: SourcesRecording, connector: MultiAssetConnector) -> RecordedSymbol:
    """What was recorded of one place; `bid` and `ask` are the last quote's where it tells no book."""
    book, counts = recording.intake.market.books.get(number), recording.tally.of(number)
    first, last = counts.print_ids or (None, None)
    best = None
    if book is not None:
        best = book.last_synced or ((book.quote, book.quote_id) if book.quote_id >= 0 else None)
    scale = book.instrument.price_scale if book is not None else 0
    return RecordedSymbol(
        symbol=str(connector.place(number)),
        prints=book.prints if book is not None else 0,
        first_trade_id=first,
        last_trade_id=last,
        missing=counts.missing,
        duplicates=counts.duplicates,
        bid=format_fixed(best[0][0], scale) if best else None,
        ask=format_fixed(best[0][2], scale) if best else None,
        update_id=best[1] if best else None,
    )
