"""The real clock: the only place where time is read."""

import time

from papertape.core.clock import floor_us


class UtcClock:
    """UTC in nanoseconds by the performance counter, anchored once, floored to 1 µs; it never runs backwards."""

    def __init__(self) -> None:
        self._anchor_ns = time.time_ns() - time.perf_counter_ns()

    def now_ns(self) -> int:
        """The time now."""
        return floor_us(self._anchor_ns + time.perf_counter_ns())
