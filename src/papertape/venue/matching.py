"""An order book with price-time priority: orders in, fills and changed levels out.

Prices are ticks and sizes lots, both whole numbers. Everything the book does is told by its `update_id`, which counts
each change of a level: an order that comes to rest, one that goes, and each fill. It knows no clock and no chance.
"""

from bisect import bisect_left, insort
from typing import NamedTuple

import msgspec

BUY, SELL = 1, -1


class Order(msgspec.Struct, gc=False):
    """A resting order: `side` is BUY or SELL, `lots` what is left of it."""

    order_id: int
    owner: int
    side: int
    price: int
    lots: int


class Fill(NamedTuple):
    """A resting order met by one that came: at the resting order's price. `left` is what still rests of it."""

    maker_id: int
    maker_owner: int
    price: int
    lots: int
    left: int


class Placed(NamedTuple):
    """What became of a limit order: its fills, and the id under which the rest rests; 0 when nothing does."""

    order_id: int
    fills: list[Fill]


class _Level:
    """The orders of one price, oldest first, and the sum of their lots."""

    __slots__ = ("lots", "orders")

    def __init__(self) -> None:
        self.lots = 0
        self.orders: dict[int, Order] = {}


class BookSide:
    """One side; it changes through its book only. Keys are prices, negative for bids, so that the best is always the least."""

    def __init__(self, side: int) -> None:
        self.sign = -side
        self.keys: list[int] = []
        self.levels: dict[int, _Level] = {}
        self.changed: dict[int, None] = {}

    @property
    def best(self) -> int | None:
        """The best price in ticks; None when the side is empty."""
        return self.keys[0] * self.sign if self.keys else None

    def lots_at(self, price: int) -> int:
        """All lots that rest at a price."""
        level = self.levels.get(price * self.sign)
        return level.lots if level else 0

    def top(self) -> tuple[int, int]:
        """Best price and its lots; (0, 0) when the side is empty."""
        if not self.keys:
            return 0, 0
        key = self.keys[0]
        return key * self.sign, self.levels[key].lots

    def all_levels(self) -> list[tuple[int, int]]:
        """Every price with its lots, best first."""
        return [(key * self.sign, self.levels[key].lots) for key in self.keys]

    def orders_at(self, price: int) -> list[Order]:
        """The orders at a price, oldest first."""
        level = self.levels.get(price * self.sign)
        return list(level.orders.values()) if level else []

    def take_changed(self) -> list[tuple[int, int]]:
        """Each price that changed since the last call, with its lots now, best first."""
        changed = [(key * self.sign, self.lots_at(key * self.sign)) for key in sorted(self.changed)]
        self.changed.clear()
        return changed

    def add(self, order: Order) -> None:
        """An order comes to rest, behind those of its price."""
        key = order.price * self.sign
        level = self.levels.get(key)
        if level is None:
            insort(self.keys, key)
            level = self.levels[key] = _Level()
        level.orders[order.order_id] = order
        level.lots += order.lots
        self.changed[key] = None

    def reduce(self, order: Order, lots: int) -> None:
        """Take `lots` off an order; an order without lots leaves its level, an empty level the side."""
        key = order.price * self.sign
        level = self.levels[key]
        order.lots -= lots
        level.lots -= lots
        self.changed[key] = None
        if not order.lots:
            del level.orders[order.order_id]
            if not level.orders:
                del self.levels[key], self.keys[bisect_left(self.keys, key)]


class OrderBook:
    """Bids and asks of one symbol. Orders come through `place`, `take` and `cancel`, whoever they belong to."""

    def __init__(self, update_id: int = 0) -> None:
        self.bids, self.asks = BookSide(BUY), BookSide(SELL)
        self.update_id = update_id
        self.orders: dict[int, Order] = {}
        """All resting orders by id, oldest first."""
        self._last_order_id = 0

    def side(self, side: int) -> BookSide:
        """The resting orders of BUY or SELL."""
        return self.bids if side == BUY else self.asks

    def place(self, owner: int, side: int, price: int, lots: int) -> Placed:
        """A limit order: it is filled as far as the other side reaches its price, and the rest comes to rest."""
        fills = self.take(owner, side, lots, price)
        rest = lots - sum(fill.lots for fill in fills)
        if not rest:
            return Placed(0, fills)
        self._last_order_id += 1
        order = Order(self._last_order_id, owner, side, price, rest)
        self.orders[order.order_id] = order
        self.side(side).add(order)
        self.update_id += 1
        return Placed(order.order_id, fills)

    def take(self, owner: int, side: int, lots: int, worst_price: int) -> list[Fill]:
        """Fill up to `lots` at prices no worse than `worst_price`, best price and oldest order first; nothing comes to rest."""
        resting = self.asks if side == BUY else self.bids
        worst_key = worst_price * resting.sign
        fills = []
        while lots and resting.keys and resting.keys[0] <= worst_key:
            order = next(iter(resting.levels[resting.keys[0]].orders.values()))
            filled = min(lots, order.lots)
            resting.reduce(order, filled)
            if not order.lots:
                del self.orders[order.order_id]
            lots -= filled
            self.update_id += 1
            fills.append(Fill(order.order_id, order.owner, order.price, filled, order.lots))
        return fills

    def cancel(self, order_id: int) -> Order | None:
        """Take a resting order away and return it as it was; None when no such order rests."""
        order = self.orders.pop(order_id, None)
        if order is None:
            return None
        lots = order.lots
        self.side(order.side).reduce(order, lots)
        order.lots = lots
        self.update_id += 1
        return order
