"""The order flow of one symbol: everybody who trades it, as arrivals on its book.

Each symbol has a value that nobody sees, which the pulses move. Makers place limit orders that live for a while, most of
them near the best prices, some far away. Takers come in runs of one direction, as large orders are split, and in bursts,
as trading makes others trade; they push the value a little. Who finds a best price on the wrong side of the value, by
more than trading costs, takes it, or withdraws it when it is his own: so the price follows the value.
"""

from heapq import heappop, heappush

from papertape.core.draws import purpose_id
from papertape.venue.matching import BUY, SELL, Fill, OrderBook
from papertape.venue.synthetic.listings import Listing
from papertape.venue.synthetic.tables import (
    DECAY,
    DISTANCE,
    EXPONENTIAL,
    LIFETIME,
    ROW,
    RUN,
    SIZE,
    TAKER_SIZE,
    Draws,
)
from papertape.venue.synthetic.volatility import LEVEL_ONE, Pulse, Volatility, moved

CROWD = 0
"""Owner of every order of the flow."""
LEVELS_MIN = 50
"""A side with fewer levels is neither taken from nor cancelled in, so that it never runs empty."""

BAND_PPB = 30_000
"""How far a best price may be on the wrong side of the value before somebody acts: what trading costs."""
REACH_PPB = 25_000
"""The distance, in parts per billion of the price, that distances from the best price are counted in."""
AT_TOUCH_PERCENT = 22
"""Limit orders that are placed at the best price that is free."""
FOLLOW_PERCENT = 80
"""Takers that trade in the direction of the run."""
IMPACT_PPB = 4_000
"""What a market order in an unexpected direction adds to the value."""
CORRECTION_NS = 600_000
"""Mean time between two corrections of a wrong best price."""
LIFETIME_NS = 600_000_000
LIFETIME_MAX_NS = 600_000_000_000
HEAT_HALF_NS = 60_000_000
HEAT_PER_TRADE = 4_000
"""How much busier a trade makes the market, in `LEVEL_ONE` for one taker a second."""
HEAT_MAX = 24 * LEVEL_ONE
ACTIVITY_MIN, ACTIVITY_MAX = LEVEL_ONE // 3, 4 * LEVEL_ONE

_FLOW = purpose_id("venue.synthetic.flow")
_MOVES = purpose_id("venue.synthetic.moves")
_OPENING = purpose_id("venue.synthetic.opening")
_SWITCH_NS = (1_000_000_000, 5_000_000_000, 25_000_000_000, 120_000_000_000)
_OPENING_DRAWS = 2_000
_SECOND_NS = 1_000_000_000
_PPB = 1_000_000_000


class Crowd:
    """The book of one symbol and all that happens on it. Times are nanoseconds since the opening."""

    def __init__(self, seed: int, listing: Listing, first_update_id: int) -> None:
        key = purpose_id(listing.symbol)
        self.listing = listing
        self.book = OrderBook(first_update_id)
        self._draws = Draws(seed, _FLOW, key)
        self._moves = Draws(seed, _MOVES, key)
        self._volatility = Volatility(seed, key, _SWITCH_NS)
        self._value = listing.price << 16
        self._band = max(1, listing.price * BAND_PPB // _PPB)
        self._reach = max(1, listing.price * REACH_PPB // _PPB)
        self._min_lots = 1 + (listing.min_notional * listing.lots_per_quote >> 16)
        self._takers_share = (listing.takers_per_s << 16) // (listing.makers_per_s + listing.takers_per_s)
        self._mean_ns = _SECOND_NS // (listing.makers_per_s + listing.takers_per_s)
        self._activity = LEVEL_ONE
        self._heat = self._heat_step = 0
        self._run_left, self._run_side, self._expected = 0, BUY, 0
        self._expiries: list[tuple[int, int]] = []
        self._order_ns = 0
        self._open(Draws(seed, _OPENING, key))
        self.next_ns = min(self._order_ns, self._expiries[0][0])

    @property
    def value_ticks(self) -> int:
        """What the symbol is worth, in ticks."""
        return self._value >> 16

    def pulse(self, pulse: Pulse) -> None:
        """The value moves; if that leaves a best price wrong, somebody will soon see it."""
        own_level = self._volatility.at(pulse.at_ns)
        level = pulse.level * own_level // LEVEL_ONE
        self._activity = min(max(level, ACTIVITY_MIN), ACTIVITY_MAX)
        bits = self._moves.bits()
        move = pulse.move * self.listing.beta_percent // 100 + moved(self.listing.move_ppb, level, bits)
        self._value += self._value * move // (_PPB << 16)
        if self._wrong_side():
            self._order_ns = min(self._order_ns, pulse.at_ns + self._reaction_ns(bits >> 48 & ROW))
            self.next_ns = min(self._order_ns, self._expiries[0][0])

    def step(self) -> tuple[int, list[Fill]]:
        """What happens at `next_ns`: the side of the taker with its fills; no fills when none came."""
        now_ns = self.next_ns
        side, fills = BUY, list[Fill]()
        if now_ns == self._expiries[0][0]:
            self._expire(now_ns)
        else:
            side, fills = self._arrival(now_ns)
        self.next_ns = min(self._order_ns, self._expiries[0][0])
        return side, fills

    def _arrival(self, now_ns: int) -> tuple[int, list[Fill]]:
        bits = self._draws.bits()
        intensity = self._activity + self._heat_at(now_ns)
        self._order_ns = now_ns + 1 + self._mean_ns * EXPONENTIAL[bits & ROW] // (intensity << 6)
        bits >>= 12
        if side := self._wrong_side():
            self._order_ns = min(self._order_ns, now_ns + self._reaction_ns(bits & ROW))
            return side, self._correct(side, bits >> 12)
        if bits & 0xFFFF < self._takers_share:
            return self._take(bits >> 16)
        self._place(now_ns, bits >> 16)
        return BUY, []

    def _reaction_ns(self, row: int) -> int:
        return 1 + (CORRECTION_NS * EXPONENTIAL[row] >> 16)

    def _wrong_side(self) -> int:
        """BUY when the asks are too cheap, SELL when the bids are too dear, else 0."""
        value, book = self.value_ticks, self.book
        if book.asks.keys[0] < value - self._band:
            return BUY
        if -book.bids.keys[0] > value + self._band:
            return SELL
        return 0

    def _correct(self, side: int, bits: int) -> list[Fill]:
        """The best price of the other side is wrong: it is taken, or withdrawn by those who own it."""
        resting = self.book.asks if side == BUY else self.book.bids
        if len(resting.keys) <= LEVELS_MIN:
            # Too thin to take from: the value waits for the market instead.
            self._value = resting.keys[0] * resting.sign << 16
            return []
        if bits & 7 < 3:
            for order in resting.orders_at(resting.keys[0] * resting.sign):
                if order.owner == CROWD:
                    self.book.cancel(order.order_id)
            return []
        lots = self._lots(SIZE[bits >> 3 & ROW] * 2)
        return self._traded(self.book.take(CROWD, side, lots, self.value_ticks))

    def _take(self, bits: int) -> tuple[int, list[Fill]]:
        """A market order: of the run's direction, mostly, and with a limit on how far it may go."""
        if not self._run_left:
            self._run_left = RUN[bits & ROW]
            self._run_side = BUY if bits >> 12 & 1 else SELL
        self._run_left -= 1
        side = self._run_side
        if (bits >> 13 & 0x7F) * 100 >> 7 >= FOLLOW_PERCENT and bits >> 20 & 1:
            side = -side
        resting = self.book.asks if side == BUY else self.book.bids
        if len(resting.keys) <= LEVELS_MIN:
            return side, []
        self._push(side)
        worst = resting.keys[0] * resting.sign + side * self._reach
        return side, self._traded(self.book.take(CROWD, side, self._lots(TAKER_SIZE[bits >> 21 & ROW]), worst))

    def _push(self, side: int) -> None:
        """The value goes with what the order tells that the ones before had not told, so that it stays unforeseeable."""
        surprise = side * LEVEL_ONE - self._expected
        self._expected += surprise >> 3
        self._value += self._value * IMPACT_PPB * surprise // (_PPB * LEVEL_ONE)

    def _traded(self, fills: list[Fill]) -> list[Fill]:
        if fills:
            self._heat = min(self._heat + HEAT_PER_TRADE // self.listing.takers_per_s, HEAT_MAX)
        return fills

    def _place(self, now_ns: int, bits: int) -> None:
        """A limit order that rests: at the best price that is free, or a distance behind it."""
        side = BUY if bits & 1 else SELL
        own, other = self.book.side(side), self.book.side(-side)
        # Nobody offers more than the symbol is worth, nor crosses the other side.
        free = other.keys[0] * other.sign - side
        fair = self.value_ticks + side * self._band
        best = min(free, fair) if side == BUY else max(free, fair)
        distance = 0
        if (bits >> 1 & 0x7F) * 100 >> 7 >= AT_TOUCH_PERCENT:
            distance = self._reach * DISTANCE[bits >> 8 & ROW] >> 16
        lots = self._lots(SIZE[bits >> 20 & ROW])
        placed = self.book.place(CROWD, side, best - side * distance, lots)
        assert not placed.fills and own.keys, "a maker's order rests"
        heappush(self._expiries, (now_ns + self._lifetime_ns(distance, bits >> 32 & ROW), placed.order_id))

    def _lots(self, size: int) -> int:
        value = size * self.listing.order_value
        return max(self._min_lots, value * self.listing.lots_per_quote >> 32)

    def _lifetime_ns(self, distance: int, row: int) -> int:
        """Orders far away are left alone for longer."""
        return min(LIFETIME_NS * LIFETIME[row] * (2 * self._reach + distance) // (self._reach << 17), LIFETIME_MAX_NS)

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

    def _heat_at(self, now_ns: int) -> int:
        """What is left of the trades' excitement: it halves every `HEAT_HALF_NS`, in 64 steps."""
        step = now_ns * 64 // HEAT_HALF_NS
        passed, self._heat_step = step - self._heat_step, step
        if passed and self._heat:
            self._heat = (self._heat >> min(passed >> 6, 63)) * DECAY[passed & 63] >> 16
        return self._heat

    def _open(self, draws: Draws) -> None:
        """Fill the book as makers who have been at it for long would have left it."""
        owed_ns = 0
        share_ns = _OPENING_DRAWS * _SECOND_NS // self.listing.makers_per_s
        for _ in range(_OPENING_DRAWS):
            bits = draws.bits()
            side = BUY if bits & 1 else SELL
            distance = 0
            if (bits >> 1 & 0x7F) * 100 >> 7 >= AT_TOUCH_PERCENT:
                distance = self._reach * DISTANCE[bits >> 8 & ROW] >> 16
            lifetime_ns = self._lifetime_ns(distance, bits >> 20 & ROW)
            owed_ns += lifetime_ns
            while owed_ns > share_ns:
                owed_ns -= share_ns
                bits = draws.bits()
                # The copies of one draw stand apart, from half to one and a half times as far away.
                price = self.listing.price - side * (1 + (distance * (0x8000 + (bits & 0xFFFF)) >> 16))
                order_id = self.book.place(CROWD, side, price, self._lots(SIZE[bits >> 16 & ROW])).order_id
                heappush(self._expiries, (lifetime_ns * (bits >> 28 & ROW) >> 12, order_id))
