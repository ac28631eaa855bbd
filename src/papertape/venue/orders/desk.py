"""Takes orders of clients into the synthetic books, and reports what becomes of them."""

from collections.abc import Callable, Iterable
from typing import Any

from papertape.venue.exchange_info import split_symbol
from papertape.venue.matching import OrderBook
from papertape.venue.orders.account import Account, Key
from papertape.venue.orders.clearing import Clearing, Meets, meets_of
from papertape.venue.orders.order import OPEN, ClientOrder
from papertape.venue.orders.request import NewOrder
from papertape.venue.parameters import RestError
from papertape.venue.rules import VenueName
from papertape.venue.synthetic.listings import Listing
from papertape.venue.synthetic.market import Event, SyntheticMarket, Taken

ORDERS_MAX = 100_000
Publish = Callable[[list[Event]], None]
Report = Callable[[Account, dict[str, Any]], None]


class OrderDesk:
    """All accounts and their orders. Fees go to the venue: they are the only money that leaves the accounts and the crowd."""

    def __init__(
        self, market: SyntheticMarket, clearing: Clearing, keys: tuple[Key, ...], publish: Publish, report: Report
    ) -> None:
        """`publish` tells the market's frames of a fill at once, `report` an event to the streams of an account."""
        self.accounts = {key.api_key: Account(key, number) for number, key in enumerate(keys, 1)}
        self.listings = {listing.symbol: listing for listing in market.listings}
        self.clearing = clearing
        self._market = market
        self._publish = publish
        self._report = report
        self._orders: dict[int, ClientOrder] = {}
        self._resting: dict[tuple[str, int], ClientOrder] = {}
        self._last_order_id = 0
        market.on_taken = self._taken

    def next_client_id(self) -> str:
        """The client id of an order that was given none."""
        return f"box{self._last_order_id + 1}"

    def place(self, account: Account, asked: NewOrder, ms: int) -> ClientOrder:
        """Take an order. Raises RestError for one that the venue rejects."""
        book = self._market.books[asked.symbol]
        order = self._made(account, asked, ms)
        meets = meets_of(book, asked, account.number)
        self.clearing.admit(order, meets, self.open_orders(account))
        self._forget()
        self._last_order_id += 1
        self._orders[order.order_id] = order
        self._tell(order, "NEW", ms)
        self._expire_own(asked.symbol, meets, ms)
        if asked.time_in_force == "FOK" and meets.lots < asked.lots:
            self._finish(order, "EXPIRED", "EXPIRED", ms)
            self._publish(self._market.told_after_order(asked.symbol, ms, asked.side, [])[0])
        else:
            self._match(order, book, meets, ms)
        self._after(account, asked.symbol, ms, traded=order.filled > 0)
        return order

    def cancel(self, order: ClientOrder, ms: int) -> None:
        """Take an open order away. Raises RestError -2011 for one that is not open."""
        if order.status not in OPEN:
            raise RestError(-2011, "Unknown order sent.")
        self._end(order, "CANCELED", "CANCELED", ms)
        self._after(order.account, order.asked.symbol, ms, traded=False)
        self._publish(self._market.told_after_order(order.asked.symbol, ms, order.asked.side, [])[0])

    def find(self, account: Account, symbol: str, order_id: int | None, client_id: str | None) -> ClientOrder | None:
        """An order of the account by either id, the newest one first."""
        for order in reversed(self._orders.values()):
            named = order.order_id == order_id if order_id is not None else order.asked.client_id == client_id
            if named and order.account is account and order.asked.symbol == symbol:
                return order
        return None

    def open_orders(self, account: Account, symbol: str | None = None) -> list[ClientOrder]:
        """The open orders of an account, the oldest first."""
        return [
            order
            for order in self._resting.values()
            if order.account is account and symbol in (None, order.asked.symbol)
        ]

    def _forget(self) -> None:
        if len(self._orders) >= ORDERS_MAX:
            oldest = next(order for order in self._orders.values() if order.status not in OPEN)
            del self._orders[oldest.order_id]

    def _made(self, account: Account, asked: NewOrder, ms: int) -> ClientOrder:
        base, quote = split_symbol(asked.symbol)
        listing = self.listings[asked.symbol]
        return ClientOrder(self._last_order_id + 1, account, asked, listing, base, quote, ms, updated_ms=ms)

    def _expire_own(self, symbol: str, meets: Meets, ms: int) -> None:
        """Orders of the same account that would be met go first: the venue prevents self-trades (EXPIRE_MAKER)."""
        for book_id in meets.own:
            self._end(self._resting[symbol, book_id], "EXPIRED_IN_MATCH", "TRADE_PREVENTION", ms)

    def _match(self, order: ClientOrder, book: OrderBook, meets: Meets, ms: int) -> None:
        asked = order.asked
        if asked.may_rest:
            rests, fills = book.place(order.account.number, asked.side, asked.price, asked.lots)
        else:
            worst = meets.others[-1][0] if meets.others else 0
            fills = book.take(order.account.number, asked.side, asked.lots, worst) if worst else []
            rests = 0
        events, trade_ids = self._market.told_after_order(asked.symbol, ms, asked.side, fills)
        for fill, trade_id in zip(fills, trade_ids, strict=True):
            self._filled(order, fill.price, fill.lots, trade_id, ms, maker=False)
            self._taken(Taken(asked.symbol, fill, trade_id, ms))
        if rests:
            order.book_id = rests
            self._resting[asked.symbol, rests] = order
        elif order.status != "FILLED":
            self._finish(order, "EXPIRED", "EXPIRED", ms)
        self._publish(events)

    def _taken(self, taken: Taken) -> None:
        """A resting order was met; those of the crowd are no clients'."""
        order = self._resting.get((taken.symbol, taken.fill.maker_id)) if taken.fill.maker_owner else None
        if order:
            self._filled(order, taken.fill.price, taken.fill.lots, taken.trade_id, taken.ms, maker=True)
            self._after(order.account, taken.symbol, taken.ms, traded=True)

    def _filled(self, order: ClientOrder, price: int, lots: int, trade_id: int, ms: int, *, maker: bool) -> None:
        told = self.clearing.fill(order, price, lots, trade_id, maker=maker)
        order.filled += lots
        order.quote += order.amounts(price, lots)[1]
        order.updated_ms = ms
        order.status = "PARTIALLY_FILLED" if order.left else "FILLED"
        if not order.left:
            self._release(order)
        self._report(order.account, self.clearing.report(order, "TRADE", ms, told))

    def _after(self, account: Account, symbol: str, ms: int, *, traded: bool) -> None:
        """What follows from an order that was dealt with: others of the account may end, and the account is told."""
        for order in self.clearing.unfit(account, symbol, self.open_orders(account, symbol)):
            self._end(order, "EXPIRED", "EXPIRED", ms)
        account.updated_ms = ms
        told = self.clearing.account_report(account, symbol if traded else "", ms)
        if told:
            self._report(account, told)

    def _end(self, order: ClientOrder, status: str, execution: str, ms: int) -> None:
        """An order that rests ends."""
        self._market.books[order.asked.symbol].cancel(order.book_id)
        self._finish(order, status, execution, ms)

    def _finish(self, order: ClientOrder, status: str, execution: str, ms: int) -> None:
        order.status, order.updated_ms = status, ms
        self._release(order)
        self._tell(order, execution, ms)

    def _release(self, order: ClientOrder) -> None:
        self._resting.pop((order.asked.symbol, order.book_id), None)
        self.clearing.release(order)

    def _tell(self, order: ClientOrder, execution: str, ms: int) -> None:
        self._report(order.account, self.clearing.report(order, execution, ms))


def default_key(listings: Iterable[Listing], venue: VenueName) -> Key:
    """The key of a box that was given none: a million of the quote, and on spot of each base what 100,000 of it buy."""
    balances = {}
    for listing in listings:
        base, quote = split_symbol(listing.symbol)
        balances[quote] = 1_000_000
        if venue == "binance-spot":
            balances[base] = max(1, 100_000 * 10**listing.price_scale // listing.price)
    return Key(balances=balances)
