"""A client that trades in the box over REST."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import aiohttp

from papertape.venue.orders.request import signed
from papertape.venue.server import RunningVenue


class Trader:
    """A client with the box's own key; `prefix` stands in front of the REST routes."""

    def __init__(self, box: RunningVenue, session: aiohttp.ClientSession, prefix: str = "/api/v3") -> None:
        self.box = box
        self.session = session
        self._prefix = prefix

    async def ms(self) -> int:
        async with self.session.get(f"{self.box.rest_url}{self._prefix}/time") as response:
            return int((await response.json())["serverTime"])

    async def send(
        self, method: str, route: str, *, key: str = "box", secret: str = "box", late_ms: int = 0, **params: Any
    ) -> tuple[int, Any]:
        # Market time runs faster than real time here: the usual five seconds would be a quarter of one.
        query = urlencode({"recvWindow": "60000"} | params | {"timestamp": await self.ms() - late_ms})
        prefix = self._prefix.rpartition("/")[0] if route.startswith("v3/") else self._prefix
        url = f"{self.box.rest_url}{prefix}/{route}?{query}&signature={signed(query, secret)}"
        async with self.session.request(method, url, headers={"X-MBX-APIKEY": key} if key else {}) as response:
            return response.status, await response.json()

    async def order(self, side: str, kind: str, quantity: str, **more: str) -> tuple[int, Any]:
        params = {"symbol": "BTCUSDT", "side": side, "type": kind, "quantity": quantity} | more
        return await self.send("POST", "order", **params)

    async def best(self) -> tuple[Decimal, Decimal]:
        url = f"{self.box.rest_url}{self._prefix}/depth"
        async with self.session.get(url, params={"symbol": "BTCUSDT", "limit": "5"}) as response:
            book = await response.json()
        return Decimal(book["bids"][0][0]), Decimal(book["asks"][0][0])
