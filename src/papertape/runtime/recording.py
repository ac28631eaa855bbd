"""One recording: the tape, the wire machine, the recorder and the session of a venue, put together and taken apart."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from papertape.core.clock import Clock
from papertape.core.errors import PapertapeError, StoreError
from papertape.core.instruments import Instrument
from papertape.core.records import RecordBuffer
from papertape.data.connectors.aiohttp_client import AiohttpClient
from papertape.data.connectors.binance_rest import budget_name
from papertape.data.connectors.binance_session import BinanceSession, Network
from papertape.data.connectors.picows_transport import PicowsTransport
from papertape.data.connectors.weights import WeightGovernor
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import Rules
from papertape.runtime.clocks import UtcClock
from papertape.runtime.home import weights_file
from papertape.runtime.listed import listed_instruments
from papertape.runtime.loops import stop_signals
from papertape.runtime.recorder import Recorder
from papertape.runtime.reel_out import ReelOut
from papertape.runtime.tape_intake import TapeIntake
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter

FINISH_S = 3.0
"""At the end, prints still missing are asked for within this time."""

ROUTINE = ("connected", "health", "metrics are served", "connection is being replaced", "connection replaced")
"""Events of a recording that need nobody's attention."""


class Source(NamedTuple):
    """What to record, and from which servers; `silence_s` is how long a connection may say nothing."""

    rules: Rules
    symbols: tuple[str, ...]
    ws_urls: tuple[str, ...]
    rest_url: str
    silence_s: float


class Recording(NamedTuple):
    """The parts of a recording at work."""

    writer: MarketWriter
    machine: BinanceMachine
    intake: TapeIntake
    recorder: Recorder
    session: BinanceSession


@asynccontextmanager
async def open_recording(
    source: Source, directory: Path, reel: ReelOut | None, note: Callable[..., None]
) -> AsyncIterator[Recording]:
    """A recording onto the tape `directory`, which is made or continued; `listen` runs it.

    At the end what has gathered is written and `reel` closed. Raises the error that writing failed with.
    """
    with MarketWriter.open(directory) as writer:
        clock = UtcClock()
        weights = weight_governor(source.rules, source.rest_url, clock, note)
        async with AiohttpClient() as http:
            network = Network(source.ws_urls, source.rest_url, PicowsTransport(), http, source.silence_s, weights)
            recording = put_together(source, directory, writer, network, clock, reel, note)
            try:
                yield recording
            finally:
                recording.recorder.end()
                if reel is not None:
                    reel.close()
    if recording.intake.failed.done():
        recording.intake.failed.result()


def weight_governor(rules: Rules, rest_url: str, clock: Clock, note: Callable[..., None]) -> WeightGovernor:
    """The budget of REST weight that this machine shares; this process's own where no file can be kept, and a note."""
    file = weights_file(budget_name(rules, rest_url))
    try:
        return WeightGovernor(file, rules.weight_limit, clock.now_ns)
    except StoreError as error:
        note("the weight of REST questions is counted for this process alone", error=str(error))
        return WeightGovernor(None, rules.weight_limit, clock.now_ns)


def put_together(
    source: Source,
    directory: Path,
    writer: MarketWriter,
    network: Network,
    clock: Clock,
    reel: ReelOut | None,
    note: Callable[..., None],
) -> Recording:
    """A recording onto the tape `directory`, whose `writer` is open, over any network and by any clock."""
    machine = _machine(source.rules, source.symbols, directory, writer)
    intake = TapeIntake(machine.gate, writer, clock)
    recorder = Recorder(machine, intake, reel, note)
    session = BinanceSession(machine, recorder, network, clock.now_ns, note)
    intake.after_flush = session.look_for_wishes
    return Recording(writer, machine, intake, recorder, session)


async def listen(recording: Recording, seconds: float | None, until: Sequence[asyncio.Future[Any]] = ()) -> bool:
    """Run the session until the time is up, one of `until` is done, a signal comes or writing fails; True when interrupted."""
    _, _, intake, recorder, session = recording

    async def whole_session() -> None:
        await session.list_symbols()
        recorder.begin()
        async with asyncio.TaskGroup() as group:
            group.create_task(recorder.tell_time())
            group.create_task(session.run())

    with stop_signals() as stop:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(whole_session())
            ends: list[asyncio.Future[Any]] = [running, stop, intake.failed, *until]
            await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            running.cancel()
        if session.connected and not intake.failed.done():
            await _finish(session)
        return stop.done() and stop.result()


async def _finish(session: BinanceSession) -> None:
    try:
        async with asyncio.timeout(FINISH_S):
            await session.finish()
    except (PapertapeError, TimeoutError) as error:
        session.note("prints may be missing", error=str(error))


def _machine(rules: Rules, symbols: tuple[str, ...], directory: Path, writer: MarketWriter) -> BinanceMachine:
    """A machine whose symbols keep the numbers they have on the tape."""
    listed = listed_instruments(MarketReader.open(directory)) if writer.next_seq else {}
    known = {one.symbol: one for one in listed.values() if one.venue == rules.venue}
    return BinanceMachine(rules, numbers_of(listed, rules.venue, symbols), Gate(RecordBuffer()), known)


def numbers_of(listed: Mapping[int, Instrument], venue: str, symbols: Sequence[str]) -> dict[str, int]:
    """The symbols' numbers on a tape that has `listed` some: the old ones, and the next free ones for those that are new."""
    numbers = {one.symbol: number for number, one in listed.items() if one.venue == venue}
    free = max(listed, default=-1) + 1
    for symbol in symbols:
        if symbol not in numbers:
            numbers[symbol] = free
            free += 1
    return {symbol: numbers[symbol] for symbol in symbols}
