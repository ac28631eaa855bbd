"""What the naive engine sees of one instrument: its top, its levels, and the orders that wait there.

The sections "Which prices count" and "Resting" of `docs/explanation/the-engine.md`, in the same order.
"""

from bisect import insort
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from papertape.core.book.rows import NO_TOP, Book
from papertape.core.fixed import Rounding, rescale
from papertape.core.instruments import MONEY_SCALE, Instrument, InstrumentKind
from papertape.core.records import Flag, Kind, PrintCause, Verdict
from papertape.paper_trading.engine.rows import RATE_SCALE, UNKNOWN, OrderType, Side, Status
from papertape.paper_trading.engine.terms import Terms

BAD_QUOTE = Verdict.NON_POSITIVE | Verdict.CROSSED | Verdict.OUT_OF_ORDER | Verdict.DUPLICATE
BAD_PRINT = Verdict.NON_POSITIVE | Verdict.DUPLICATE


class Record(NamedTuple):
    """One record of the market track, unpacked."""

    ts_event_ns: int
    ts_recv_ns: int
    kind: int
    flags: int
    instrument: int
    verdict: int
    price: int
    size: int
    x: int
    y: int
    id: int

    @property
    def is_applied_depth(self) -> bool:
        """Whether the book takes it as a part of a depth event."""
        return self.kind in (Kind.DEPTH_DELTA, Kind.DEPTH_SNAPSHOT) and not self.flags & Flag.HELD

    @property
    def is_usable_print(self) -> bool:
        """Whether it fills orders and moves the last price."""
        clean = not self.flags & Flag.BACKFILL and not self.verdict & BAD_PRINT and self.x != PrintCause.INSURANCE_FUND
        return self.kind == Kind.PRINT and clean and self.price > 0 and self.size > 0


@dataclass(eq=False)
class Order:
    """One live order. `valued_at` is the price at which its reservation is counted."""

    id: int
    account: int
    instrument: int
    side: int
    type: int
    tif: int
    price: int
    size: int
    status: int = Status.PENDING
    filled: int = 0
    ahead: int = 0
    shown: int = 0
    shown_ns: int = 0
    active_ns: int = 0
    valued_at: int = 0
    reserved: int = 0
    reduces: bool = False

    @property
    def rest(self) -> int:
        return self.size - self.filled


def no_worse(side: int, price: int, limit: int) -> bool:
    """Whether an order of `side` with this limit may trade at `price`."""
    return price * side <= limit * side


@dataclass(eq=False)
class Listing:
    """One instrument. Prices of 0 are not there; `last` is 0 before the first usable print."""

    book: Book
    terms: Terms
    top: tuple[int, int, int, int] = NO_TOP
    from_quote: bool = False
    quote_id: int = -1
    middle: Fraction | None = None
    last: int = 0
    told_ns: int = 0
    resting: dict[int, list[Order]] = field(default_factory=lambda: {Side.BUY: [], Side.SELL: []})
    stops: dict[int, list[Order]] = field(default_factory=lambda: {Side.SELL: [], Side.BUY: []})

    @property
    def instrument(self) -> Instrument:
        return self.book.instrument

    @property
    def is_spot(self) -> bool:
        return self.instrument.kind is InstrumentKind.CRYPTO_SPOT

    @property
    def is_crossed(self) -> bool:
        return 0 < self.top[2] <= self.top[0]

    # Money.

    @property
    def _unit(self) -> Fraction:
        """Money in a price x size of 1."""
        return Fraction(10**MONEY_SCALE, 10 ** (self.instrument.price_scale + self.instrument.size_scale))

    @property
    def min_value(self) -> Fraction:
        """The smallest value of an order."""
        return self.instrument.min_notional * self._unit

    def value(self, price: int | Fraction, size: int) -> int:
        """Value of a size at a price, rounded once; `round` of a fraction is half to even."""
        return round(price * size * self.instrument.contract_size * self._unit)

    def fee(self, value: int, rate: int) -> int:
        return round(Fraction(value * rate, 10**RATE_SCALE))

    # Which prices count.

    def best(self, side: int) -> tuple[int, int]:
        """Best price of a side and its size."""
        return self.top[:2] if side == Side.BUY else self.top[2:]

    def levels(self, side: int) -> list[tuple[int, int]]:
        """The levels of a side, best first; a size of 0 is unknown and takes any size."""
        book = self.book.bids if side == Side.BUY else self.book.asks
        levels = sorted(book.items(), key=lambda level: -side * level[0])
        if not self.from_quote:
            return levels
        best, size = self.best(side)
        behind = [level for level in levels if level[0] * side < best * side] if self.book.synced else []
        return [(best, size), *behind]

    def take_quote(self, record: Record, id_before: int) -> bool:
        """Take the top from a QUOTE if it counts; `id_before` is the highest id of all quotes before. True if it changed."""
        book = self.book
        clean = record.id > id_before and not record.verdict & BAD_QUOTE and record.price > 0 and record.x > 0
        if not clean or (book.synced and book.update_id > record.id):
            return False
        self.quote_id = record.id
        self.from_quote = True
        return self._set_top((record.price, record.size, record.x, record.y))

    def take_book(self, update_id: int) -> bool:
        """Take the top from the book at the end of a depth event, if it counts. True if it changed."""
        if update_id < self.quote_id:
            return False
        self.from_quote = False
        return self._set_top(self.book.top)

    def lose_book(self) -> None:
        """The book has lost synchrony."""
        if not self.from_quote:
            self.top = NO_TOP

    def _set_top(self, top: tuple[int, int, int, int]) -> bool:
        changed = top != self.top
        self.top = top
        if 0 < top[0] < top[2]:
            self.middle = Fraction(top[0] + top[2], 2)
        return changed

    def rescale(self, old: Instrument) -> None:
        """Tell prices and sizes, so far at the scales of `old`, at those of the instrument."""

        def price(mantissa: int) -> int:
            return rescale(mantissa, old.price_scale, self.instrument.price_scale, Rounding.HALF_EVEN)

        def size(mantissa: int) -> int:
            return rescale(mantissa, old.size_scale, self.instrument.size_scale, Rounding.HALF_EVEN)

        bid, bid_size, ask, ask_size = self.top
        self.top = (price(bid), size(bid_size), price(ask), size(ask_size))
        self.last = price(self.last)
        if self.middle is not None:
            self.middle = Fraction(price(int(self.middle * 2)), 2)

    # Orders that wait.

    def stop_fires(self, order: Order) -> bool:
        """Whether the trigger of a stop is reached and there is a top to trade at."""
        opposite = self.best(-order.side)[0]
        reference = self.last or opposite
        return bool(opposite) and not self.is_crossed and reference * order.side >= order.price * order.side

    def wait(self, order: Order) -> None:
        """Put an order into its list: best price or trigger first, then the oldest."""
        if order.type == OrderType.STOP:
            insort(self.stops[order.side], order, key=lambda one: one.price * one.side)
        else:
            order.ahead, order.shown, order.shown_ns = self._ahead(order), 0, 0
            insort(self.resting[order.side], order, key=lambda one: -one.price * one.side)

    def leave(self, order: Order) -> None:
        """Take an order out of its list, if it is in one."""
        waiting = (self.stops if order.type == OrderType.STOP else self.resting)[order.side]
        if order in waiting:
            waiting.remove(order)

    def _ahead(self, order: Order) -> int:
        best, size = self.best(order.side)
        if not best:
            return UNKNOWN
        if order.price == best:
            return size
        if order.price * order.side > best * order.side:
            return 0
        if not self.book.synced:
            return UNKNOWN
        return (self.book.bids if order.side == Side.BUY else self.book.asks).get(order.price, 0)

    def move_up_by_level(self, record: Record) -> None:
        """A level set by an applied depth event."""
        if record.flags & Flag.EMPTY or record.price <= 0 or record.size < 0:
            return
        side = Side.SELL if record.flags & Flag.ASK else Side.BUY
        best = self.best(side)[0]
        if record.id < self.quote_id and best and record.price * side >= best * side:
            return
        for order in self.resting[side]:
            if order.price == record.price:
                move_up(order, record.size, self.told_ns)

    def move_up_by_top(self) -> None:
        """The top has changed; a crossed one moves nobody."""
        if self.is_crossed:
            return
        for side, orders in self.resting.items():
            best, size = self.best(side)
            for order in orders if best else []:
                if order.price * side >= best * side:
                    move_up(order, size if order.price == best else 0, self.told_ns)


def move_up(order: Order, displayed: int, told_ns: int) -> None:
    """A level shows a size; what went may have been traded, and its print be on its way."""
    if order.ahead == UNKNOWN:
        order.ahead = displayed
    elif displayed < order.ahead:
        order.shown, order.shown_ns = order.shown + order.ahead - displayed, told_ns
        order.ahead = displayed
