"""Requests with a key: who asks, whether the signature holds, how many orders came, and to which handler they go."""

from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from papertape.venue.orders.account import Account
from papertape.venue.orders.desk import OrderDesk
from papertape.venue.orders.order import ClientOrder
from papertape.venue.orders.request import integer, listing_of, missing, verified
from papertape.venue.parameters import RestError
from papertape.venue.rules import VenueRules

REEL_REFUSES = "This box plays a reel: its market has happened and takes no orders; run one with --seed."
PLACES = "POST order"
Handler = Callable[[Account, dict[str, str], int], Any]
"""Account, parameters and the market's time in ms to the answer."""


class Route(NamedTuple):
    """A request that needs a key."""

    weight: int
    weight_of_all: int = 0
    """What it weighs without a symbol, where that is more."""
    signed: bool = True


class OrderRoutes:
    """Answers the requests that need a key; without a desk each is refused."""

    def __init__(
        self,
        desk: OrderDesk | None,
        handlers: dict[str, Handler],
        routes: dict[str, Route],
        rules: VenueRules,
        clocks: tuple[Callable[[], int], Callable[[], int]],
    ) -> None:
        """`clocks` are what requests are timed by and the market's own time in ms; a fault may part them."""
        self.routes = routes
        self._desk = desk
        self._handlers = handlers
        self._orders_max = rules.orders_per_10_s_max
        self._venue_ms, self._market_ms = clocks
        self._counted: dict[int, tuple[int, int]] = {}

    def weight(self, route: str, query: dict[str, str]) -> int:
        """What a request weighs."""
        found = self.routes[route]
        return found.weight if "symbol" in query else found.weight_of_all or found.weight

    async def answer(self, request: web.Request, route: str, headers: dict[str, str]) -> bytes:
        """The body of the answer. Raises RestError."""
        desk = self._desk
        if desk is None:
            raise RestError(-2010, REEL_REFUSES)
        key = request.headers.get("X-MBX-APIKEY", "")
        if not key:
            raise RestError(-2014, "API-key format invalid.", 401)
        account = desk.accounts.get(key)
        if account is None:
            raise RestError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        query, body = request.rel_url.raw_query_string, (await request.read()).decode(errors="replace")
        if self.routes[route].signed:
            parameters = verified(query, body, account.key.secret, self._venue_ms())
        else:
            parameters = dict(parse_qsl(query) + parse_qsl(body))
        ms = self._market_ms()
        if route == PLACES:
            headers["X-MBX-ORDER-COUNT-10S"] = str(self._count(account, ms))
        return msgspec.json.encode(self._handlers[route](account, parameters, ms))

    def _count(self, account: Account, ms: int) -> int:
        window, count = self._counted.get(account.number, (0, 0))
        count = count + 1 if window == ms // 10_000 else 1
        if count > self._orders_max:
            limit = f"current limit is {self._orders_max} orders per 10 SECOND."
            raise RestError(-1015, f"Too many new orders; {limit}", 429, 10 - ms // 1000 % 10)
        self._counted[account.number] = ms // 10_000, count
        return count


def asked_order(desk: OrderDesk, account: Account, parameters: dict[str, str], unknown: int = -2013) -> ClientOrder:
    """The order that a request names. Raises RestError, with the code `unknown` for one that does not exist."""
    symbol = listing_of(parameters, desk.listings).symbol
    order_id, client_id = integer(parameters, "orderId"), parameters.get("origClientOrderId")
    if order_id is None and client_id is None:
        raise missing("orderId")
    order = desk.find(account, symbol, order_id, client_id)
    if order is None:
        raise RestError(unknown, "Order does not exist." if unknown == -2013 else "Unknown order sent.")
    return order


def asked_symbol(desk: OrderDesk, parameters: dict[str, str]) -> str | None:
    """The symbol of a request that may name one. Raises RestError -1121."""
    return listing_of(parameters, desk.listings).symbol if "symbol" in parameters else None
