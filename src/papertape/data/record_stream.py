"""What a subscriber holds: one stream of normalised records, whose symbols come and go while it runs."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from papertape.core.bars import Bar, BarMaker, BarSource
from papertape.core.errors import InputError
from papertape.core.instruments import Instrument, listed_in
from papertape.core.records import FIRST_MARKET_KIND, INSTRUMENTS_MAX, Flag, Kind, as_records
from papertape.data.record_queue import RecordQueue
from papertape.data.wire.timeframes import interval_ns

Records = np.ndarray[Any, np.dtype[Any]]


class TimedBar(NamedTuple):
    """A bar that closed, and its timeframe as it was asked for."""

    timeframe: str
    bar: Bar


class Batch(NamedTuple):
    """Whole events in the order of arrival, and the bars that they closed."""

    records: Records
    bars: tuple[TimedBar, ...]


class StreamPlan(NamedTuple):
    """How a stream is kept: bars of which timeframes and from what, and how many records may wait for the reader."""

    timeframes: tuple[str, ...]
    bar_source: BarSource
    buffer_records: int


class RecordStream:
    """An async iterator of `Batch`. `instruments` are those of the stream by number, each in its present epoch.

    `subscribe` and `unsubscribe` act while it runs, `close` ends it. `current` says which number counts for a symbol
    that has backup sources: the stream carries the records of all of them, and a SOURCE record where it changes.
    """

    def __init__(
        self,
        plan: StreamPlan,
        subscribe: "Change",
        unsubscribe: "Change",
    ) -> None:
        self.queue = RecordQueue(plan.buffer_records)
        self.instruments: dict[int, Instrument] = {}
        self.symbols: dict[str, tuple[int, ...]] = {}
        """What was asked for, as it was written, with its numbers in the order of preference."""
        self.is_wanted = np.zeros(INSTRUMENTS_MAX, np.bool_)
        self._intervals = {name: interval_ns(name) for name in plan.timeframes}
        self._bar_source = plan.bar_source
        self._makers: dict[int, dict[str, BarMaker]] = {}
        self._current: dict[int, int] = {}
        self._subscribe = subscribe
        self._unsubscribe = unsubscribe

    async def subscribe(self, symbols: Sequence[str]) -> None:
        """Bring these too. Raises UnknownInstrument with the nearest names, VenueError when the venue does not answer."""
        await self._subscribe(self, symbols)

    async def unsubscribe(self, symbols: Sequence[str]) -> None:
        """Bring these no longer, as they were written when they were subscribed to. Raises InputError for others."""
        for symbol in symbols:
            self._numbers(symbol)
        await self._unsubscribe(self, symbols)

    def current(self, symbol: str) -> int:
        """The number that counts for a symbol now, as far as the stream has been read."""
        numbers = self._numbers(symbol)
        current = self._current.get(numbers[0], numbers[0])
        return current if current in numbers else numbers[0]

    async def close(self) -> None:
        """End the stream; what waits can still be read."""
        await self._unsubscribe(self, list(self.symbols))
        self.queue.end()

    def __aiter__(self) -> AsyncIterator[Batch]:
        return self

    async def __anext__(self) -> Batch:
        data = await self.queue.get()
        if data is None:
            raise StopAsyncIteration
        records = as_records(data)
        bars: list[TimedBar] = []
        epochs = np.flatnonzero((records["kind"] == Kind.INSTRUMENT) & (records["flags"] & Flag.FIRST != 0))
        for part in np.split(records, epochs) if len(epochs) else [records]:
            if len(part):
                bars += self._follow_facts(part)
                bars += self._make_bars(part)
        return Batch(records, tuple(bars))

    def _numbers(self, symbol: str) -> tuple[int, ...]:
        numbers = self.symbols.get(symbol)
        if numbers is None:
            told = ", ".join(self.symbols) or "none"
            raise InputError(f"expected a symbol of this stream ({told}), was {symbol!r}")
        return numbers

    def _follow_facts(self, records: Records) -> list[TimedBar]:
        """Take what the facts of a batch say; a new epoch ends the open bars, whose prices stand at the old scales."""
        kinds = records["kind"]
        closed: list[TimedBar] = []
        if int(kinds.min()) >= FIRST_MARKET_KIND:
            return closed
        for record in records[kinds == Kind.SOURCE]:
            self._current[int(record["instrument"])] = int(record["x"])
        for number, instrument in listed_in(records).items():
            if self.instruments.get(number) == instrument:
                continue
            self.instruments[number] = instrument
            for name, maker in self._makers.pop(number, {}).items():
                if maker.bar is not None:
                    closed.append(TimedBar(name, maker.bar))
            self._makers[number] = {
                name: BarMaker(number, self._bar_source, interval) for name, interval in self._intervals.items()
            }
        return closed

    def _make_bars(self, records: Records) -> list[TimedBar]:
        if not self._intervals:
            return []
        wanted = Kind.PRINT if self._bar_source is BarSource.PRINT else Kind.QUOTE
        closed = []
        for record in records[records["kind"] == wanted].tolist():
            for name, maker in self._makers.get(record[4], {}).items():
                bar = maker.add(record)
                if bar is not None:
                    closed.append(TimedBar(name, bar))
        return closed


class ForexStream(RecordStream):
    """Records of foreign exchange; its bars are made of bid prices, as MetaTrader 5 makes them."""


class CryptoStream(RecordStream):
    """Records of crypto markets; its bars are made of prints."""


Change = Callable[[RecordStream, Sequence[str]], Awaitable[None]]
"""Subscribes or unsubscribes a stream from symbols."""
