"""Which klines came: for each interval up to where they are closed, and those before that did not come."""

from typing import NamedTuple

from papertape.core.records import Verdict
from papertape.core.values import Interval

RANGES_MAX = 100
"""Missing spans remembered per symbol; beyond, the oldest stays missing for good."""


class MissingKlines(NamedTuple):
    """Klines of one interval whose closing did not come: open times from `first_ns` up to and without `until_ns`."""

    interval: Interval
    first_ns: int
    until_ns: int


class KlineTimes:
    """Follows the klines of one symbol. `missing` is what did not come, oldest first."""

    def __init__(self) -> None:
        self._next_ns: dict[Interval, int] = {}
        self.missing: list[MissingKlines] = []

    def arrive(self, interval: Interval, open_ns: int, close_ns: int, is_closed: bool) -> int:
        """Take note of one from the stream; returns its verdict.

        SEQUENCE_GAP says that `missing` has a new last span: every kline must be closed before a later one comes.
        """
        due_ns = self._next_ns.setdefault(interval, open_ns)
        if open_ns < due_ns:
            return int(Verdict.DUPLICATE if is_closed else Verdict.OUT_OF_ORDER)
        verdict = 0
        if open_ns > due_ns:
            verdict = int(Verdict.SEQUENCE_GAP)
            self.missing.append(MissingKlines(interval, due_ns, open_ns))
            del self.missing[:-RANGES_MAX]
        # The venue's klines end one unit of its clock, 1 ms or 1 µs, before the next one opens.
        self._next_ns[interval] = close_ns + (1_000 if close_ns % 1_000_000 else 1_000_000) if is_closed else open_ns
        return verdict

    def lacks(self, interval: Interval, open_ns: int) -> bool:
        """Whether the kline is among those that did not come."""
        return any(one.interval is interval and one.first_ns <= open_ns < one.until_ns for one in self.missing)

    def settle(self, gap: MissingKlines) -> None:
        """The venue has been asked for a span: it has come, or never will."""
        if gap in self.missing:
            self.missing.remove(gap)
