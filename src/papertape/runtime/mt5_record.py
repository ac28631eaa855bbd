"""`papertape record --venue mt5`: a MetaTrader 5 terminal onto a tape, until the time is up or a signal comes."""

from pathlib import Path

from papertape.core.actions import Record, RecordedSymbol, RecordResult
from papertape.core.book.rows import Book
from papertape.core.errors import ConnectFailed, InputError, UsageError
from papertape.core.fixed import format_fixed
from papertape.runtime.config import Forex
from papertape.runtime.logs import start_logs
from papertape.runtime.mt5_port import terminal_port
from papertape.runtime.mt5_recording import Mt5Recording, record_mt5
from papertape.runtime.outcome import INTERRUPTED, Outcome
from papertape.runtime.replay_source import verdict_names


async def record(request: Record, config: Forex) -> Outcome[RecordResult]:
    """Handle a `Record` request for MetaTrader 5."""
    symbols = tuple(dict.fromkeys(one.strip() for one in request.symbols or config.symbols))
    if not all(symbols):
        raise InputError(f"--symbols: expected names parted by commas, was {','.join(request.symbols)!r}")
    if request.ws_url or request.rest_url or request.reel_out or request.metrics is not None:
        raise UsageError(
            "expected no --ws-url, --rest-url, --reel-out or --metrics with --venue mt5: a terminal has none of these"
        )
    if request.gateway is not None and not (request.token_file or config.token_file):
        raise UsageError("expected --token-file with --gateway: the file that the gateway was given too")
    port = terminal_port(request.gateway or config.gateway, request.token_file or config.token_file)
    log = start_logs("record")

    def note(event: str, **facts: object) -> None:
        (log.info if event in ("connected", "reconnected") else log.warning)(event, **facts)

    log.info(
        "recording",
        symbols=",".join(symbols),
        venue="mt5",
        gateway=request.gateway or config.gateway,
        tape=request.tape,
    )
    recording, interrupted = await record_mt5(port, symbols, Path(request.tape), note, seconds=request.seconds)
    result = _result(recording)
    if interrupted:
        return Outcome(result, INTERRUPTED)
    if not result.connected:
        return Outcome(
            result,
            ConnectFailed.exit_code,
            f"no terminal was reached at {request.gateway or config.gateway or 'this computer'}",
        )
    return Outcome(result)


def _result(recording: Mt5Recording) -> RecordResult:
    machine, intake = recording.machine, recording.intake
    counts = intake.market.counts()
    return RecordResult(
        frames=machine.ticks if machine else 0,
        market_records=counts.records,
        resyncs=0,
        sequence_breaks=counts.sequence_breaks,
        reconnects=recording.connector.reconnects,
        rotations=0,
        failovers=0,
        connection_attempts=recording.connector.attempts,
        doubles_dropped=0,
        clock_offset_ms=None,
        crossed=counts.crossed,
        malformed=machine.unreadable if machine else 0,
        ignored=0,
        connected=machine is not None,
        latency_us=intake.latency.summary(),
        venue_latency_us=intake.venue_latency.summary(),
        verdicts=verdict_names(intake.gate.found),
        symbols=[_symbol(symbol, intake.market.books.get(index)) for symbol, index in recording.indices.items()],
        links=[],
    )


def _symbol(symbol: str, book: Book | None) -> RecordedSymbol:
    """What was recorded of a symbol; a terminal tells neither prints nor depth, so `bid` and `ask` are the last quote's."""
    quoted = book is not None and book.quote_id >= 0
    scale = book.instrument.price_scale if book is not None else 0
    return RecordedSymbol(
        symbol=symbol,
        prints=0,
        first_trade_id=None,
        last_trade_id=None,
        missing=0,
        duplicates=0,
        bid=format_fixed(book.quote[0], scale) if book is not None and quoted else None,
        ask=format_fixed(book.quote[2], scale) if book is not None and quoted else None,
        update_id=book.quote_id if book is not None and quoted else None,
    )
