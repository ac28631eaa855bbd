"""Takes orders of clients into the synthetic books, and reports what becomes of them."""

from collections.abc import Callable, Iterable
from typing import Any

from papertape.venue.exchange_info import split_symbol
from papertape.venue.matching import BUY, OrderBook
from papertape.venue.orders.account import Account, Key
from papertape.venue.orders.order import OPEN, ClientOrder, amount_text
from papertape.venue.orders.request import NewOrder, check_notional, filter_failure
from papertape.venue.parameters import RestError
from papertape.venue.rules import VenueRules
from papertape.venue.synthetic.listings import Listing
from papertape.venue.synthetic.market import Event, SyntheticMarket, Taken

FEE_ONE_IN = 1_000
"""0.1 % for maker and taker, of what is received."""
ORDERS_MAX = 100_000
Publish = Callable[[list[Event]], None]
Report = Callable[[Account, dict[str, Any]], None]


class OrderDesk:
    """All accounts and their orders. Fees go to the venue: they are the only money that leaves the accounts and the crowd."""

    def __init__(
        self, market: SyntheticMarket, rules: VenueRules, keys: tuple[Key, ...], publish: Publish, report: Report
    ) -> None:
        """`publish` tells the market's frames of a fill at once, `report` an event to the streams of an account."""
        self.accounts = {key.api_key: Account(key, number) for number, key in enumerate(keys, 1)}
        self.listings = {listing.symbol: listing for listing in market.listings}
        self.fees: dict[str, int] = {}
        """What the venue earned, by asset."""
        self._market = market
        self._open_max = rules.open_orders_max
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
        self._check_counts(account, asked)
        order = self._made(account, asked, ms)
        reach = _reached(book, asked)
        if asked.kind == "LIMIT_MAKER" and reach:
            raise RestError(-2010, "Order would immediately match and take.")
        if asked.kind == "MARKET":
            # A market order without anybody to meet is taken, and expires.
            check_notional((book.side(-asked.side).best or 10**18) * asked.lots, order.listing)
        self._lock(order, reach)
        self._last_order_id += 1
        self._orders[order.order_id] = order
        self._tell(order, "NEW", ms)
        self._expire_own(account, asked.symbol, reach, ms)
        met = _reached(book, asked)
        if asked.time_in_force == "FOK" and sum(lots for _, lots, _ in met) < asked.lots:
            self._finish(order, "EXPIRED", "EXPIRED", ms)
        else:
            self._match(order, book, ms)
        self._balances(account, ms)
        return order

    def cancel(self, order: ClientOrder, ms: int) -> None:
        """Take an open order away. Raises RestError -2011 for one that is not open."""
        if order.status not in OPEN:
            raise RestError(-2011, "Unknown order sent.")
        self._market.books[order.asked.symbol].cancel(order.book_id)
        self._finish(order, "CANCELED", "CANCELED", ms)
        self._balances(order.account, ms)
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

    def _check_counts(self, account: Account, asked: NewOrder) -> None:
        mine = self.open_orders(account, asked.symbol)
        if len(mine) >= self._open_max:
            raise filter_failure("MAX_NUM_ORDERS")
        if any(order.asked.client_id == asked.client_id for order in mine):
            raise RestError(-2010, "Duplicate order sent.")
        if len(self._orders) >= ORDERS_MAX:
            oldest = next(order for order in self._orders.values() if order.status not in OPEN)
            del self._orders[oldest.order_id]

    def _made(self, account: Account, asked: NewOrder, ms: int) -> ClientOrder:
        base, quote = split_symbol(asked.symbol)
        listing = self.listings[asked.symbol]
        return ClientOrder(self._last_order_id + 1, account, asked, listing, base, quote, ms, updated_ms=ms)

    def _lock(self, order: ClientOrder, reach: list[tuple[int, int, int]]) -> None:
        asked = order.asked
        base, quote = order.amounts(asked.price, asked.lots)
        if asked.side != BUY:
            needed = base
        elif asked.kind == "MARKET":
            needed = sum(order.amounts(price, lots)[1] for price, lots, _ in reach)
        else:
            needed = quote
        if not order.account.lock(order.paying, needed):
            raise RestError(-2010, "Account has insufficient balance for requested action.")
        order.locked = needed

    def _expire_own(self, account: Account, symbol: str, reach: list[tuple[int, int, int]], ms: int) -> None:
        """Orders of the same account that would be met go first: the venue prevents self-trades (EXPIRE_MAKER)."""
        for _, _, book_id in reach:
            order = self._resting.get((symbol, book_id))
            if order and order.account is account:
                self._market.books[symbol].cancel(book_id)
                self._finish(order, "EXPIRED_IN_MATCH", "TRADE_PREVENTION", ms)

    def _match(self, order: ClientOrder, book: OrderBook, ms: int) -> None:
        asked = order.asked
        if asked.kind == "MARKET" or asked.time_in_force != "GTC":
            met = _reached(book, asked)
            fills = book.take(order.account.number, asked.side, asked.lots, met[-1][0]) if met else []
            rests = 0
        else:
            rests, fills = book.place(order.account.number, asked.side, asked.price, asked.lots)
        events, trade_ids = self._market.told_after_order(asked.symbol, ms, asked.side, fills)
        for fill, trade_id in zip(fills, trade_ids, strict=True):
            self._filled(order, fill.price, fill.lots, trade_id, ms, maker=False)
            self._maker_filled(Taken(asked.symbol, fill, trade_id, ms))
        if rests:
            order.book_id = rests
            self._resting[asked.symbol, rests] = order
        elif order.status != "FILLED":
            self._finish(order, "EXPIRED", "EXPIRED", ms)
        self._publish(events)

    def _taken(self, taken: Taken) -> None:
        """The crowd met a resting order of a client."""
        order = self._maker_filled(taken)
        if order:
            self._balances(order.account, taken.ms)

    def _maker_filled(self, taken: Taken) -> ClientOrder | None:
        order = self._resting.get((taken.symbol, taken.fill.maker_id)) if taken.fill.maker_owner else None
        if order:
            self._filled(order, taken.fill.price, taken.fill.lots, taken.trade_id, taken.ms, maker=True)
        return order

    def _filled(self, order: ClientOrder, price: int, lots: int, trade_id: int, ms: int, *, maker: bool) -> None:
        base, quote = order.amounts(price, lots)
        paid, received = (quote, base) if order.asked.side == BUY else (base, quote)
        fee = received // FEE_ONE_IN
        order.account.trade((order.paying, paid), (order.receiving, received - fee))
        self.fees[order.receiving] = self.fees.get(order.receiving, 0) + fee
        order.locked -= paid
        order.filled += lots
        order.quote += quote
        order.updated_ms = ms
        done = order.filled == order.asked.lots
        order.status = "FILLED" if done else "PARTIALLY_FILLED"
        if done:
            self._release(order)
        fee_text = amount_text(fee)
        fill: dict[str, Any] = {"l": order.size_text(lots), "L": order.price_text(price), "n": fee_text}
        fill |= {"N": order.receiving, "t": trade_id, "m": maker, "Y": amount_text(quote)}
        if not maker:
            row: dict[str, str | int] = {
                "price": order.price_text(price),
                "qty": order.size_text(lots),
                "commission": fee_text,
            }
            order.fills.append(row | {"commissionAsset": order.receiving, "tradeId": trade_id})
        self._report(order.account, order.report("TRADE", ms, fill))

    def _finish(self, order: ClientOrder, status: str, execution: str, ms: int) -> None:
        order.status, order.updated_ms = status, ms
        self._release(order)
        self._tell(order, execution, ms)

    def _release(self, order: ClientOrder) -> None:
        self._resting.pop((order.asked.symbol, order.book_id), None)
        order.account.unlock(order.paying, order.locked)
        order.locked = 0

    def _tell(self, order: ClientOrder, execution: str, ms: int) -> None:
        self._report(order.account, order.report(execution, ms))

    def _balances(self, account: Account, ms: int) -> None:
        account.updated_ms = ms
        rows = [
            {"a": asset, "f": amount_text(balance.free), "l": amount_text(balance.locked)}
            for asset, balance in account.balances.items()
        ]
        self._report(account, {"e": "outboundAccountPosition", "E": ms, "u": ms, "B": rows})


def default_key(listings: Iterable[Listing]) -> Key:
    """The key of a box that was given none: a million of the quote, and of each base what 100,000 of it buy."""
    balances = {}
    for listing in listings:
        base, quote = split_symbol(listing.symbol)
        balances[quote] = 1_000_000
        balances[base] = max(1, 100_000 * 10**listing.price_scale // listing.price)
    return Key(balances=balances)


def _reached(book: OrderBook, asked: NewOrder) -> list[tuple[int, int, int]]:
    """What an order would meet now: (price, lots, id in the book), best first; a market order meets any price."""
    resting = book.side(-asked.side)
    left = asked.lots
    met: list[tuple[int, int, int]] = []
    for price, _ in resting.all_levels():
        if asked.kind != "MARKET" and (price - asked.price) * asked.side > 0:
            break
        for order in resting.orders_at(price):
            if not left:
                return met
            lots = min(left, order.lots)
            left -= lots
            met.append((price, lots, order.order_id))
    return met
