"""The signed REST routes of spot: order, openOrders, account."""

from typing import Any

from papertape.venue.orders import spot_words
from papertape.venue.orders.account import Account
from papertape.venue.orders.desk import OrderDesk
from papertape.venue.orders.request import listing_of, new_order
from papertape.venue.orders.routes import Handler, Route, asked_order, asked_symbol
from papertape.venue.parameters import RestError

SPOT_ROUTES = {
    "POST order": Route(0),
    "DELETE order": Route(1),
    "GET order": Route(4),
    "GET openOrders": Route(6, 80),
    "DELETE openOrders": Route(1),
    "GET account": Route(20),
}


class SpotHandlers:
    """What each route does."""

    def __init__(self, desk: OrderDesk) -> None:
        self._desk = desk
        self.handlers: dict[str, Handler] = {
            "POST order": self._place,
            "DELETE order": self._cancel,
            "GET order": self._order,
            "GET openOrders": self._open,
            "DELETE openOrders": self._cancel_all,
            "GET account": self._account,
        }

    def _place(self, account: Account, parameters: dict[str, str], ms: int) -> dict[str, Any]:
        asked = new_order(parameters, self._desk.listings, self._desk.next_client_id())
        return spot_words.answer(self._desk.place(account, asked, ms))

    def _cancel(self, account: Account, parameters: dict[str, str], ms: int) -> dict[str, Any]:
        order = asked_order(self._desk, account, parameters, unknown=-2011)
        self._desk.cancel(order, ms)
        return spot_words.cancelled(order, parameters.get("newClientOrderId", order.asked.client_id))

    def _order(self, account: Account, parameters: dict[str, str], ms: int) -> dict[str, Any]:
        return spot_words.told(asked_order(self._desk, account, parameters))

    def _open(self, account: Account, parameters: dict[str, str], ms: int) -> list[dict[str, Any]]:
        opened = self._desk.open_orders(account, asked_symbol(self._desk, parameters))
        return [spot_words.told(order) for order in opened]

    def _cancel_all(self, account: Account, parameters: dict[str, str], ms: int) -> list[dict[str, Any]]:
        orders = self._desk.open_orders(account, listing_of(parameters, self._desk.listings).symbol)
        if not orders:
            raise RestError(-2011, "Unknown order sent.")
        for order in orders:
            self._desk.cancel(order, ms)
        return [spot_words.cancelled(order, order.asked.client_id) for order in orders]

    def _account(self, account: Account, parameters: dict[str, str], ms: int) -> dict[str, Any]:
        return spot_words.account_row(account)
