"""The box's own book of one symbol: the ground truth that a connector's book is checked against.

It is exact and plain: prices are `Decimal` keys, the venue's spelling of both numbers is kept.
"""

import heapq
from collections.abc import Iterable
from decimal import Decimal

from papertape.venue.lines import DepthEvent, Level, Snapshot, number

PENDING_EVENTS_MAX = 10_000


class VenueBook:
    """Bids and asks since the reel's first snapshot.

    Until the reel's own events reach that snapshot it is what the venue shows. An event that
    does not follow the one before (spot: U = u + 1, futures: pu = u) breaks the book: it keeps
    its last whole state, which a client takes for too old, until the next inline snapshot.
    """

    def __init__(self) -> None:
        self.last_update_id = -1
        self.event_ms = 0
        self.transaction_ms = 0
        self.broken = True
        self._bids: dict[Decimal, Level] = {}
        self._asks: dict[Decimal, Level] = {}
        self._pending: list[DepthEvent] = []

    @property
    def known(self) -> bool:
        """Whether a snapshot has been seen."""
        return self.last_update_id >= 0

    def load(self, snapshot: Snapshot) -> None:
        """Take an inline snapshot, unless the book is whole and already there."""
        if not self.broken:
            return
        self._bids, self._asks = {}, {}
        _set_levels(self._bids, snapshot.bids)
        _set_levels(self._asks, snapshot.asks)
        self.last_update_id = snapshot.last_update_id
        self.event_ms, self.transaction_ms = snapshot.event_ms, snapshot.transaction_ms
        self.broken = False
        pending, self._pending = self._pending, []
        for event in pending:
            self.apply(event)

    def apply(self, event: DepthEvent) -> None:
        """Take a depth event; one that the book already contains changes nothing."""
        if not self.broken and event.final_id <= self.last_update_id:
            return
        if self.broken or not self._follows(event):
            self.broken = True
            self._pending.append(event)
            del self._pending[:-PENDING_EVENTS_MAX]
            return
        _set_levels(self._bids, event.bids)
        _set_levels(self._asks, event.asks)
        self.last_update_id = event.final_id
        self.event_ms, self.transaction_ms = event.event_ms, event.transaction_ms

    def top(self, limit: int) -> tuple[list[Level], list[Level]]:
        """The best `limit` bids and asks, best first, as the venue spelled them."""
        bids = heapq.nlargest(limit, self._bids)
        asks = heapq.nsmallest(limit, self._asks)
        return [self._bids[price] for price in bids], [self._asks[price] for price in asks]

    def copy(self) -> "VenueBook":
        """The book as it is now; what comes later does not change it."""
        book = VenueBook()
        book._bids, book._asks = dict(self._bids), dict(self._asks)
        book.last_update_id, book.event_ms, book.transaction_ms = (
            self.last_update_id,
            self.event_ms,
            self.transaction_ms,
        )
        return book

    def _follows(self, event: DepthEvent) -> bool:
        # The first event after a snapshot may begin before it; a later one begins exactly at it.
        before = event.first_id - 1 if event.previous_id < 0 else event.previous_id
        return before <= self.last_update_id


def _set_levels(side: dict[Decimal, Level], levels: Iterable[Level]) -> None:
    for level in levels:
        price, size = level
        if number(size):
            side[number(price)] = level
        else:
            side.pop(number(price), None)
