"""Runs sources and hands their records to the streams that want them.

Every symbol that is followed has one number, whoever follows it; it is subscribed to at its source while at least
one stream wants it. A source that fails is run again, and the others go on.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from papertape.core.clock import Clock
from papertape.core.errors import ConfigError, DataError, InputError, VenueError
from papertape.core.instruments import Instrument, instrument_event, listed_in
from papertape.core.records import FIRST_MARKET_KIND, INSTRUMENTS_MAX, Kind, as_records
from papertape.data.connectors.backoff import Backoff
from papertape.data.quality.rivals import RivalRules, Rivals, judge
from papertape.data.record_stream import Records, RecordStream
from papertape.data.sources import Source, SourceHealth
from papertape.data.symbols import SymbolInfo
from papertape.data.wire.symbols import Place, SymbolIndex

_OF_AN_INSTRUMENT = (int(Kind.INSTRUMENT), int(Kind.GAP), int(Kind.SOURCE))
"""Facts that belong to one instrument; the others concern a whole venue."""


class Lane(NamedTuple):
    """One symbol that is or was followed: its number and who wants it."""

    place: Place
    number: int
    streams: dict[RecordStream, None]


class SourceHub:
    """The sources by name, what they list, and who follows what. `run` works until cancelled."""

    def __init__(
        self,
        sources: Mapping[str, Source],
        clock: Clock,
        note: Callable[..., None],
        rules: RivalRules,
        numbers: Mapping[Place, int],
    ) -> None:
        self.index = SymbolIndex()
        self.infos: dict[Place, SymbolInfo] = {}
        self._sources = dict(sources)
        self._clock = clock
        self._note = note
        self._rules = rules
        self._venues = {source.venue: name for name, source in self._sources.items()}
        if len(self._venues) < len(self._sources):
            told = ", ".join(f"{name} ({source.venue})" for name, source in self._sources.items())
            raise ConfigError(f"expected sources of one venue each, was {told}")
        self._clock_rank = len(self._sources)
        self._loading: dict[str, asyncio.Lock] = {name: asyncio.Lock() for name in self._sources}
        self._told_ns: dict[str, int] = {}
        self._lanes = {place: Lane(place, number, {}) for place, number in numbers.items()}
        self._by_number = {lane.number: lane for lane in self._lanes.values()}
        self._instruments: dict[int, Instrument] = {}
        self._rivals: dict[int, Rivals] = {}
        self._groups: dict[int, list[Rivals]] = {}
        self._latest_ns = 0
        self._streams: dict[RecordStream, None] = {}

    @property
    def names(self) -> Collection[str]:
        """Names of the sources."""
        return self._sources.keys()

    def source(self, name: str) -> Source:
        """The source called `name`. Raises ConfigError that names those there are."""
        if name not in self._sources:
            told = ", ".join(sorted(self._sources)) or "none"
            raise ConfigError(f"no source is called {name!r}: expected one of {told}")
        return self._sources[name]

    def source_at(self, venue: str) -> str | None:
        """Name of the source of a venue."""
        return self._venues.get(venue)

    async def load(self, name: str, *, older_than_ns: int | None = None) -> bool:
        """Ask a source what it lists, unless it has told, or has within `older_than_ns`; whether it was asked.

        Raises VenueError or DecodeError when it does not tell.
        """
        source = self.source(name)
        async with self._loading[name]:
            told_ns = self._told_ns.get(name)
            if told_ns is not None and (older_than_ns is None or self._clock.now_ns() - told_ns < older_than_ns):
                return False
            infos = await source.catalogue()
            self.infos |= {Place(one.instrument.venue, one.instrument.symbol): one for one in infos}
            self.index.add(one.instrument for one in infos)
            self._told_ns[name] = self._clock.now_ns()
            return True

    def health(self) -> dict[str, SourceHealth]:
        """How each source does."""
        return {name: source.health() for name, source in self._sources.items()}

    def number(self, place: Place) -> int:
        """The number of a symbol on the tape, its own for as long as the hub lives."""
        lane = self._lanes.get(place)
        if lane is None:
            number = max(self._by_number, default=-1) + 1
            if number == INSTRUMENTS_MAX:
                raise InputError(f"expected at most {INSTRUMENTS_MAX} symbols, were more")
            lane = self._lanes[place] = self._by_number[number] = Lane(place, number, {})
        return lane.number

    def place(self, number: int) -> Place:
        """The symbol that has this number."""
        return self._by_number[number].place

    async def follow(self, stream: RecordStream, symbol: str, places: Sequence[Place]) -> None:
        """Hand the stream one symbol from each of `places`, the preferred one first."""
        numbers = tuple(self.number(place) for place in places)
        if len(numbers) > 1 and numbers[0] not in self._rivals:
            self._begin_rivals(numbers)
        stream.symbols[symbol] = numbers
        self._streams[stream] = None
        try:
            for number in numbers:
                lane = self._by_number[number]
                await self._join(stream, lane, self._sources[self._venues[lane.place.venue]])
        except BaseException:
            await self.leave(stream, [symbol])
            raise

    def _begin_rivals(self, numbers: tuple[int, ...]) -> None:
        rivals = self._rivals[numbers[0]] = Rivals(numbers, self._rules)
        for number in numbers:
            instrument = self._instruments.get(number) or self.index.instrument(self._by_number[number].place)
            rivals.relist(number, instrument.price_scale)
            self._groups.setdefault(number, []).append(rivals)

    async def _join(self, stream: RecordStream, lane: Lane, source: Source) -> None:
        if stream.is_wanted[lane.number]:
            return
        is_first = not lane.streams
        lane.streams[stream] = None
        stream.is_wanted[lane.number] = True
        if is_first:
            await source.subscribe({lane.place.symbol: lane.number})
        elif lane.number in self._instruments:
            listed = self._instruments[lane.number]
            stream.queue.put(instrument_event(listed, lane.number, self._clock.now_ns()))
            source.resync([lane.place.symbol])

    async def leave(self, stream: RecordStream, symbols: Sequence[str]) -> None:
        """Hand the stream these symbols no longer; what nobody wants is unsubscribed from."""
        for symbol in symbols:
            numbers = stream.symbols.pop(symbol, ())
            kept = {number for others in stream.symbols.values() for number in others}
            for number in numbers:
                if number not in kept:
                    await self._part(stream, self._by_number[number])
            self._forget_rivals(numbers)
        if not stream.symbols:
            self._streams.pop(stream, None)

    async def _part(self, stream: RecordStream, lane: Lane) -> None:
        stream.is_wanted[lane.number] = False
        lane.streams.pop(stream, None)
        if not lane.streams:
            await self._sources[self._venues[lane.place.venue]].unsubscribe([lane.place.symbol])

    def _forget_rivals(self, numbers: Sequence[int]) -> None:
        if not numbers or self._by_number[numbers[0]].streams or numbers[0] not in self._rivals:
            return
        rivals = self._rivals.pop(numbers[0])
        for number in rivals.numbers:
            self._groups[number].remove(rivals)
            if not self._groups[number]:
                del self._groups[number]

    async def run(self) -> None:
        """Keep every source running, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name, source in self._sources.items():
                group.create_task(self._keep(name, source))

    async def _keep(self, name: str, source: Source) -> None:
        backoff = Backoff()
        while True:
            records = source.health().records
            try:
                await source.run(partial(self._deliver, source))
            except* (VenueError, DataError) as failures:
                error = first_error(failures)
                self._note("source failed, and is tried again", source=name, venue=source.venue, error=str(error))
            if source.health().records > records:
                backoff.reset()
            await asyncio.sleep(backoff.next_s())

    def _deliver(self, source: Source, data: bytes) -> None:
        """Judge one batch of a source against its rivals, and hand it to who wants it."""
        records = self._one_clock(source, self._in_order(as_records(data)))
        if not len(records):
            return
        has_facts = int(records["kind"].min()) < FIRST_MARKET_KIND
        if has_facts:
            for number, instrument in listed_in(records).items():
                self._instruments[number] = instrument
                for rivals in self._groups.get(number, ()):
                    rivals.relist(number, instrument.price_scale)
        if self._groups:
            records = records.copy()
            switches = as_records(judge(records, self._groups))
            if len(switches):
                records, has_facts = np.concatenate([records, switches]), True
        lost: dict[int, None] = {}
        for stream in list(self._streams):
            if self._concerns(stream, source):
                stream.queue.put(_wanted(stream, records, has_facts=has_facts))
            lost |= dict.fromkeys(stream.queue.take_lost_depth())
        for number in lost:
            place = self._by_number[number].place
            self._sources[self._venues[place.venue]].resync([place.symbol])

    def _one_clock(self, source: Source, records: Records) -> Records:
        """The records without CLOCK_OFFSETs of another venue's clock than the one that counts: of the first source that has one."""
        is_offset = records["kind"] == Kind.CLOCK_OFFSET
        if not is_offset.any():
            return records
        rank = list(self._sources).index(self._venues[source.venue])
        self._clock_rank = min(rank, self._clock_rank)
        return records if rank == self._clock_rank else records[~is_offset]

    def _in_order(self, records: Records) -> Records:
        """The records with arrivals that do not go back behind another source's, which was a moment quicker to deliver."""
        arrivals = records["ts_recv_ns"]
        if int(arrivals.min()) < self._latest_ns:
            records = records.copy()
            records["ts_recv_ns"] = np.maximum(arrivals, self._latest_ns)
        self._latest_ns = int(records["ts_recv_ns"][-1])
        return records

    def _concerns(self, stream: RecordStream, source: Source) -> bool:
        """Whether the stream follows anything of a source, whose own facts then concern it too."""
        venue, lanes = source.venue, self._by_number
        return any(lanes[number].place.venue == venue for numbers in stream.symbols.values() for number in numbers)


def _wanted(stream: RecordStream, records: Records, *, has_facts: bool) -> bytes:
    """The records that a stream wants, and the facts of its venues; mostly all of them."""
    mask = stream.is_wanted[records["instrument"]]
    if has_facts:
        kinds = records["kind"]
        mask |= (kinds < FIRST_MARKET_KIND) & ~np.isin(kinds, _OF_AN_INSTRUMENT)
    return (records if mask.all() else records[mask]).tobytes()


def first_error(failures: BaseExceptionGroup) -> BaseException:
    """The first of the errors that a group holds."""
    error = failures.exceptions[0]
    return first_error(error) if isinstance(error, BaseExceptionGroup) else error
