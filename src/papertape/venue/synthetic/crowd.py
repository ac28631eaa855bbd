"""The order flow of one symbol: everybody who trades it, as arrivals on its book.

Makers place limit orders that live for a while, most of them near the best prices, some far away. Takers come in runs of
one direction, as large orders are split, and in bursts. Nobody sees the symbol's value, but whoever finds a best price
on the wrong side of it, by more than trading costs, takes it, or withdraws it when it is his own; and a gap between the
best prices is filled at once. So the price follows the value, and the spread is small most of the time.
"""

from heapq import heappop, heappush

from papertape.core.draws import purpose_id
from papertape.venue.matching import BUY, SELL, BookSide, Fill, OrderBook
from papertape.venue.synthetic.listings import Listing
from papertape.venue.synthetic.pace import Pace
from papertape.venue.synthetic.tables import DISTANCE, EXPONENTIAL, LIFETIME, ROW, RUN, SIZE, TAKER_SIZE, Draws
from papertape.venue.synthetic.value import PPB, Value
from papertape.venue.synthetic.volatility import Pulse

CROWD = 0
"""Owner of every order of the flow."""
LEVELS_MIN = 5
"""So many levels of a side are neither taken nor cancelled by the crowd, so that it never empties a side."""

BAND_PPB = 45_000
"""How far a best price may be on the wrong side of the value before somebody acts: what trading costs."""
REACH_PPB = 25_000
"""The unit of distances from the best price, in parts per billion of the price."""
GAP_PPB = 12_500
"""A wider gap between the best prices is filled at once."""
AT_BEST_PERCENT, AT_GAP_PERCENT = 22, 70
"""Limit orders at the best price that is free; the second while it is better than the best of their own side."""
WITHDRAWN_EIGHTHS = 5
"""How often a wrong best price is withdrawn, not taken; at most so many orders at a time."""
WITHDRAWN_MAX = 4
AGAINST_PERCENT = 10
"""Takers that trade against the run."""
REACTION_NS = 600_000
"""Mean time until a wrong best price is seen, and between two who act on it."""
GAP_FILL_NS = 2_000_000
"""Time until a gap is seen."""
LIFETIME_NS = 100_000_000
"""Mean lifetime of an order for each reach of its distance; one at the best price counts as `NEAR_REACHES` away."""
NEAR_REACHES = 6
LIFETIME_MAX_NS = 600_000_000_000
OPENING_DRAWS = 2_000
"""Draws that the opening book is made from."""

_FLOW = purpose_id("venue.synthetic.flow")
_OPENING = purpose_id("venue.synthetic.opening")
_HALF_TICK = 1 << 15
_SECOND_NS = 1_000_000_000


class Crowd:
    """The book of one symbol and all that happens on it. Times are nanoseconds since the opening."""

    def __init__(self, seed: int, listing: Listing, first_update_id: int) -> None:
        key = purpose_id(listing.symbol)
        self.listing = listing
        self.book = OrderBook(first_update_id)
        self.value = Value(seed, key, listing)
        self._pace = Pace(listing)
        self._draws = Draws(seed, _FLOW, key)
        # Distances in ticks times 65,536, as the value.
        self._band = max(_HALF_TICK, self.value.price * BAND_PPB // PPB)
        self._reach = self.value.price * REACH_PPB // PPB
        self._gap_ticks = max(2, listing.price * GAP_PPB // PPB)
        self._min_lots = 1 + (listing.min_notional * listing.lots_per_quote >> 16)
        self._takers_share = (listing.takers_per_s << 16) // (listing.makers_per_s + listing.takers_per_s)
        self._run_left, self._run_side = 0, BUY
        self._expiries: list[tuple[int, int]] = []
        self._order_ns = 0
        self._open(Draws(seed, _OPENING, key))
        self.next_ns = 0

    def pulse(self, pulse: Pulse) -> None:
        """The value moves; if that leaves a best price wrong, somebody soon sees it."""
        self.value.pulse(pulse)
        self._pace.follow(self.value.level)
        if self._wrong_side():
            self._come_within(pulse.at_ns, REACTION_NS)

    def step(self) -> tuple[int, list[Fill]]:
        """What happens at `next_ns`: the side of the taker and its fills; none when no taker came or found anything."""
        now_ns = self.next_ns
        side, fills = BUY, list[Fill]()
        if self._order_ns == now_ns:
            side, fills = self._arrival(now_ns)
        else:
            self._expire(now_ns)
        if self._gap():
            self._come_within(now_ns, GAP_FILL_NS)
        self.next_ns = min(self._order_ns, self._expiries[0][0]) if self._expiries else self._order_ns
        return side, fills

    def _come_within(self, now_ns: int, wait_ns: int) -> None:
        """The next order comes no later than this."""
        self._order_ns = min(self._order_ns, now_ns + wait_ns)
        self.next_ns = min(self.next_ns, self._order_ns)

    def _arrival(self, now_ns: int) -> tuple[int, list[Fill]]:
        bits = self._draws.bits()
        self._order_ns = now_ns + self._pace.wait_ns(now_ns, bits & ROW)
        bits >>= 12
        if side := self._wrong_side():
            self._order_ns = min(self._order_ns, now_ns + 1 + (REACTION_NS * EXPONENTIAL[bits & ROW] >> 16))
            return side, self._correct(side, bits >> 12)
        if not self._gap() and bits & 0xFFFF < self._takers_share:
            return self._take(bits >> 16)
        self._place(now_ns, bits >> 16)
        return BUY, []

    def _gap(self) -> bool:
        """Whether nobody stands between the best prices who should, or a side was taken away as a whole."""
        asks, bids = self.book.asks.keys, self.book.bids.keys
        return not asks or not bids or asks[0] + bids[0] > self._gap_ticks

    def _wrong_side(self) -> int:
        """BUY when the asks are too cheap, SELL when the bids are too dear, else 0."""
        asks, bids = self.book.asks.keys, self.book.bids.keys
        if asks and asks[0] << 16 < self.value.price - self._band:
            return BUY
        if bids and -bids[0] << 16 > self.value.price + self._band:
            return SELL
        return 0

    def _correct(self, side: int, bits: int) -> list[Fill]:
        """The best price of the other side is wrong: it is taken, or withdrawn by those who own it."""
        resting = self._resting(side)
        best = resting.keys[0] * resting.sign
        if len(resting.keys) <= LEVELS_MIN:
            # Too thin to take from: the value waits for the market instead.
            self.value.price = best << 16
            return []
        if bits & 7 < WITHDRAWN_EIGHTHS:
            for order in resting.orders_at(best)[-WITHDRAWN_MAX:]:
                if order.owner == CROWD:
                    self.book.cancel(order.order_id)
            return []
        return self._filled(side, self._lots(2 * SIZE[bits >> 3 & ROW]), self.value.price >> 16)

    def _take(self, bits: int) -> tuple[int, list[Fill]]:
        """A market order: mostly of the run's direction, and within a reach of the best price."""
        if not self._run_left:
            self._run_left = RUN[bits & ROW]
            self._run_side = BUY if bits >> 12 & 1 else SELL
        self._run_left -= 1
        against = (bits >> 13 & 0xFF) * 100 >> 8 < AGAINST_PERCENT
        side = -self._run_side if against else self._run_side
        resting = self._resting(side)
        if len(resting.keys) <= LEVELS_MIN:
            return side, []
        self.value.push(side)
        worst = resting.keys[0] * resting.sign + (side * self._reach >> 16)
        return side, self._filled(side, self._lots(TAKER_SIZE[bits >> 21 & ROW]), worst)

    def _resting(self, side: int) -> BookSide:
        """What a taker of this side meets."""
        return self.book.asks if side == BUY else self.book.bids

    def _filled(self, side: int, lots: int, worst: int) -> list[Fill]:
        """A market order up to a price, with `LEVELS_MIN` levels left behind it."""
        resting = self._resting(side)
        last = resting.keys[-1 - LEVELS_MIN] * resting.sign
        fills = self.book.take(CROWD, side, lots, min(worst, last) if side == BUY else max(worst, last))
        if fills:
            self._pace.traded()
        return fills

    def _place(self, now_ns: int, bits: int) -> None:
        """A limit order that rests: at the best price that is free, or a distance behind it."""
        side = BUY if bits & 1 else SELL
        own, other = self.book.side(side), self.book.side(-side)
        # Nobody offers more than the symbol is worth, nor crosses the other side.
        fair = (self.value.price >> 16) + (side == SELL)
        free = other.keys[0] * other.sign - side if other.keys else fair
        best = min(free, fair) if side == BUY else max(free, fair)
        better = not own.keys or (best - own.keys[0] * own.sign) * side > 0
        distance = self._distance(bits >> 1, AT_GAP_PERCENT if better else AT_BEST_PERCENT)
        placed = self.book.place(CROWD, side, best - side * distance, self._lots(SIZE[bits >> 20 & ROW]))
        assert not placed.fills, "a maker's order rests"
        lifetime_ns = self._lifetime_ns(distance, self._draws.bits() & ROW)
        heappush(self._expiries, (now_ns + lifetime_ns, placed.order_id))

    def _distance(self, bits: int, at_best_percent: int) -> int:
        """Ticks from the best price, by 19 bits."""
        if (bits & 0x7F) * 100 >> 7 < at_best_percent:
            return 0
        return self._reach * DISTANCE[bits >> 7 & ROW] >> 32

    def _lots(self, size: int) -> int:
        return max(self._min_lots, size * self.listing.order_value * self.listing.lots_per_quote >> 32)

    def _lifetime_ns(self, distance: int, row: int) -> int:
        """Orders far away are left alone for longer."""
        reaches = NEAR_REACHES + (distance << 16) // self._reach
        return min(LIFETIME_NS * LIFETIME[row] * reaches >> 16, LIFETIME_MAX_NS)

    def _expire(self, now_ns: int) -> None:
        """The order whose time is up is cancelled, if it is still there."""
        order_id = heappop(self._expiries)[1]
        order = self.book.orders.get(order_id)
        if order is None:
            return
        if len(self.book.side(order.side).keys) <= LEVELS_MIN:
            heappush(self._expiries, (now_ns + LIFETIME_NS, order_id))
        else:
            self.book.cancel(order_id)

    def _open(self, draws: Draws) -> None:
        """Fill the book as makers who have been at it for long would have left it."""
        owed_ns = 0
        # An order that lives so many times as long is met so many times as often.
        share_ns = OPENING_DRAWS * _SECOND_NS // self.listing.makers_per_s
        for _ in range(OPENING_DRAWS):
            bits = draws.bits()
            side = BUY if bits & 1 else SELL
            distance = self._distance(bits >> 1, AT_BEST_PERCENT)
            lifetime_ns = self._lifetime_ns(distance, bits >> 20 & ROW)
            owed_ns += lifetime_ns
            while owed_ns >= share_ns:
                owed_ns -= share_ns
                bits = draws.bits()
                # They stand apart, from half to one and a half times as far away.
                price = self.listing.price - side * (1 + (distance * (0x8000 + (bits & 0xFFFF)) >> 16))
                order_id = self.book.place(CROWD, side, price, self._lots(SIZE[bits >> 16 & ROW])).order_id
                heappush(self._expiries, (1 + (lifetime_ns * (bits >> 28 & ROW) >> 12), order_id))
