"""Several sources onto one tape: what the front door brings, in the one order that the tape has."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from papertape.core.clock import Clock
from papertape.core.errors import VenueError
from papertape.core.instruments import Instrument, instrument_event, listed_in
from papertape.core.records import NO_ID, WHOLE, Flag, GapCause, Kind, RecordBuffer, Verdict
from papertape.data.connectors.backoff import Backoff
from papertape.data.multi_asset_connector import MultiAssetConnector
from papertape.data.quality.gate import Gate
from papertape.data.record_stream import RecordStream
from papertape.data.sources import SourceHealth
from papertape.data.wire.symbols import Place
from papertape.runtime.tape_intake import TapeIntake
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter

Records = np.ndarray[Any, np.dtype[Any]]


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


class Counts:
    """What was written of one number."""

    def __init__(self) -> None:
        self.divergent = self.duplicates = self.missing = 0
        self.print_ids: tuple[int, int] | None = None
        """The lowest and the highest."""

    def add(self, records: Records) -> None:
        """Count the records of this number in one batch."""
        kinds, verdicts = records["kind"], records["verdict"]
        self.divergent += int(np.count_nonzero(verdicts & int(Verdict.DIVERGENT)))
        gaps = records[(kinds == Kind.GAP) & (records["id"] == Kind.PRINT) & (records["x"] != NO_ID)]
        self.missing += int((gaps["y"] - gaps["x"] + 1).sum())
        prints = kinds == Kind.PRINT
        if prints.any():
            self.duplicates += int(np.count_nonzero(verdicts[prints] & int(Verdict.DUPLICATE)))
            self.missing -= int(np.count_nonzero(records["flags"][prints] & int(Flag.BACKFILL)))
            ids = records["id"][prints]
            low, high = self.print_ids or (int(ids[0]), int(ids[0]))
            self.print_ids = min(low, int(ids.min())), max(high, int(ids.max()))


class Tally:
    """What was written, by number."""

    def __init__(self) -> None:
        self.verdicts = dict.fromkeys(Verdict, 0)
        self.switches: dict[int, int] = {}
        self.counts: dict[int, Counts] = {}
        self.batches = 0

    def of(self, number: int) -> Counts:
        """What was written of this number so far."""
        return self.counts.setdefault(number, Counts())

    def add(self, records: Records) -> None:
        """Count one batch."""
        self.batches += 1
        for number in records["instrument"][records["kind"] == Kind.SOURCE].tolist():
            self.switches[number] = self.switches.get(number, 0) + 1
        marked = records["verdict"][(records["verdict"] != 0) & (records["flags"] & Flag.FIRST != 0)]
        if len(marked):
            for verdict in Verdict:
                self.verdicts[verdict] += int(np.count_nonzero(marked & int(verdict)))
        for number in np.unique(records["instrument"]).tolist():
            self.of(number).add(records[records["instrument"] == number])


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
        now_ns, pack = self.intake.now_ns(), self.intake.gate.buffer.pack
        for first, *others in stream.symbols.values():
            for number in (first, *others):
                if number in self._before.listed:
                    self.intake.gate.fact(instrument_event(self._before.listed[number], number, now_ns))
                    for kind in (Kind.DEPTH_DELTA, Kind.PRINT):
                        pack(0, now_ns, Kind.GAP, WHOLE, number, 0, GapCause.CONNECTION_LOST, 0, NO_ID, NO_ID, kind)
            current = self._before.current.get(first, first)
            if current != first:
                pack(0, now_ns, Kind.SOURCE, WHOLE, first, 0, 0, 0, first, current, 0)
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
