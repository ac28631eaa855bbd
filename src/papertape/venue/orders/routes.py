"""The signed REST routes of spot: order, openOrders, account."""

from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from papertape.venue.orders.account import Account
from papertape.venue.orders.desk import OrderDesk
from papertape.venue.orders.order import ClientOrder, amount_text
from papertape.venue.orders.request import integer, listing_of, missing, new_order, verified
from papertape.venue.parameters import RestError
from papertape.venue.rules import VenueRules

WEIGHTS = {
    "POST order": 0,
    "DELETE order": 1,
    "GET order": 4,
    "GET openOrders": 6,
    "DELETE openOrders": 1,
    "GET account": 20,
}
REEL_REFUSES = "This box plays a reel: its market has happened and takes no orders; run one with --seed."
USDM_REFUSES = "This box takes orders for binance-spot only; run one with --venue binance-spot."


class OrderRoutes:
    """Answers signed requests; without a desk each is refused with `reason`."""

    def __init__(
        self,
        desk: OrderDesk | None,
        rules: VenueRules,
        reason: str,
        venue_ms: Callable[[], int],
        market_ms: Callable[[], int],
    ) -> None:
        """`venue_ms` is what requests are timed by, `market_ms` the market's own time; a fault may part them."""
        self._desk = desk
        self._orders_max = rules.orders_per_10_s_max
        self._reason = reason
        self._venue_ms = venue_ms
        self._market_ms = market_ms
        self._counted: dict[int, tuple[int, int]] = {}

    async def answer(self, request: web.Request, route: str, headers: dict[str, str]) -> bytes:
        """The body of the answer. Raises RestError."""
        desk = self._desk
        if desk is None:
            raise RestError(-2010, self._reason)
        key = request.headers.get("X-MBX-APIKEY", "")
        if not key:
            raise RestError(-2014, "API-key format invalid.", 401)
        account = desk.accounts.get(key)
        if account is None:
            raise RestError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        body = (await request.read()).decode(errors="replace")
        parameters = verified(request.rel_url.raw_query_string, body, account.key.secret, self._venue_ms())
        ms = self._market_ms()
        answers = {
            "POST order": self._place,
            "DELETE order": self._cancel,
            "GET order": self._order,
            "GET openOrders": self._open,
            "DELETE openOrders": self._cancel_all,
            "GET account": self._account,
        }
        if route == "POST order":
            headers["X-MBX-ORDER-COUNT-10S"] = str(self._count(account, ms))
        return msgspec.json.encode(answers[route](desk, account, parameters, ms))

    def _count(self, account: Account, ms: int) -> int:
        window, count = self._counted.get(account.number, (0, 0))
        count = count + 1 if window == ms // 10_000 else 1
        if count > self._orders_max:
            limit = f"current limit is {self._orders_max} orders per 10 SECOND."
            raise RestError(-1015, f"Too many new orders; {limit}", 429, 10 - ms // 1000 % 10)
        self._counted[account.number] = ms // 10_000, count
        return count

    def _place(self, desk: OrderDesk, account: Account, parameters: dict[str, str], ms: int) -> dict[str, Any]:
        asked = new_order(parameters, desk.listings, desk.next_client_id())
        return desk.place(account, asked, ms).answer()

    def _cancel(self, desk: OrderDesk, account: Account, parameters: dict[str, str], ms: int) -> dict[str, Any]:
        order = _found(desk, account, parameters)
        if order is None:
            raise RestError(-2011, "Unknown order sent.")
        desk.cancel(order, ms)
        return order.cancelled(parameters.get("newClientOrderId", order.asked.client_id))

    def _order(self, desk: OrderDesk, account: Account, parameters: dict[str, str], ms: int) -> dict[str, Any]:
        order = _found(desk, account, parameters)
        if order is None:
            raise RestError(-2013, "Order does not exist.")
        return order.told()

    def _open(self, desk: OrderDesk, account: Account, parameters: dict[str, str], ms: int) -> list[dict[str, Any]]:
        symbol = listing_of(parameters, desk.listings).symbol if "symbol" in parameters else None
        return [order.told() for order in desk.open_orders(account, symbol)]

    def _cancel_all(
        self, desk: OrderDesk, account: Account, parameters: dict[str, str], ms: int
    ) -> list[dict[str, Any]]:
        orders = desk.open_orders(account, listing_of(parameters, desk.listings).symbol)
        if not orders:
            raise RestError(-2011, "Unknown order sent.")
        for order in orders:
            desk.cancel(order, ms)
        return [order.cancelled(order.asked.client_id) for order in orders]

    def _account(self, desk: OrderDesk, account: Account, parameters: dict[str, str], ms: int) -> dict[str, Any]:
        rate = "0.00100000"
        rates = {"maker": rate, "taker": rate, "buyer": "0.00000000", "seller": "0.00000000"}
        balances = [
            {"asset": asset, "free": amount_text(one.free), "locked": amount_text(one.locked)}
            for asset, one in account.balances.items()
        ]
        told: dict[str, Any] = {"makerCommission": 10, "takerCommission": 10, "buyerCommission": 0}
        told |= {"sellerCommission": 0, "commissionRates": rates, "canTrade": True, "canWithdraw": False}
        told |= {"canDeposit": False, "updateTime": account.updated_ms, "accountType": "SPOT", "balances": balances}
        return told | {"permissions": ["SPOT"], "uid": account.number}


def _found(desk: OrderDesk, account: Account, parameters: dict[str, str]) -> ClientOrder | None:
    symbol = listing_of(parameters, desk.listings).symbol
    order_id, client_id = integer(parameters, "orderId"), parameters.get("origClientOrderId")
    if order_id is None and client_id is None:
        raise missing("orderId")
    return desk.find(account, symbol, order_id, client_id)
