"""A strategy's seat at the engine: its account as it has been told of it, and the way its orders go in."""

from collections.abc import Sequence
from decimal import Context as Arithmetic
from decimal import Decimal, Inexact, InvalidOperation
from operator import index as whole_number
from typing import TYPE_CHECKING, Any

import msgspec

from papertape.core.bars import BarSource
from papertape.core.errors import DataError
from papertape.core.fixed import VALUE_MAX, Rounding, divide
from papertape.core.instruments import MONEY_SCALE, Instrument, InstrumentKind
from papertape.paper_trading.engine import facts
from papertape.paper_trading.engine.rows import EventKind, Feed, Liquidity, OrderType, Reason, Side, TimeInForce
from papertape.paper_trading.engine.state_hash import EventView
from papertape.paper_trading.strategy import KnownOrder, Number, OrderUpdate, Quote, Strategy, decimal_of

if TYPE_CHECKING:
    from papertape.paper_trading.engine.run import Run

NO_PRICE = -1
"""What a number that the instrument's scale cannot hold is sent as: the rules refuse it, since it is on no tick or lot."""
_TIFS = {tif.name.lower(): tif for tif in TimeInForce}
_SOURCES = {"mid": BarSource.MID, "bid": BarSource.BID, "ask": BarSource.ASK, "prints": BarSource.PRINT}
_UNITS_NS = {"ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000, "d": 86_400_000_000_000}
_KINDS, _REASONS = {int(kind): kind for kind in EventKind}, {int(reason): reason for reason in Reason}
_SIDES = {0: None, **{int(side): side for side in Side}}
_DURATION_MAX_NS = 10_000 * _UNITS_NS["d"]
_EXACT = Arithmetic(prec=200, traps=[InvalidOperation, Inexact])
_LIVE_ENDS = (EventKind.REJECTED, EventKind.CANCELLED, EventKind.EXPIRED)


def parse_duration_ns(text: str) -> int:
    """Nanoseconds of a time such as "500ms", "1s", "5m", "4h" or "1d". Raises DataError for anything else."""
    digits = text.rstrip("msdh")
    unit = _UNITS_NS.get(text[len(digits) :])
    if unit is None or not digits.isdecimal() or not 0 < int(digits) * unit <= _DURATION_MAX_NS:
        raise DataError(f'expected a time such as "500ms", "1s", "5m", "4h" or "1d", at most "10000d", was {text!r}')
    return int(digits) * unit


def units_of(number: Number, scale: int) -> int:
    """The mantissa of a user's number, NO_PRICE when the scale cannot hold it. Raises DataError when it is no number."""
    try:
        if isinstance(number, float):
            value = Decimal(float.__repr__(number))
        else:
            value = Decimal(whole_number(number) if hasattr(number, "__index__") else number)
    except (InvalidOperation, TypeError, ValueError) as error:
        raise DataError(f"expected a decimal number for a price or size, was {number!r}") from error
    if not value.is_finite():
        raise DataError(f"expected a finite price or size, was {number!r}")
    try:
        scaled = _EXACT.scaleb(value, scale)
    except Inexact:
        return NO_PRICE
    whole = scaled.to_integral_value()
    return int(whole) if abs(whole) <= VALUE_MAX and whole == scaled else NO_PRICE


def _word(number: int) -> int:
    """A whole number as the engine can take it; one that is too large is none that could be right."""
    whole = whole_number(number)
    return whole if abs(whole) <= VALUE_MAX else NO_PRICE


class Seat:
    """The context of one strategy; implements `strategy.Context`."""

    def __init__(self, run: "Run", index: int, name: str, strategy: Strategy, cash: int) -> None:
        self.index = index
        self.strategy = strategy
        self.stopped = False
        self._run = run
        self._name = name
        self.began_with = cash
        self.cash_units = cash
        self.holdings: dict[int, tuple[int, int]] = {}
        self.live: dict[int, EventView] = {}
        self.commands = (0, 0)
        """Engine time of the latest command, and how many were sent at it."""

    @property
    def _here(self) -> "Run":
        """The run, with the engine at what the strategy has been told last."""
        if self._run.told > self._run.position:
            self._run.catch_up()
        return self._run

    @property
    def now_ns(self) -> int:
        return self._here.engine.now_ns

    @property
    def account(self) -> str:
        return self._name

    @property
    def symbols(self) -> Sequence[str]:
        return [one.symbol for one in self._here.engine.market.instruments.values()]

    @property
    def cash(self) -> Decimal:
        return decimal_of(self.cash_units, MONEY_SCALE)

    @property
    def equity(self) -> Decimal:
        total = self.cash_units
        rows = self._here.engine.states[0]["instruments"]
        for index, (size, cost) in self.holdings.items():
            row = rows[index]
            worth = size * int(row["mid2"]) * int(row["value_times"])
            value = divide(worth, 2 * int(row["value_over"]), Rounding.HALF_EVEN) if row["mid2"] else cost
            total += value if row["is_spot"] else value - cost
        return decimal_of(total, MONEY_SCALE)

    def instrument(self, symbol: str) -> Instrument:
        return self._here.engine.market.instruments[self._index(symbol)]

    def subscribe_bars(self, symbol: str, timeframe: str, source: str = "mid") -> None:
        if source not in _SOURCES:
            raise DataError(f"expected bars from one of {', '.join(_SOURCES)}, was {source!r}")
        self._here.wakes.follow_bars(self, self._index(symbol), parse_duration_ns(timeframe), _SOURCES[source])

    def subscribe_quotes(self, symbol: str, every: int = 1) -> None:
        self._subscribe(Feed.QUOTE, symbol, every)

    def subscribe_prints(self, symbol: str, every: int = 1) -> None:
        self._subscribe(Feed.PRINT, symbol, every)

    def subscribe_book(self, symbol: str, every: int = 1) -> None:
        self._subscribe(Feed.BOOK, symbol, every)

    def _subscribe(self, feed: Feed, symbol: str, every: int) -> None:
        if whole_number(every) < 1:
            raise DataError(f"expected to be woken by one in 1 or more, was {every}")
        self._here.wakes.follow_feed(self, feed, self._index(symbol), every)

    def set_timer(self, name: str, after: str) -> None:
        if not isinstance(name, str):
            raise DataError(f"expected the name of a timer as text, was {name!r}")
        self._here.set_timer(self, self.now_ns + parse_duration_ns(after), name)

    def quote(self, symbol: str) -> Quote | None:
        index = self._index(symbol)
        row = self._here.engine.states[0]["instruments"][index]
        if not row["bid"] and not row["ask"]:
            return None
        top = (int(row[name]) for name in ("bid", "bid_size", "ask", "ask_size"))
        return Quote(self._here.engine.market.instruments[index], 0, *top)

    def levels(self, symbol: str, count: int) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        one = self.instrument(symbol)
        sides = self._here.engine.market.levels(self._index(symbol), count)
        bids, asks = (
            [(decimal_of(price, one.price_scale), decimal_of(size, one.size_scale)) for price, size in side]
            for side in sides
        )
        return bids, asks

    def position(self, symbol: str) -> Decimal:
        return decimal_of(self.position_units(symbol), self.instrument(symbol).size_scale)

    def position_units(self, symbol: str) -> int:
        return self.holdings.get(self._index(symbol), (0, 0))[0]

    def orders(self, symbol: str | None = None) -> list[KnownOrder]:
        index = None if symbol is None else self._index(symbol)
        return [self._known(event) for event in self.live.values() if index in (None, event.instrument)]

    def _known(self, event: EventView) -> KnownOrder:
        one = self._here.engine.market.instruments[event.instrument]
        price = decimal_of(event.price, one.price_scale)
        size, rest = decimal_of(event.size, one.size_scale), decimal_of(event.rest, one.size_scale)
        return KnownOrder(event.order, one.symbol, Side(event.side), price, size, rest, bool(event.kind))

    def buy(
        self, symbol: str, size: Number, price: Number | None = None, *, stop: Number | None = None, tif: str = "gtc"
    ) -> int:
        return self._send(Side.BUY, symbol, size, price, stop, tif)

    def sell(
        self, symbol: str, size: Number, price: Number | None = None, *, stop: Number | None = None, tif: str = "gtc"
    ) -> int:
        return self._send(Side.SELL, symbol, size, price, stop, tif)

    def _send(self, side: Side, symbol: str, size: Number, price: Number | None, stop: Number | None, tif: str) -> int:
        if price is not None and stop is not None:
            raise DataError("expected a price or a stop, was both; an order of both comes with a later version")
        index = self._index(symbol)
        one = self._here.engine.market.instruments[index]
        kind = OrderType.MARKET
        limit = 0
        if price is not None or stop is not None:
            kind = OrderType.LIMIT if stop is None else OrderType.STOP
            limit = units_of(price if stop is None else stop, one.price_scale)  # type: ignore[arg-type]
        return self._submit(index, side, kind, tif, limit, units_of(size, one.size_scale))

    def submit_units(self, symbol: str, side: Side, size_units: int, price_units: int = 0, tif: str = "gtc") -> int:
        if side not in (Side.BUY, Side.SELL):
            raise DataError(f"expected a side of {Side.BUY!r} or {Side.SELL!r}, was {side!r}")
        kind = OrderType.LIMIT if price_units else OrderType.MARKET
        return self._submit(self._index(symbol), side, kind, tif, price_units, size_units)

    def _submit(self, index: int, side: int, kind: int, tif: str, price: int, size: int) -> int:
        if tif not in _TIFS:
            raise DataError(f"expected a time in force of {', '.join(_TIFS)}, was {tif!r}")
        price, size = _word(price), _word(size)
        order = self._here.command(self, facts.SUBMIT, (index, int(side), int(kind), int(_TIFS[tif]), price, size))
        unknown = (0,) * 5
        self.live[order] = EventView(0, self.now_ns, 0, order, self.index, index, side, price, size, size, *unknown)
        return order

    def cancel(self, order: int) -> None:
        self._here.command(self, facts.CANCEL, (_word(order),))

    def amend(self, order: int, *, price: Number | None = None, size: Number | None = None) -> None:
        known = self.live.get(order)
        if known is None:
            raise DataError(f"expected the number of a live order of {self._name}, was {order}")
        one = self._here.engine.market.instruments[known.instrument]
        new_price = known.price if price is None else units_of(price, one.price_scale)
        new_size = known.size if size is None else units_of(size, one.size_scale)
        self._here.command(self, facts.AMEND, (order, new_price, new_size))

    def note(self, text: str) -> None:
        self._here.note(self, text)

    def _index(self, symbol: str) -> int:
        index = self._here.symbols.get(symbol)
        if index is None:
            raise DataError(f"expected one of the symbols {', '.join(self.symbols) or '(none yet)'}, was {symbol!r}")
        return index

    def learn(self, event: EventView) -> OrderUpdate:
        """Take what an event changes into what this account knows, and put it as its strategy is told."""
        instrument = self._here.engine.market.instruments.get(event.instrument)
        known = self.live.get(event.order)
        if event.kind == EventKind.FILL and instrument is not None:
            self._learn_fill(event, instrument)
        if event.kind in _LIVE_ENDS or (event.kind == EventKind.FILL and not event.rest):
            self.live.pop(event.order, None)
        elif known is not None and event.kind != EventKind.REFUSED:
            size = known.size if event.kind == EventKind.FILL else event.size
            price = known.price if event.kind == EventKind.FILL else event.price
            same = (price, size) == (event.price, event.size)
            self.live[event.order] = event if same else event._replace(price=price, size=size)
        return OrderUpdate(
            instrument,
            event.ts_ns,
            _KINDS[event.kind],
            event.order,
            _SIDES[event.side],
            event.price,
            event.size,
            event.rest,
            event.liquidity == Liquidity.MAKER,
            event.notional,
            event.fee,
            event.realised,
            _REASONS[event.reason],
        )

    def _learn_fill(self, event: EventView, instrument: Instrument) -> None:
        size, cost = self.holdings.get(event.instrument, (0, 0))
        # The cost moves by value and profit alike whether a trade opens, closes or turns a position.
        bought = event.side * event.notional
        self.holdings[event.instrument] = (size + event.side * event.size, cost + bought + event.realised)
        is_spot = instrument.kind is InstrumentKind.CRYPTO_SPOT
        self.cash_units += (-bought if is_spot else event.realised) - event.fee

    def export(self) -> dict[str, Any]:
        """What this account knows, as plain values. Raises DataError when its strategy remembers others."""
        remembered = self.strategy.save()
        if not _is_plain(remembered):
            raise DataError(
                f"expected the strategy of {self._name} to remember plain values (numbers, text, lists, dicts), "
                f"was {str(remembered)[:200]}; leave others out with its `save` and `load`"
            )
        return {
            "stopped": self.stopped,
            "cash": self.cash_units,
            "holdings": [[index, *held] for index, held in self.holdings.items()],
            "live": [list(event) for event in self.live.values()],
            "commands": list(self.commands),
            "strategy": remembered,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Take back what `export` gave."""
        self.stopped = saved["stopped"]
        self.cash_units = saved["cash"]
        self.holdings = {index: (size, cost) for index, size, cost in saved["holdings"]}
        self.live = {event[3]: EventView._make(event) for event in saved["live"]}
        self.commands = tuple(saved["commands"])
        self.strategy.load(saved["strategy"])


def _is_plain(remembered: Any) -> bool:
    """Whether it comes back from a checkpoint as what it is: a tuple would be a list then, a `Decimal` text."""
    try:
        back: Any = msgspec.msgpack.decode(msgspec.msgpack.encode(remembered))
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        return False
    return bool(back == remembered)
