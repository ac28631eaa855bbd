"""Time: `int64` nanoseconds UTC, told by whoever holds the clock, or by the records of a tape. The real clocks stand in `runtime`."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from papertape.core.errors import IntegrityError
from papertape.core.records import FIRST_MARKET_KIND, Kind


class Clock(Protocol):
    """Something that tells the time."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC, never decreasing."""
        ...


class ManualClock:
    """A clock that moves only when told to, and never backwards: for replays and tests."""

    def __init__(self, now_ns: int = 0) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        return self._now_ns

    def advance_to(self, now_ns: int) -> None:
        """Move to `now_ns`. Raises IntegrityError when that is in the past."""
        if now_ns < self._now_ns:
            raise IntegrityError(f"a clock cannot go back: expected at least {self._now_ns}, was {now_ns}")
        self._now_ns = now_ns


class EngineClock:
    """The time of the engine, told by the records alone: arrival plus the venue's offset as last recorded, never decreasing.

    It begins with the first of the venue's own data. `now_ns` is 0 before that, `offset_ns` before the first CLOCK_OFFSET.
    """

    def __init__(self) -> None:
        self.now_ns = 0
        self.offset_ns = 0

    def advance(self, record: Sequence[int] | np.void) -> int:
        """The time at `record`, the next one of the tape, given by its fields in the dtype's order."""
        if record[2] == Kind.CLOCK_OFFSET:
            self.offset_ns = int(record[8])
        if self.now_ns or record[2] >= FIRST_MARKET_KIND:
            self.now_ns = max(self.now_ns, int(record[1]) + self.offset_ns)
        return self.now_ns


def floor_us(ts_ns: int) -> int:
    """The time floored to a whole microsecond: finer arrival stamps are jitter that costs room."""
    return ts_ns - ts_ns % 1000
