"""`papertape record`: a venue onto a tape, until the time is up or a signal comes."""

from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from papertape.core.actions import Record, RecordedLink, RecordedSymbol, RecordResult
from papertape.core.book.rows import Book
from papertape.core.errors import ConnectFailed, InputError
from papertape.core.fixed import format_fixed
from papertape.data.wire.binance.feed import SymbolFeed
from papertape.data.wire.binance.rules import VENUES
from papertape.runtime.config import Config, load_config
from papertape.runtime.home import config_file
from papertape.runtime.logs import start_logs
from papertape.runtime.loops import run_async
from papertape.runtime.outcome import INTERRUPTED, Outcome
from papertape.runtime.recording import Recording, Source, listen, open_recording
from papertape.runtime.reel_out import ReelOut
from papertape.runtime.replay_source import verdict_names
from papertape.runtime.shell import Shell

ROUTINE = ("connected", "health", "connection is being replaced", "connection replaced")
"""Events of a recording that need nobody's attention."""


def run(request: Record, shell: Shell) -> Outcome[RecordResult]:
    """Handle a `Record` request."""
    config = load_config(config_file())
    symbols = tuple(dict.fromkeys(one.strip().upper() for one in request.symbols or config.real_time.crypto.symbols))
    if not all(symbols):
        raise InputError(f"--symbols: expected names parted by commas, was {','.join(request.symbols)!r}")
    return run_async(_record(request, symbols, config))


def _checked_url(option: str, url: str, schemes: tuple[str, str]) -> str:
    parts = urlsplit(url)
    try:
        usable = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or too large
        usable = False
    if not usable:
        raise InputError(f"{option}: expected a base URL such as {schemes[0]}://127.0.0.1:9870, was {url}")
    return url


async def _record(request: Record, symbols: tuple[str, ...], config: Config) -> Outcome[RecordResult]:
    log = start_logs("record")
    rules = VENUES[request.venue]
    ws_urls = request.ws_url or [rules.ws_url, *rules.ws_backups]
    source = Source(
        rules,
        symbols,
        tuple(_checked_url("--ws-url", url, ("ws", "wss")) for url in ws_urls),
        _checked_url("--rest-url", request.rest_url or rules.rest_url, ("http", "https")),
        config.real_time.crypto.websocket_timeout_s,
    )
    reel = ReelOut(Path(request.reel_out)) if request.reel_out else None

    def note(event: str, **facts: object) -> None:
        (log.info if event in ROUTINE else log.warning)(event, **facts)

    async with open_recording(source, Path(request.tape), reel, note) as recording:
        if recording.writer.recovery is not None:
            log.warning("tape recovered", what=str(recording.writer.recovery))
        log.info(
            "recording", symbols=",".join(symbols), venue=rules.venue, servers=list(source.ws_urls), tape=request.tape
        )
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
    _, machine, recorder, session = recording
    counts, health = recorder.market.counts(), session.links.last_health
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
        latency_us=recorder.latency.summary(),
        verdicts=verdict_names(machine.gate.found),
        symbols=[_symbol(feed, recorder.market.books.get(feed.index)) for feed in machine.feeds.values()],
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
