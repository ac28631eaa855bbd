"""One instrument, told record by record, and one engine that trades it: what tests with numbers of their own use.

Prices and sizes have no decimals; money is shown in whole units of the quote currency, exact.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import msgspec

from papertape.core.instruments import Instrument, InstrumentKind, instrument_event
from papertape.core.records import WHOLE, Flag, GapCause, Kind, RecordBuffer
from papertape.paper_trading.engine.rows import EventKind, OrderType, Reason, Side, TimeInForce
from papertape.paper_trading.engine.state_hash import AccountView, EventView, OrderView, PositionView
from papertape.paper_trading.engine.terms import Terms
from papertape.testing.naive_engine import NaiveEngine

MS = 1_000_000
MONEY = 10**8
SPOT = Instrument(
    venue="test",
    symbol="AAAUSD",
    kind=InstrumentKind.CRYPTO_SPOT,
    base="AAA",
    quote="USD",
    settle="USD",
    price_scale=0,
    size_scale=0,
    tick=1,
    lot=1,
)
PERPETUAL = msgspec.structs.replace(SPOT, symbol="AAAPERP", kind=InstrumentKind.LINEAR_PERPETUAL)
MARKET, LIMIT, STOP = OrderType
GTC, IOC, FOK, POST_ONLY = TimeInForce


class World:
    """The engine with its instrument listed and the account 0 open. Engine time is counted in ms from the epoch."""

    def __init__(
        self,
        instrument: Instrument = SPOT,
        *,
        cash: int = 100_000,
        leverage: int = 1,
        make: Callable[..., Any] = NaiveEngine,
        seed: int = 1,
        **terms: Any,
    ) -> None:
        self.engine = make(lambda one: Terms(**terms), seed)
        self.engine.open_account("one", cash * MONEY, leverage, instrument.quote)
        self.now_ms = 1
        self.engine.take(instrument_event(instrument, 0, self.now_ms * MS))
        self._quote_id = 0

    # The market; `ms` is the time that passes before.

    def _take(self, kind: Kind, flags: int, verdict: int, event_ms: int, *fields: int) -> None:
        buffer = RecordBuffer()
        buffer.pack(event_ms * MS, self.now_ms * MS, kind, int(flags), 0, int(verdict), *fields)
        self.engine.take(buffer.take())

    def quote(self, bid: int, bid_size: int, ask: int, ask_size: int, *, id: int = 0, verdict: int = 0) -> None:
        self._quote_id = id or self._quote_id + 1
        self._take(Kind.QUOTE, WHOLE, verdict, 0, bid, bid_size, ask, ask_size, self._quote_id)

    def trade(self, price: int, size: int, *, sold: bool, event_ms: int = 0, flags: int = 0, cause: int = 0) -> None:
        """A print; `sold` tells that the aggressor sold."""
        self._take(Kind.PRINT, WHOLE | (Flag.ASK if sold else 0) | flags, 0, event_ms, price, size, cause, 0, 1)

    def depth(
        self,
        update_id: int,
        bids: dict[int, int],
        asks: dict[int, int],
        *,
        kind: Kind = Kind.DEPTH_DELTA,
        flags: int = 0,
    ) -> None:
        levels = [(0, *level) for level in bids.items()] + [(Flag.ASK, *level) for level in asks.items()]
        for place, (side, price, size) in enumerate(levels):
            ends = Flag.FIRST * (place == 0) | Flag.LAST * (place == len(levels) - 1)
            self._take(kind, side | ends | flags, 0, 0, price, size, 0, 0, update_id)

    def snapshot(self, update_id: int, bids: dict[int, int], asks: dict[int, int]) -> None:
        self.depth(update_id, bids, asks, kind=Kind.DEPTH_SNAPSHOT)

    def gap(self) -> None:
        self._take(Kind.GAP, WHOLE, 0, 0, GapCause.IDS_MISSING, 0, 0, 0, Kind.DEPTH_DELTA)

    def wait(self, ms: int, *, offset_ms: int | None = None) -> None:
        """Let time pass; with `offset_ms` the venue's clock offset becomes that."""
        self.now_ms += ms
        kind = Kind.CLOCK if offset_ms is None else Kind.CLOCK_OFFSET
        self._take(kind, WHOLE, 0, 0, 0, 0, (offset_ms or 0) * MS, 0, 0)

    # Orders of account 0 unless another is named; each is settled at once.

    def send(self, side: Side, type: OrderType, price: int, size: int, tif: int = GTC, account: int = 0) -> int:  # noqa: A002
        order: int = self.engine.submit(account, 0, int(side), int(type), int(tif), price, size)
        self.engine.settle()
        return order

    def buy(self, price: int, size: int, tif: int = GTC, account: int = 0) -> int:
        """A limit order, or at price 0 a market order."""
        return self.send(Side.BUY, LIMIT if price else MARKET, price, size, tif, account)

    def sell(self, price: int, size: int, tif: int = GTC, account: int = 0) -> int:
        """As `buy`."""
        return self.send(Side.SELL, LIMIT if price else MARKET, price, size, tif, account)

    def cancel(self, order: int, account: int = 0) -> None:
        self.engine.cancel(account, order)
        self.engine.settle()

    def amend(self, order: int, price: int, size: int, account: int = 0) -> None:
        self.engine.amend(account, order, price, size)
        self.engine.settle()

    # What the engine says.

    def events(self) -> list[EventView]:
        found: list[EventView] = self.engine.take_events()
        return found

    def told(self) -> list[str]:
        """The events since the last call in words: kind, reason if any, and for a fill size @ price."""
        return [_words(event) for event in self.events()]

    def order(self, number: int) -> OrderView | None:
        orders: list[OrderView] = self.engine.view().orders
        return next((order for order in orders if order.id == number), None)

    def ahead(self, number: int) -> int:
        order = self.order(number)
        assert order is not None, "the order has ended"
        return order.ahead

    def account(self, number: int = 0) -> AccountView:
        account: AccountView = self.engine.view().accounts[number]
        return account

    def position(self) -> PositionView:
        position: PositionView = self.engine.view().positions[0]
        return position

    def cash(self, number: int = 0) -> Fraction:
        return Fraction(self.account(number).cash, MONEY)


def _words(event: EventView) -> str:
    kind = EventKind(event.kind).name.lower()
    if event.kind == EventKind.FILL:
        return f"fill {event.size} @ {event.price}"
    return f"{kind} {Reason(event.reason).name.lower()}" if event.reason else kind
