"""Whether two sources of one instrument contradict each other: the ranges of their mids within a window lie apart.

Each source's mid moved within some range during the window, the quote that stood when it began included. One source
that is merely later than the other, by less than the window, still has passed where the other was: then the ranges
meet. They contradict each other when the ranges are further apart than the larger of so many spreads and a share
of the price. Which of the two is wrong cannot be told from two: the quotes of both are marked.
"""

from collections import deque
from typing import NamedTuple

PARTS = 8
"""The window is kept in so many parts, each with its lowest and highest mid: memory does not grow with the rate."""

NEVER_NS = 1 << 63


class DivergenceRule(NamedTuple):
    """When two mids are too far apart to be the same market."""

    window_ns: int = 1_000_000_000
    spreads: int = 3
    """Times the larger of the two spreads."""
    parts_per_million: int = 1_000
    """Share of the price; below it, sources may differ whatever their spreads are."""
    fresh_ns: int = 5_000_000_000
    """A source that has been silent for longer is not compared."""


class _Range(NamedTuple):
    part: int
    low: int
    high: int


class _Side:
    """One source: its mids (as bid + ask) by part of the window, the last one standing until the next quote."""

    def __init__(self) -> None:
        self.spread = self.seen_ns = 0
        self.first_ns = NEVER_NS
        self._ranges: deque[_Range] = deque(maxlen=PARTS + 2)

    def add(self, part: int, seen_ns: int, bid: int, ask: int) -> None:
        mid = bid + ask
        self.spread, self.seen_ns = ask - bid, seen_ns
        self.first_ns = min(self.first_ns, seen_ns)
        last = self._ranges[-1] if self._ranges else None
        if last is not None and part <= last.part:
            self._ranges[-1] = _Range(last.part, min(last.low, mid), max(last.high, mid))
        else:
            self._ranges.append(_Range(part, mid, mid))

    def within(self, part: int) -> tuple[int, int]:
        """Lowest and highest mid since the beginning of the window that ends in `part`; there was a quote."""
        while len(self._ranges) > 1 and self._ranges[1].part <= part - PARTS:
            self._ranges.popleft()
        return min(one.low for one in self._ranges), max(one.high for one in self._ranges)


class DivergenceJudge:
    """Compares the quotes of two sources, 0 and 1, whose prices stand at the same scale."""

    def __init__(self, rule: DivergenceRule) -> None:
        self._rule = rule
        self._sides = (_Side(), _Side())

    def quote(self, side: int, ts_ns: int, bid: int, ask: int) -> bool | None:
        """Take one quote that arrived at `ts_ns`; whether it contradicts the other source.

        None, nothing can be said, before both have been seen for a whole window, and while the other has been silent
        for longer than `fresh_ns`: that is staleness, which is told by other means.
        """
        rule = self._rule
        part = ts_ns * PARTS // rule.window_ns
        own, other = self._sides[side], self._sides[1 - side]
        own.add(part, ts_ns, bid, ask)
        if not other.first_ns <= ts_ns - rule.window_ns >= own.first_ns or ts_ns - other.seen_ns > rule.fresh_ns:
            return None
        one, two = own.within(part), other.within(part)
        distance = max(one[0] - two[1], two[0] - one[1])
        by_spread = 2 * rule.spreads * max(own.spread, other.spread)  # the mids are doubled
        return distance > max(by_spread, one[1] * rule.parts_per_million // 1_000_000)
