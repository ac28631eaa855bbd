"""A market whose every print, level and update id is known: the truth that a simulated venue tells of.

Prices and sizes are integers, in units one decimal finer than the venue's listing says, so that a tick can become finer.
"""

from collections.abc import Callable
from typing import NamedTuple

from papertape.testing.world.chance import Chance

LEVELS = 12
"""Levels per side at the start; a book holds some more or fewer later, and always fits into one snapshot."""
FINER = 10
"""Units in a tick as long as it is not finer than listed."""
SPREAD_MAX = 40
"""Ticks from the best price within which levels are set."""
USDM_STEP_MAX = 4_000
"""Update ids of USD-M are shared across the venue: they leap."""


class Print(NamedTuple):
    """One trade as it was."""

    id: int
    price: int
    size: int
    buyer_is_maker: bool
    time_ms: int

    @property
    def ident(self) -> int:
        """What tells it from others of its kind."""
        return self.id


class Quote(NamedTuple):
    """The top of the book at one update."""

    update_id: int
    bid: int
    bid_size: int
    ask: int
    ask_size: int
    time_ms: int

    @property
    def ident(self) -> int:
        """See `Print.ident`."""
        return self.update_id


class Depth(NamedTuple):
    """What changed between two batches: ids as Binance tells them, and the absolute sizes."""

    first_id: int
    last_id: int
    previous_id: int
    bids: dict[int, int]
    asks: dict[int, int]
    time_ms: int

    @property
    def ident(self) -> int:
        """See `Print.ident`."""
        return self.last_id


Event = Print | Quote | Depth


def level_word(side: int, price: int, size: int) -> int:
    """One level as a number; the numbers of all levels add up to what tells two books apart."""
    return hash((side, price, size))


class SimMarket:
    """One symbol. `beat` lets something happen, `batch` tells the depth that changed; both hand events to `tell`.

    `prints` and `quotes` keep all that ever was, by id; `books` the sum of level words at every update id.
    """

    def __init__(self, symbol: str, *, leaps: bool, chance: Chance, tell: Callable[[Event], None]) -> None:
        self.symbol = symbol
        self.price_decimals = chance.between(0, 4)
        self.size_decimals = chance.between(0, 5)
        self.units_per_tick = FINER
        self.prints: dict[int, Print] = {}
        self.quotes: dict[int, Quote] = {}
        self.books: dict[int, int] = {}
        self.update_id = self.batch_id = chance.between(1, 1 << 33)
        self.trade_id = chance.between(1, 1 << 31)
        self._leaps = leaps
        self._chance = chance
        self._tell = tell
        middle = chance.between(1_000, 90_000)
        self.sides = (self._levels(middle, -1), self._levels(middle, 1))
        self._word = sum(level_word(side, price, size) for side in (0, 1) for price, size in self.sides[side].items())
        self.books[self.update_id] = self._word
        self._first_id = 0
        self._changed: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._top = self.top

    def _levels(self, middle: int, step: int) -> dict[int, int]:
        first = middle + (step > 0)
        return {(first + step * n) * FINER: self._size() for n in range(LEVELS)}

    def _size(self) -> int:
        return self._chance.between(1, 99_999)

    @property
    def top(self) -> tuple[int, int, int, int]:
        """Best bid and its size, best ask and its size."""
        bid, ask = max(self.sides[0]), min(self.sides[1])
        return bid, self.sides[0][bid], ask, self.sides[1][ask]

    def beat(self, now_ms: int) -> None:
        """A trade, or some orders that come and go."""
        if self._chance.happens(400):
            self._trade(now_ms)
        else:
            for _ in range(self._chance.between(1, 4)):
                self._order()
        if self.top != self._top:
            self._top = self.top
            quote = Quote(self.update_id, *self._top, now_ms)
            self.quotes[self.update_id] = quote
            self._tell(quote)

    def batch(self, now_ms: int) -> None:
        """Tell what changed since the last batch; nothing is told when nothing did."""
        if not self._first_id:
            return
        bids, asks = self._changed
        event = Depth(self._first_id, self.update_id, self.batch_id, bids, asks, now_ms)
        self.batch_id, self._first_id, self._changed = self.update_id, 0, ({}, {})
        self._tell(event)

    def _trade(self, now_ms: int) -> None:
        side = self._chance.below(2)
        best = (max if side == 0 else min)(self.sides[side])
        there = self.sides[side][best]
        size = there if self._chance.happens(300) else self._chance.between(1, there)
        if size == there and len(self.sides[side]) <= 2:
            size = max(1, there // 2)
        self.trade_id += 1
        one = self.prints[self.trade_id] = Print(self.trade_id, best, size, side == 0, now_ms)
        self._tell(one)
        if there > size or len(self.sides[side]) > 2:
            self._set(side, best, there - size)

    def _order(self) -> None:
        """One level of one side gets another size, near the best price and never across the other side's."""
        side = self._chance.below(2)
        bid, ask = max(self.sides[0]), min(self.sides[1])
        away = self._chance.between(-2, SPREAD_MAX) * self.units_per_tick
        price = min(bid - away, ask - self.units_per_tick) if side == 0 else max(ask + away, bid + self.units_per_tick)
        if price <= 0:
            return
        levels = self.sides[side]
        goes = self._chance.happens(500 if len(levels) > LEVELS else 200) and len(levels) > 2
        if goes and price not in levels and self._chance.happens(800):
            price = self._chance.pick(list(levels))
        self._set(side, price, 0 if goes else self._size())

    def _set(self, side: int, price: int, size: int) -> None:
        """One update: an absolute size, of which 0 removes, also a level that is not there."""
        levels = self.sides[side]
        if old := levels.pop(price, 0):
            self._word -= level_word(side, price, old)
        if size:
            levels[price] = size
            self._word += level_word(side, price, size)
        self.update_id += self._chance.between(1, USDM_STEP_MAX) if self._leaps else 1
        self._first_id = self._first_id or self.update_id
        self._changed[side][price] = size
        self.books[self.update_id] = self._word
