"""Trade ids of one symbol: they are contiguous, so every missing and every repeated one is known."""

from bisect import bisect_right
from enum import IntEnum
from typing import NamedTuple

from papertape.core.records import Verdict

RANGES_MAX = 1_000
"""Open ranges remembered; beyond, the oldest stays missing for good."""


class Arrival(IntEnum):
    """What an id is when it arrives, and the verdict on its record."""

    NEXT = 0
    AFTER_GAP = Verdict.SEQUENCE_GAP
    LATE = Verdict.OUT_OF_ORDER
    """Was missing and is now here, or is from before the first."""
    DUPLICATE = Verdict.DUPLICATE


class IdRange(NamedTuple):
    """Ids from `first` to `last`, both included."""

    first: int
    last: int


class TradeIds:
    """Which ids came. `first` and `last` are -1 before the first one."""

    def __init__(self) -> None:
        self.first = -1
        self.last = -1
        self.duplicates = 0
        self._open: list[IdRange] = []
        self._given_up = 0

    @property
    def missing(self) -> int:
        """How many ids between the first and the last have not come."""
        return self._given_up + sum(one.last - one.first + 1 for one in self._open)

    @property
    def open_ranges(self) -> tuple[IdRange, ...]:
        """The ranges that have not come, oldest first."""
        return tuple(self._open)

    def arrive(self, trade_id: int) -> Arrival:
        """Take note of one id."""
        if trade_id == self.last + 1 or self.first < 0:
            if self.first < 0:
                self.first = trade_id
            self.last = trade_id
            return Arrival.NEXT
        if trade_id > self.last:
            self._remember(IdRange(self.last + 1, trade_id - 1))
            self.last = trade_id
            return Arrival.AFTER_GAP
        if self.lacks(trade_id):
            self._fill(trade_id)
            return Arrival.LATE
        if trade_id < self.first:
            if trade_id == self.first - 1:
                self.first = trade_id
            return Arrival.LATE
        self.duplicates += 1
        return Arrival.DUPLICATE

    def expect_until(self, trade_id: int) -> bool:
        """Ids up to `trade_id` are known to exist; whether that tells of missing ones."""
        if self.first < 0 or trade_id <= self.last:
            return False
        self._remember(IdRange(self.last + 1, trade_id))
        self.last = trade_id
        return True

    def lacks(self, trade_id: int) -> bool:
        """Whether this id is known to be missing."""
        return self._place(trade_id) >= 0

    def _place(self, trade_id: int) -> int:
        """Position of the open range that holds `trade_id`, or -1. Ranges stand in order and do not overlap."""
        place = bisect_right(self._open, trade_id, key=lambda one: one.first) - 1
        return place if place >= 0 and trade_id <= self._open[place].last else -1

    def _remember(self, gap: IdRange) -> None:
        self._open.append(gap)
        if len(self._open) > RANGES_MAX:
            lost = self._open.pop(0)
            self._given_up += lost.last - lost.first + 1

    def _fill(self, trade_id: int) -> None:
        place = self._place(trade_id)
        one = self._open[place]
        halves = (IdRange(one.first, trade_id - 1), IdRange(trade_id + 1, one.last))
        self._open[place : place + 1] = [half for half in halves if half.first <= half.last]
