"""Several sources onto one tape: what the front door brings, in the one order that the tape has."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from papertape.core.clock import Clock
from papertape.core.errors import VenueError
from papertape.core.instruments import Instrument, instrument_event, listed_in
from papertape.core.records import WHOLE, GapCause, Kind, RecordBuffer
from papertape.data.connectors.backoff import Backoff
from papertape.data.multi_asset_connector import AssetClass, MultiAssetConnector
from papertape.data.quality.gate import Gate
from papertape.data.record_stream import RecordStream
from papertape.data.sources import Source, SourceHealth
from papertape.data.wire.symbols import Place
from papertape.runtime.clocks import UtcClock
from papertape.runtime.loops import stop_signals
from papertape.runtime.tally import Records, Tally
from papertape.runtime.tape_intake import TapeIntake
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter

BUFFER_RECORDS = 1_000_000
"""Records that may wait to be written: a second or more of the busiest markets."""


class Standing:
    """What a tape that is continued knows: its instruments by number, and the place that counted last for each."""

    def __init__(self, directory: Path, writer: MarketWriter) -> None:
        self.current: dict[int, int] = {}
        self.listed: dict[int, Instrument] = {}
        if not writer.next_seq:
            return
        for batch in MarketReader.open(directory).batches():
            self.listed |= listed_in(batch.records)
            switches = batch.records[batch.records["kind"] == Kind.SOURCE]
            self.current |= dict(zip(switches["instrument"].tolist(), switches["x"].tolist(), strict=True))

    @property
    def numbers(self) -> dict[Place, int]:
        """The number of each symbol."""
        return {Place(one.venue, one.symbol): number for number, one in self.listed.items()}


class SourcesRecording:
    """One recording. `run` works until cancelled; `symbols`, `current` and `tally` say what came."""

    def __init__(self, before: Standing, writer: MarketWriter, clock: Clock, note: Callable[..., None]) -> None:
        self.intake = TapeIntake(Gate(RecordBuffer()), writer, clock)
        self.tally = Tally()
        self.symbols: dict[str, tuple[int, ...]] = {}
        """What is followed, with the numbers of its places, the preferred one first."""
        self.current: dict[int, int] = {}
        """Which number counts for a preferred one, where that ever changed."""
        self.health: dict[str, SourceHealth] = {}
        """How each source did, when the recording ended."""
        self._before = before
        self._note = note

    @property
    def numbers(self) -> set[int]:
        """Every number that is followed."""
        return {number for numbers in self.symbols.values() for number in numbers}

    async def run(self, connector: MultiAssetConnector, symbols: Sequence[str], sources: Sequence[str]) -> None:
        """Follow `symbols` at every one of `sources` that lists them. Raises UnknownInstrument where none does."""
        stream = await self._begin(connector, symbols, sources)
        self.symbols = dict(stream.symbols)
        try:
            self._tell_pause(stream)
            async with asyncio.TaskGroup() as group:
                telling = group.create_task(self.intake.tell_time(lambda: not len(stream.queue)))
                async for batch in stream:
                    self._take(batch.records)
                    self._follow_switches(batch.records, connector)
                telling.cancel()
        finally:
            self.health = connector.health
            await stream.close()
            self.intake.flush()

    async def _begin(
        self, connector: MultiAssetConnector, symbols: Sequence[str], sources: Sequence[str]
    ) -> RecordStream:
        """The stream, once the sources have told what they list, however long that takes."""
        backoff = Backoff()
        while True:
            try:
                places = [place for one in symbols for place in await connector.places_of(one, sources)]
                return await connector.connect_crypto_stream([str(one) for one in dict.fromkeys(places)])
            except VenueError as error:
                self._note("a source does not tell what it lists, and is asked again", error=str(error))
            await asyncio.sleep(backoff.next_s())

    def _tell_pause(self, stream: RecordStream) -> None:
        """What came while nobody recorded is missing, and the preferred place of each symbol counts again."""
        now_ns, buffer = self.intake.now_ns(), self.intake.gate.buffer
        for first, *others in stream.symbols.values():
            for number in (first, *others):
                if number in self._before.listed:
                    self.intake.gate.fact(instrument_event(self._before.listed[number], number, now_ns))
                    for kind in (Kind.DEPTH_DELTA, Kind.PRINT):
                        buffer.gap(now_ns, number, GapCause.CONNECTION_LOST, kind)
            current = self._before.current.get(first, first)
            if current != first:
                buffer.pack(0, now_ns, Kind.SOURCE, WHOLE, first, 0, 0, 0, first, current, 0)
        self.intake.flush()

    def _take(self, records: Records) -> None:
        """Write one batch; nothing in it may have arrived before the record in front of it."""
        last_ns = self.intake.gate.buffer.last_recv_ns
        if int(records["ts_recv_ns"][0]) < last_ns:
            records = records.copy()
            records["ts_recv_ns"] = np.maximum(records["ts_recv_ns"], last_ns)
        self.intake.fill_silence(int(records["ts_recv_ns"][0]))
        self.intake.gate.buffer.extend(records.tobytes())
        self.intake.arrived(int(records["ts_recv_ns"][-1]))
        self.tally.add(records)
        self.intake.flush()

    def _follow_switches(self, records: Records, connector: MultiAssetConnector) -> None:
        for first, now, before in records[records["kind"] == Kind.SOURCE][["instrument", "x", "y"]].tolist():
            self.current[first] = now
            self._note("another source counts", now=str(connector.place(now)), before=str(connector.place(before)))


class OpenRecording(NamedTuple):
    """A recording whose sources run: its tape's writer, the door, and what is to be followed at which sources."""

    writer: MarketWriter
    recording: SourcesRecording
    connector: MultiAssetConnector
    symbols: Sequence[str]
    sources: Sequence[str]

    async def listen(self, seconds: float | None) -> bool:
        """Record until the time is up, a signal comes or it fails; True when interrupted."""
        with stop_signals() as stop:
            async with asyncio.TaskGroup() as group:
                running = group.create_task(self.recording.run(self.connector, self.symbols, self.sources))
                ends: list[asyncio.Future[Any]] = [running, stop, self.recording.intake.failed]
                await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
                running.cancel()
            return stop.done() and stop.result()


@asynccontextmanager
async def open_sources_recording(
    directory: Path,
    made: Mapping[str, Source],
    symbols: Sequence[str],
    sources: Sequence[str],
    note: Callable[..., None],
) -> AsyncIterator[OpenRecording]:
    """A recording of `made` onto the tape `directory`, made or continued; those that are not in `sources` are backups.

    Raises the error that writing failed with.
    """
    clock = UtcClock()
    backups = tuple(name for name in made if name not in sources)
    followed = AssetClass(provider=sources[0], symbols=(), buffer_size=BUFFER_RECORDS, backups=backups)
    with MarketWriter.open(directory) as writer:
        if writer.recovery is not None:
            note("tape recovered", what=str(writer.recovery))
        before = Standing(directory, writer)
        recording = SourcesRecording(before, writer, clock, note)
        async with MultiAssetConnector(made, followed, followed, clock, note, numbers=before.numbers) as connector:
            yield OpenRecording(writer, recording, connector, symbols, sources)
    if recording.intake.failed.done():
        recording.intake.failed.result()
