"""What a strategy is, and what it sees: the same object runs live, in replay and in recovery.

A strategy subscribes in `on_start`; what it subscribed to wakes it. It sees its own account as it has been told of
it: a fill counts for it once the report has travelled back. Prices and sizes are `Decimal` at this door; names that
end in `_units` are the exact integers behind them, at the instrument's scales.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple, Protocol

from papertape.core.instruments import MONEY_SCALE, Instrument
from papertape.paper_trading.engine.rows import EventKind, Reason, Side

__all__ = [
    "BarUpdate",
    "Context",
    "EventKind",
    "KnownOrder",
    "Number",
    "OrderUpdate",
    "Print",
    "Quote",
    "Reason",
    "Side",
    "Strategy",
    "decimal_of",
]

Number = Decimal | str | int | float
"""A price or size of an order. A float is taken for the shortest decimal number that it prints as."""


def decimal_of(units: int, scale: int) -> Decimal:
    """The number behind a mantissa."""
    return Decimal(units).scaleb(-scale)


class Quote(NamedTuple):
    """Best bid and ask as the venue told them. Times are nanoseconds UTC, 0 when the venue gave none."""

    instrument: Instrument
    ts_event_ns: int
    bid_units: int
    bid_size_units: int
    ask_units: int
    ask_size_units: int

    @property
    def bid(self) -> Decimal:
        return decimal_of(self.bid_units, self.instrument.price_scale)

    @property
    def ask(self) -> Decimal:
        return decimal_of(self.ask_units, self.instrument.price_scale)

    @property
    def bid_size(self) -> Decimal:
        return decimal_of(self.bid_size_units, self.instrument.size_scale)

    @property
    def ask_size(self) -> Decimal:
        return decimal_of(self.ask_size_units, self.instrument.size_scale)

    @property
    def mid(self) -> Decimal:
        return decimal_of((self.bid_units + self.ask_units) * 5, self.instrument.price_scale + 1)


class Print(NamedTuple):
    """A trade on the venue's tape; `sold` when its aggressor was the seller."""

    instrument: Instrument
    ts_event_ns: int
    price_units: int
    size_units: int
    sold: bool
    id: int

    @property
    def price(self) -> Decimal:
        return decimal_of(self.price_units, self.instrument.price_scale)

    @property
    def size(self) -> Decimal:
        return decimal_of(self.size_units, self.instrument.size_scale)


class BarUpdate(NamedTuple):
    """A closed bar. `scale` is that of its prices: one more than the instrument's for bars of the middle."""

    instrument: Instrument
    timeframe_ns: int
    start_ns: int
    open_units: int
    high_units: int
    low_units: int
    close_units: int
    volume_units: int
    taker_buy_volume_units: int
    records: int
    scale: int
    """Decimals of the price units."""
    halves: bool
    """Whether price units count half a unit: bars of bid + ask."""

    def _price(self, units: int) -> Decimal:
        return decimal_of(units * 5, self.scale + 1) if self.halves else decimal_of(units, self.scale)

    @property
    def open(self) -> Decimal:
        return self._price(self.open_units)

    @property
    def high(self) -> Decimal:
        return self._price(self.high_units)

    @property
    def low(self) -> Decimal:
        return self._price(self.low_units)

    @property
    def close(self) -> Decimal:
        return self._price(self.close_units)

    @property
    def volume(self) -> Decimal:
        return decimal_of(self.volume_units, self.instrument.size_scale)


class OrderUpdate(NamedTuple):
    """Something that happened to an order of the strategy's account, told at `now_ns` of the context."""

    instrument: Instrument | None
    ts_ns: int
    """When it happened at the venue, in engine time."""
    kind: EventKind
    order: int
    side: Side | None
    price_units: int
    size_units: int
    rest_units: int
    is_maker: bool
    notional_units: int
    fee_units: int
    realised_units: int
    reason: Reason

    @property
    def price(self) -> Decimal:
        return decimal_of(self.price_units, self.instrument.price_scale if self.instrument else 0)

    @property
    def size(self) -> Decimal:
        return decimal_of(self.size_units, self.instrument.size_scale if self.instrument else 0)

    @property
    def rest(self) -> Decimal:
        return decimal_of(self.rest_units, self.instrument.size_scale if self.instrument else 0)

    @property
    def fee(self) -> Decimal:
        return decimal_of(self.fee_units, MONEY_SCALE)

    @property
    def realised(self) -> Decimal:
        return decimal_of(self.realised_units, MONEY_SCALE)


class KnownOrder(NamedTuple):
    """A live order as its owner knows it. `is_working` once the venue has said that it rests."""

    id: int
    symbol: str
    side: Side
    price: Decimal
    size: Decimal
    rest: Decimal
    is_working: bool


class Context(Protocol):
    """What a strategy may ask and do. Symbols are those of the venue; a name that is not there raises DataError."""

    @property
    def now_ns(self) -> int:
        """Engine time, nanoseconds UTC."""
        ...

    @property
    def account(self) -> str:
        """Name of the strategy's account."""
        ...

    @property
    def symbols(self) -> Sequence[str]:
        """All symbols listed so far."""
        ...

    @property
    def cash(self) -> Decimal:
        """Money of the account, as far as it has been told."""
        ...

    @property
    def equity(self) -> Decimal:
        """Cash and positions at the middle price."""
        ...

    def instrument(self, symbol: str) -> Instrument: ...

    def subscribe_bars(self, symbol: str, timeframe: str, source: str = "mid") -> None:
        """Wake `on_bar` with bars such as "1s", "1m", "4h", "1d" from "mid", "bid", "ask" or "prints"."""
        ...

    def subscribe_quotes(self, symbol: str, every: int = 1) -> None:
        """Wake `on_quote` with one quote in so many."""
        ...

    def subscribe_prints(self, symbol: str, every: int = 1) -> None: ...

    def subscribe_book(self, symbol: str, every: int = 1) -> None:
        """Wake `on_book` at the end of one depth event in so many."""
        ...

    def set_timer(self, name: str, after: str) -> None:
        """Wake `on_timer` once with `name`, after a time such as "500ms", "1s" or "5m" of engine time."""
        ...

    def quote(self, symbol: str) -> Quote | None:
        """The top that orders meet now; None when there is none on either side."""
        ...

    def levels(self, symbol: str, count: int) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        """Bids and asks of the local book, (price, size), best first."""
        ...

    def position(self, symbol: str) -> Decimal: ...

    def position_units(self, symbol: str) -> int: ...

    def orders(self, symbol: str | None = None) -> list[KnownOrder]: ...

    def buy(
        self, symbol: str, size: Number, price: Number | None = None, *, stop: Number | None = None, tif: str = "gtc"
    ) -> int:
        """Send an order; its number. Without `price` or `stop` at the market. A refusal comes to `on_order`."""
        ...

    def sell(
        self, symbol: str, size: Number, price: Number | None = None, *, stop: Number | None = None, tif: str = "gtc"
    ) -> int: ...

    def submit_units(self, symbol: str, side: Side, size_units: int, price_units: int = 0, tif: str = "gtc") -> int:
        """The exact and quick form of `buy` and `sell`: at the market when `price_units` is 0."""
        ...

    def cancel(self, order: int) -> None: ...

    def amend(self, order: int, *, price: Number | None = None, size: Number | None = None) -> None:
        """Another price or whole size of a live order; what is not told stays."""
        ...

    def note(self, text: str) -> None:
        """Leave a remark on the run."""
        ...


class Strategy:
    """Base of all strategies; override what you need.

    Each is called with the context and must come back soon. One that raises is stopped: its orders are cancelled, the
    others go on. What it keeps between calls should be plain values, or told by `save` and `load`: then a run can go on
    from a checkpoint, else it is recovered from its beginning.
    """

    compiled: ClassVar[Callable[[Any, int, Any], None] | None] = None
    """An `njit` function `act(state, account, record)` that trades instead of the methods, wrapped in `staticmethod`."""

    def on_start(self, ctx: Context) -> None:
        """Called once, when all instruments of the run's beginning are listed."""

    def on_bar(self, ctx: Context, bar: BarUpdate) -> None:
        """A subscribed bar has closed."""

    def on_quote(self, ctx: Context, quote: Quote) -> None:
        """A subscribed quote."""

    def on_print(self, ctx: Context, trade: Print) -> None:
        """A subscribed print."""

    def on_book(self, ctx: Context, symbol: str) -> None:
        """A depth event of a subscribed book is complete."""

    def on_fill(self, ctx: Context, fill: OrderUpdate) -> None:
        """An order traded."""

    def on_order(self, ctx: Context, update: OrderUpdate) -> None:
        """Anything else that happened to an order."""

    def on_timer(self, ctx: Context, name: str) -> None:
        """A timer of this strategy has come."""

    def on_stop(self, ctx: Context) -> None:
        """The run ends. Orders sent here do not arrive any more."""

    def save(self) -> Any:
        """What this strategy remembers, as plain values (numbers, text, lists, dicts): by default all its attributes."""
        return dict(vars(self))

    def load(self, saved: Any) -> None:
        """Take back what `save` gave."""
        vars(self).update(saved)
