"""Time bars in plain Python, and the layouts that rows and kernels share.

A bar covers [start, start + interval), aligned to 1970-01-01 UTC, and is closed by the first usable record of its
instrument at or after its end: an interval without a record makes no bar. A record counts at its `ts_event_ns`, or at
its arrival when the venue gives none. One older than the open bar is left out and counted as late. Not usable are
records with the verdict DUPLICATE or NON_POSITIVE, and any whose price or size is not within 1 to `VALUE_MAX`.
Scales are constant within a bar: whoever reads a new instrument epoch takes the open bar and starts anew.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from papertape.core.errors import DataError
from papertape.core.fixed import MANTISSA_MAX, VALUE_MAX
from papertape.core.records import Flag, Kind, Verdict

UNUSABLE = int(Verdict.DUPLICATE | Verdict.NON_POSITIVE)


class BarSource(IntEnum):
    """What a bar is made from."""

    NOTHING = 0
    """The instrument has no bars."""
    PRINT = 1
    """Prices of PRINT records."""
    BID = 2
    """Bid prices of QUOTE records."""
    ASK = 3
    """Ask prices of QUOTE records."""
    MID = 4
    """Bid + ask of QUOTE records: twice the middle, at the price scale, so that it stays an integer."""


BAR_DTYPE = np.dtype(
    [
        ("start_ns", "<i8"),
        ("instrument", "<i8"),
        ("open", "<i8"),
        ("high", "<i8"),
        ("low", "<i8"),
        ("close", "<i8"),
        ("volume", "<i8"),
        ("taker_buy_volume", "<i8"),
        ("records", "<i8"),
    ]
)
"""One bar. Prices and volumes are mantissas at the instrument's scales, `records` how many made it; volumes are those of
prints, 0 in bars of quotes, and stay at the largest int64 rather than overflow."""

BAR_STATE_DTYPE = np.dtype([("source", "<i8"), ("interval_ns", "<i8"), ("late", "<i8"), ("bar", BAR_DTYPE)])
"""All state of one instrument: what it follows, the records left out as late, the open bar (none while its `records` is 0)."""


class Bar(NamedTuple):
    """One bar, as in `BAR_DTYPE`."""

    start_ns: int
    instrument: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    taker_buy_volume: int
    records: int


def bar_states(instruments: int) -> np.ndarray:
    """States for the instruments numbered from 0, none of which is followed yet."""
    return np.zeros(instruments, BAR_STATE_DTYPE)


def follow(states: np.ndarray, instrument: int, source: BarSource, interval_ns: int) -> None:
    """Start making bars of one instrument anew. Raises DataError when the interval is not positive."""
    _check_interval(interval_ns)
    states[instrument] = (source, interval_ns, 0, (0,) * len(Bar._fields))


class BarMaker:
    """Bars of one source and instrument. `bar` is the open one, `late` the number of records left out as too old."""

    __slots__ = ("bar", "instrument", "interval_ns", "late", "source")

    def __init__(
        self, instrument: int, source: BarSource, interval_ns: int, bar: Bar | None = None, late: int = 0
    ) -> None:
        _check_interval(interval_ns)
        self.instrument = instrument
        self.source = source
        self.interval_ns = interval_ns
        self.bar = bar
        self.late = late

    def add(self, record: tuple[int, ...]) -> Bar | None:
        """Take one record, its fields in the order of `RECORD_DTYPE`; gives the bar that it closed."""
        ts_event_ns, ts_recv_ns, kind, flags, instrument, verdict, bid_or_price, size, ask, ask_size, _ = record
        prints = self.source == BarSource.PRINT
        if instrument != self.instrument or kind != (Kind.PRINT if prints else Kind.QUOTE) or verdict & UNUSABLE:
            return None
        if self.source == BarSource.MID:
            used = (bid_or_price, ask)
            price = bid_or_price + ask
        else:
            used = (ask, ask_size) if self.source == BarSource.ASK else (bid_or_price, size)
            price = used[0]
        if not all(0 < value <= VALUE_MAX for value in used):
            return None
        ts_ns = ts_event_ns or ts_recv_ns
        start_ns = ts_ns - ts_ns % self.interval_ns
        bar = self.bar
        if bar and start_ns < bar.start_ns:
            self.late += 1
            return None
        closed = None
        if bar is None or start_ns > bar.start_ns:
            closed, bar = bar, Bar(start_ns, instrument, price, price, price, price, 0, 0, 0)
        volume = size if prints else 0
        bought = 0 if flags & Flag.ASK else volume
        self.bar = bar._replace(
            high=max(bar.high, price),
            low=min(bar.low, price),
            close=price,
            volume=min(bar.volume + volume, MANTISSA_MAX),
            taker_buy_volume=min(bar.taker_buy_volume + bought, MANTISSA_MAX),
            records=bar.records + 1,
        )
        return closed


def _check_interval(interval_ns: int) -> None:
    if interval_ns <= 0:
        raise DataError(f"expected an interval of bars above 0 ns, was {interval_ns}")
