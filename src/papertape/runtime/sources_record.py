"""`papertape record --source`: several venues onto one tape, with backups, until the time is up or a signal comes."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from papertape.core.actions import Record, RecordedSymbol, RecordResult
from papertape.core.errors import ConnectFailed, InputError, UsageError
from papertape.core.fixed import format_fixed
from papertape.core.source_actions import FollowedSymbol, RecordedSource
from papertape.data.multi_asset_connector import AssetClass, MultiAssetConnector
from papertape.data.sources import Source
from papertape.runtime.clocks import UtcClock
from papertape.runtime.config import Config
from papertape.runtime.logs import start_logs
from papertape.runtime.loops import stop_signals
from papertape.runtime.outcome import INTERRUPTED, Outcome
from papertape.runtime.recording import ROUTINE
from papertape.runtime.replay_source import verdict_names
from papertape.runtime.sources import made_sources
from papertape.runtime.sources_recording import SourcesRecording, Standing
from papertape.tape.market_writer import MarketWriter

BUFFER_RECORDS = 1_000_000
"""Records that may wait to be written: a second or more of the busiest markets."""


async def record(request: Record, config: Config) -> Outcome[RecordResult]:
    """Handle a `Record` request that names sources."""
    symbols = tuple(dict.fromkeys(one.strip() for one in request.symbols or config.real_time.crypto.symbols))
    if not all(symbols):
        raise InputError(f"--symbols: expected names parted by commas, was {','.join(request.symbols)!r}")
    if request.venue or request.gateway or request.streams or request.ws_url or request.rest_url or request.reel_out:
        raise UsageError(
            "expected no --venue, --gateway, --streams, --ws-url, --rest-url or --reel-out with --source: "
            "the configuration says where sources are"
        )
    sources = tuple(dict.fromkeys(request.source))
    backups = tuple(dict.fromkeys(request.backup))
    if twice := [one for one in backups if one in sources]:
        raise UsageError(f"expected other names after --backup than after --source, was {', '.join(twice)} in both")
    log = start_logs("record")

    def note(event: str, **facts: object) -> None:
        (log.info if event in ROUTINE else log.warning)(event, **facts)

    log.info("recording", symbols=",".join(symbols), sources=sources, backups=backups, tape=request.tape)
    async with made_sources([*sources, *backups], config, note) as made:
        result, interrupted = await _record(request, symbols, made, sources, note)
    if interrupted:
        return Outcome(result, INTERRUPTED)
    if not result.connected:
        return Outcome(result, ConnectFailed.exit_code, f"none of {', '.join(made)} ever brought anything")
    return Outcome(result)


async def _record(
    request: Record, symbols: Sequence[str], made: dict[str, Source], sources: Sequence[str], note: Callable[..., None]
) -> tuple[RecordResult, bool]:
    directory, clock = Path(request.tape), UtcClock()
    backups = tuple(name for name in made if name not in sources)
    followed = AssetClass(provider=sources[0], symbols=(), buffer_size=BUFFER_RECORDS, backups=backups)
    with MarketWriter.open(directory) as writer:
        if writer.recovery is not None:
            note("tape recovered", what=str(writer.recovery))
        before = Standing(directory, writer)
        recording = SourcesRecording(before, writer, clock, note)
        async with MultiAssetConnector(made, followed, followed, clock, note, numbers=before.numbers) as connector:
            with stop_signals() as stop:
                async with asyncio.TaskGroup() as group:
                    running = group.create_task(recording.run(connector, symbols, sources))
                    ends: list[asyncio.Future[Any]] = [running, stop, recording.intake.failed]
                    await asyncio.wait(ends, timeout=request.seconds, return_when=asyncio.FIRST_COMPLETED)
                    running.cancel()
                interrupted = stop.done() and stop.result()
            result = _result(recording, connector, made)
    if recording.intake.failed.done():
        recording.intake.failed.result()
    return result, interrupted


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
