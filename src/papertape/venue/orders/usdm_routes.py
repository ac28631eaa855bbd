"""The REST routes of USD-M that need a key: orders, account, positions, listen keys."""

from typing import Any

from papertape.venue.orders import usdm_words
from papertape.venue.orders.account import Account
from papertape.venue.orders.desk import OrderDesk
from papertape.venue.orders.listen_keys import ListenKeys
from papertape.venue.orders.order import OPEN
from papertape.venue.orders.request import listing_of
from papertape.venue.orders.routes import Handler, Route, asked_order, asked_symbol
from papertape.venue.orders.usdm_account import account_row, balance_rows, position_rows
from papertape.venue.orders.usdm_clearing import UsdmClearing
from papertape.venue.orders.usdm_request import new_order
from papertape.venue.parameters import RestError

USDM_ROUTES = {
    "POST order": Route(0),
    "DELETE order": Route(1),
    "GET order": Route(1),
    "GET openOrder": Route(1),
    "GET openOrders": Route(1, 40),
    "DELETE allOpenOrders": Route(1),
    "GET v3/account": Route(5),
    "GET v3/balance": Route(5),
    "GET v3/positionRisk": Route(5),
    "POST listenKey": Route(1, signed=False),
    "PUT listenKey": Route(1, signed=False),
    "DELETE listenKey": Route(1, signed=False),
}


class UsdmHandlers:
    """What each route does."""

    def __init__(self, desk: OrderDesk, clearing: UsdmClearing, keys: ListenKeys) -> None:
        self._desk = desk
        self._clearing = clearing
        self._keys = keys
        self.handlers: dict[str, Handler] = {
            "POST order": self._place,
            "DELETE order": self._cancel,
            "GET order": self._order,
            "GET openOrder": self._open_one,
            "GET openOrders": self._open,
            "DELETE allOpenOrders": self._cancel_all,
            "GET v3/account": lambda account, parameters, ms: account_row(clearing, account, desk.open_orders(account)),
            "GET v3/balance": lambda account, parameters, ms: balance_rows(
                clearing, account, desk.open_orders(account)
            ),
            "GET v3/positionRisk": self._positions,
            "POST listenKey": lambda account, parameters, ms: {"listenKey": keys.open(account)},
            "PUT listenKey": lambda account, parameters, ms: {"listenKey": keys.keep(account)},
            "DELETE listenKey": self._close_key,
        }

    def _place(self, account: Account, parameters: dict[str, str], ms: int) -> dict[str, Any]:
        asked = new_order(parameters, self._desk.listings, self._desk.next_client_id())
        order = self._desk.place(account, asked, ms)
        full = parameters.get("newOrderRespType") == "RESULT"
        return usdm_words.changed(order) if full else usdm_words.acknowledged(order)

    def _cancel(self, account: Account, parameters: dict[str, str], ms: int) -> dict[str, Any]:
        order = asked_order(self._desk, account, parameters, unknown=-2011)
        self._desk.cancel(order, ms)
        return usdm_words.changed(order)

    def _order(self, account: Account, parameters: dict[str, str], ms: int) -> dict[str, Any]:
        return usdm_words.told(asked_order(self._desk, account, parameters))

    def _open_one(self, account: Account, parameters: dict[str, str], ms: int) -> dict[str, Any]:
        order = asked_order(self._desk, account, parameters)
        if order.status not in OPEN:
            raise RestError(-2013, "Order does not exist.")
        return usdm_words.told(order)

    def _open(self, account: Account, parameters: dict[str, str], ms: int) -> list[dict[str, Any]]:
        opened = self._desk.open_orders(account, asked_symbol(self._desk, parameters))
        return [usdm_words.told(order) for order in opened]

    def _cancel_all(self, account: Account, parameters: dict[str, str], ms: int) -> dict[str, Any]:
        for order in self._desk.open_orders(account, listing_of(parameters, self._desk.listings).symbol):
            self._desk.cancel(order, ms)
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def _positions(self, account: Account, parameters: dict[str, str], ms: int) -> list[dict[str, Any]]:
        opened = self._desk.open_orders(account)
        return position_rows(self._clearing, account, opened, asked_symbol(self._desk, parameters))

    def _close_key(self, account: Account, parameters: dict[str, str], ms: int) -> dict[str, Any]:
        self._keys.close(account)
        return {}
