"""`papertape record`: a venue onto a tape, until the time is up or a signal comes."""

import asyncio
from pathlib import Path
from typing import Any

from papertape.core.actions import LatencyUs, Record, RecordedSymbol, RecordResult
from papertape.core.book.rows import Book
from papertape.core.errors import ConnectFailed, InputError, PapertapeError
from papertape.core.fixed import format_fixed
from papertape.core.records import RecordBuffer
from papertape.data.connectors.aiohttp_client import AiohttpClient
from papertape.data.connectors.binance_session import BinanceSession, Network
from papertape.data.connectors.picows_transport import PicowsTransport
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.feed import SymbolFeed
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import VENUES, Rules
from papertape.runtime.clocks import UtcClock
from papertape.runtime.config import Config, load_config
from papertape.runtime.home import config_file
from papertape.runtime.listed import listed_instruments
from papertape.runtime.logs import start_logs
from papertape.runtime.loops import run_async, stop_signals
from papertape.runtime.outcome import Outcome
from papertape.runtime.recorder import Recorder
from papertape.runtime.reel_out import ReelOut
from papertape.runtime.replay import verdict_names
from papertape.runtime.shell import Shell
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter

INTERRUPTED = 130
FINISH_S = 3.0
"""At the end, prints still missing are asked for within this time."""


def run(request: Record, shell: Shell) -> Outcome[RecordResult]:
    """Handle a `Record` request."""
    config = load_config(config_file())
    symbols = tuple(dict.fromkeys(one.strip().upper() for one in request.symbols or config.real_time.crypto.symbols))
    if not all(symbols):
        raise InputError(f"--symbols: expected names parted by commas, was {','.join(request.symbols)!r}")
    return run_async(_record(request, symbols, config))


async def _record(request: Record, symbols: tuple[str, ...], config: Config) -> Outcome[RecordResult]:
    log = start_logs("record")
    rules = VENUES[request.venue]
    directory = Path(request.tape)
    with MarketWriter.open(directory) as writer:
        if writer.recovery is not None:
            log.warning("tape recovered", what=str(writer.recovery))
        machine = _machine(rules, symbols, directory, writer)
        reel = ReelOut(Path(request.reel_out)) if request.reel_out else None
        clock = UtcClock()
        recorder = Recorder(machine, writer, clock, reel, log.info)
        async with AiohttpClient() as http:
            network = Network(
                request.ws_url or rules.ws_url,
                request.rest_url or rules.rest_url,
                PicowsTransport(),
                http,
                config.real_time.crypto.websocket_timeout_s,
            )
            session = BinanceSession(machine, recorder, network, clock.now_ns, log.info)
            recorder.after_take = session.look_for_wishes
            log.info(
                "recording", symbols=",".join(symbols), venue=rules.venue, server=network.ws_url, tape=request.tape
            )
            try:
                interrupted = await _listen(session, recorder, request.seconds)
            finally:
                recorder.end()
                if reel is not None:
                    reel.close()
    if recorder.failed.done():
        recorder.failed.result()
    result = _result(recorder, machine, session)
    if interrupted:
        return Outcome(result, INTERRUPTED)
    if not session.connected:
        return Outcome(result, ConnectFailed.exit_code, f"{rules.venue} was never connected at {network.ws_url}")
    return Outcome(result)


def _machine(rules: Rules, symbols: tuple[str, ...], directory: Path, writer: MarketWriter) -> BinanceMachine:
    """A machine whose symbols keep the numbers they have on the tape."""
    listed = listed_instruments(MarketReader.open(directory)) if writer.next_seq else {}
    numbers = {one.symbol: number for number, one in listed.items() if one.venue == rules.venue}
    free = max(listed, default=-1) + 1
    for symbol in symbols:
        if symbol not in numbers:
            numbers[symbol] = free
            free += 1
    known = {one.symbol: one for one in listed.values() if one.venue == rules.venue}
    return BinanceMachine(rules, {symbol: numbers[symbol] for symbol in symbols}, Gate(RecordBuffer()), known)


async def _listen(session: BinanceSession, recorder: Recorder, seconds: float | None) -> bool:
    """Run the session until the time is up, a signal comes or writing fails; True when interrupted."""
    stop: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def on_signal(interrupted: bool) -> None:
        if not stop.done():
            stop.set_result(interrupted)

    async def whole_session() -> None:
        await session.list_symbols()
        recorder.begin()
        await session.run()

    with stop_signals(on_signal):
        async with asyncio.TaskGroup() as group:
            running = group.create_task(whole_session())
            ends: list[asyncio.Future[Any]] = [running, stop, recorder.failed]
            await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            running.cancel()
        if session.connected and not recorder.failed.done():
            await _finish(session)
    return stop.done() and stop.result()


async def _finish(session: BinanceSession) -> None:
    try:
        async with asyncio.timeout(FINISH_S):
            await session.finish()
    except (PapertapeError, TimeoutError) as error:
        session.note("prints may be missing", error=str(error))


def _result(recorder: Recorder, machine: BinanceMachine, session: BinanceSession) -> RecordResult:
    counts = recorder.market.counts()
    return RecordResult(
        frames=machine.frames,
        market_records=counts.records,
        resyncs=recorder.resyncs,
        sequence_breaks=counts.sequence_breaks,
        reconnects=session.reconnects,
        crossed=counts.crossed,
        malformed=machine.malformed,
        ignored=machine.ignored,
        connected=session.connected,
        latency_us=LatencyUs(p50=recorder.latency.quantile_us(50), p99=recorder.latency.quantile_us(99)),
        verdicts=verdict_names(machine.gate.found),
        symbols=[_symbol(feed, recorder.market.books.get(feed.index)) for feed in machine.feeds.values()],
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
