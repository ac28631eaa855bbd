"""Time as a port: `int64` nanoseconds UTC, told by whoever holds the clock. The real clocks stand in `runtime`."""

from typing import Protocol

from papertape.core.errors import IntegrityError


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


def floor_us(ts_ns: int) -> int:
    """The time floored to a whole microsecond: finer arrival stamps are jitter that costs room."""
    return ts_ns - ts_ns % 1000
