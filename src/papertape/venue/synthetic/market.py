"""The synthetic market as a whole: all symbols in the order of time, as the frames of a venue's streams."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from papertape.core.draws import purpose_id
from papertape.venue import lines
from papertape.venue.matching import Fill
from papertape.venue.rules import VenueName
from papertape.venue.scan import Grid, ReelFacts
from papertape.venue.synthetic.crowd import CROWD, Crowd
from papertape.venue.synthetic.listings import Listing, listings_of
from papertape.venue.synthetic.volatility import Pulses
from papertape.venue.synthetic.wire import wire_of

BEGIN_NS = 1_767_225_600_000_000_000
"""A market opens at 2026-01-01 00:00 UTC, whenever it is made, unless it is told another time."""
DEPTH_EVERY_NS = 100_000_000
FIRST_UPDATE_ID = 60_000_000_000
FIRST_TRADE_ID = 4_000_000_000


class Event(NamedTuple):
    """One frame: venue time in ns UTC, stream name, payload."""

    ts_ns: int
    stream: str
    payload: bytes


class Taken(NamedTuple):
    """A resting order was met: by the crowd or by another client."""

    symbol: str
    fill: Fill
    trade_id: int
    ms: int


class _Desk:
    """One symbol: its crowd, and what the venue tells of it."""

    def __init__(self, seed: int, listing: Listing, venue: VenueName, begin_ns: int) -> None:
        self.crowd = Crowd(seed, listing, FIRST_UPDATE_ID)
        self.wire = wire_of(venue, listing)
        self._begin_ns = begin_ns
        # Each symbol has a beat of its own, as on the venue.
        self._depth_ns = 1 + purpose_id(listing.symbol) % DEPTH_EVERY_NS
        name = listing.symbol.lower()
        self._trades, self._tickers, self.depths = f"{name}@trade", f"{name}@bookTicker", f"{name}@depth@100ms"
        self._trade_id = FIRST_TRADE_ID
        self.taken: list[Taken] = []
        """Resting orders of clients that the last step met."""
        self.streams = (self._trades, self._tickers, self.depths)
        self._book = self.crowd.book
        # What the opening changed is in the opening snapshot.
        for side in (self._book.bids, self._book.asks):
            side.take_changed()
        self._told_id = self._book.update_id
        self._top = self._book.bids.top(), self._book.asks.top()

    def shift(self, late_ns: int) -> None:
        """As `SyntheticMarket.shift`."""
        self._begin_ns += late_ns

    @property
    def next_trade_id(self) -> int:
        return self._trade_id + 1

    @property
    def next_ns(self) -> int:
        return min(self.crowd.next_ns, self._depth_ns)

    def advance(self) -> list[Event]:
        """What the venue tells of the moment `next_ns`."""
        if self._depth_ns <= self.crowd.next_ns:
            return self._depth()
        at_ns = self._begin_ns + self.crowd.next_ns
        side, fills = self.crowd.step()
        first_id = self._trade_id + 1
        self.taken = [
            Taken(self.crowd.listing.symbol, fill, trade_id, at_ns // 1_000_000)
            for trade_id, fill in enumerate(fills, first_id)
            if fill.maker_owner != CROWD
        ]
        return self.told(at_ns, side, fills)

    def told(self, at_ns: int, side: int, fills: list[Fill]) -> list[Event]:
        """Prints of fills, and the best prices when they changed."""
        ms = at_ns // 1_000_000
        events = []
        for fill in fills:
            self._trade_id += 1
            events.append(Event(at_ns, self._trades, self.wire.trade(ms, self._trade_id, fill.price, fill.lots, side)))
        top = self._book.bids.top(), self._book.asks.top()
        if top != self._top:
            self._top = top
            events.append(Event(at_ns, self._tickers, self.wire.ticker(ms, self._book.update_id, *top)))
        return events

    def _depth(self) -> list[Event]:
        at_ns = self._begin_ns + self._depth_ns
        self._depth_ns += DEPTH_EVERY_NS
        told_id, last_id = self._told_id, self._book.update_id
        if told_id == last_id:
            return []
        self._told_id = last_id
        bids, asks = self._book.bids.take_changed(), self._book.asks.take_changed()
        payload = self.wire.depth(at_ns // 1_000_000, (told_id, told_id + 1, last_id), bids, asks)
        return [Event(at_ns, self.depths, payload)]

    def snapshot(self, ms: int) -> lines.Snapshot:
        """The whole book."""
        bids, asks = (self.wire.levels(side.all_levels()) for side in (self._book.bids, self._book.asks))
        return lines.Snapshot(bids, asks, self._book.update_id, ms, ms)


class SyntheticMarket:
    """Books of many symbols under the orders of their crowds. It is a function of its arguments.

    `next_ns` says when something happens next, `advance` lets it happen: what has been done to the books in between,
    by others than the crowds, is part of the market then.
    """

    def __init__(
        self, seed: int, symbols: Sequence[str], venue: VenueName = "binance-spot", begin_ns: int = BEGIN_NS
    ) -> None:
        """Raises InputError for a symbol that the market does not list."""
        self.listings = listings_of(tuple(symbols))
        self._venue = venue
        self._begin_ns = begin_ns
        self._pulses = Pulses(seed)
        self._desks = [_Desk(seed, listing, venue, begin_ns) for listing in self.listings]
        self.books = {desk.crowd.listing.symbol: desk.crowd.book for desk in self._desks}
        """The order book of each symbol."""
        self.on_taken: Callable[[Taken], None] = lambda taken: None
        """Called when the crowd meets a resting order that is not its own."""
        self._due_ns = [self._pulses.next_ns, *(desk.next_ns for desk in self._desks)]
        self._next_ns = min(self._due_ns)

    def told_after_order(self, symbol: str, ms: int, side: int, fills: list[Fill]) -> tuple[list[Event], list[int]]:
        """What the venue tells at once of an order from outside and its fills, and the trade ids of these."""
        desk = next(desk for desk in self._desks if desk.crowd.listing.symbol == symbol)
        first_id = desk.next_trade_id
        return desk.told(ms * 1_000_000, side, fills), list(range(first_id, first_id + len(fills)))

    def shift(self, late_ns: int) -> None:
        """The market begins so much later than it was told; to be said before its first event."""
        self._begin_ns += late_ns
        for desk in self._desks:
            desk.shift(late_ns)

    @property
    def next_ns(self) -> int:
        """Venue time of what happens next, ns UTC."""
        return self._begin_ns + self._next_ns

    def advance(self) -> list[Event]:
        """What happens at `next_ns`: none, one or more frames, all of that moment."""
        # Values move before the orders of the same moment.
        place = self._due_ns.index(self._next_ns)
        events = self._pulse() if not place else self._desks[place - 1].advance()
        if place:
            desk = self._desks[place - 1]
            self._due_ns[place] = desk.next_ns
            while desk.taken:
                self.on_taken(desk.taken.pop(0))
        self._next_ns = min(self._due_ns)
        return events

    def _pulse(self) -> list[Event]:
        pulse = self._pulses.take()
        for desk in self._desks:
            desk.crowd.pulse(pulse)
        self._due_ns = [self._pulses.next_ns, *(desk.next_ns for desk in self._desks)]
        return []

    def facts(self) -> ReelFacts:
        """What a reel of this market, from now on, would be known by."""
        ms = self.next_ns // 1_000_000
        names = [listing.symbol for listing in self.listings]
        return ReelFacts(
            files=(),
            symbol=names[0],
            first_ns=self.next_ns,
            first_offset_ns=0,
            streams=dict.fromkeys(
                stream
                for desk in self._desks
                for stream in (*desk.streams, f"{desk.crowd.listing.symbol.lower()}@aggTrade")
            ),
            diff_streams={name: desk.depths for name, desk in zip(names, self._desks, strict=True)},
            snapshots={name: desk.snapshot(ms) for name, desk in zip(names, self._desks, strict=True)},
            grids={
                one.symbol: Grid(one.price_scale, one.size_scale, min_notional=str(one.min_notional))
                for one in self.listings
            },
        )

    def snapshot(self, symbol: str) -> bytes:
        """The whole book of a symbol, as REST answers with it."""
        desk = next(desk for desk in self._desks if desk.crowd.listing.symbol == symbol)
        snapshot = desk.snapshot(self.next_ns // 1_000_000)
        answer: dict[str, object] = {"lastUpdateId": snapshot.last_update_id}
        if self._venue == "binance-usdm":
            answer |= {"E": snapshot.event_ms, "T": snapshot.transaction_ms}
        return msgspec.json.encode(answer | {"bids": snapshot.bids, "asks": snapshot.asks})


def synthetic_events(
    seed: int, symbols: Sequence[str], seconds: float, venue: VenueName = "binance-spot", begin_ns: int = BEGIN_NS
) -> Iterator[Event]:
    """All frames of the first `seconds` of a market, as fast as they can be made."""
    market = SyntheticMarket(seed, symbols, venue, begin_ns)
    end_ns = begin_ns + int(seconds * 1_000_000_000)
    while market.next_ns < end_ns:
        yield from market.advance()
