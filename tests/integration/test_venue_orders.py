"""Orders over real sockets: placed, filled by the crowd, cancelled, refused, and reported on the user data stream."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec
import pytest

from papertape.venue.orders.request import signed
from papertape.venue.rules import SPOT
from papertape.venue.server import running_market, running_venue
from tests.integration.trader import Trader

DEADLINE_S = 60
QUICK = msgspec.structs.replace(SPOT, opening_quiet_s=0.02)


async def listen(one: Trader, socket: aiohttp.ClientWebSocketResponse, secret: str = "box") -> Any:
    params = {"apiKey": "box", "recvWindow": 60_000, "timestamp": await one.ms()}
    params["signature"] = signed(urlencode(params), secret)
    await socket.send_json({"id": 1, "method": "userDataStream.subscribe.signature", "params": params})
    return await socket.receive_json()


@asynccontextmanager
async def trader(speed: float = 20) -> AsyncIterator[tuple[Trader, aiohttp.ClientWebSocketResponse]]:
    async with (
        asyncio.timeout(DEADLINE_S),
        running_market(7, ("BTCUSDT",), rules=QUICK, speed=speed) as box,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{box.ws_url}/ws-api/v3") as user,
        session.ws_connect(f"{box.ws_url}/ws/btcusdt@trade", autoping=True) as market,
    ):
        await market.receive()
        one = Trader(box, session)
        assert (await listen(one, user))["status"] == 200
        yield one, user


async def events(user: aiohttp.ClientWebSocketResponse, until: str) -> list[Any]:
    """Events up to the first executionReport with this status, and the balances after it."""
    got: list[Any] = []
    while not (got and got[-1]["e"] == "outboundAccountPosition" and any(one.get("X") == until for one in got)):
        got.append((await user.receive_json())["event"])
    return got


async def test_a_market_order_is_filled_at_once_and_the_market_sees_it() -> None:
    async with trader() as (one, user):
        status, answer = await one.order("BUY", "MARKET", "0.5")
        assert (status, answer["status"], Decimal(answer["executedQty"])) == (200, "FILLED", Decimal("0.5"))
        cost = sum(Decimal(fill["price"]) * Decimal(fill["qty"]) for fill in answer["fills"])
        assert cost == Decimal(answer["cummulativeQuoteQty"])
        told = await events(user, "FILLED")
        assert [event["x"] for event in told[:-1]] == ["NEW"] + ["TRADE"] * len(answer["fills"])
        async with aiohttp.ClientSession() as session:
            url = f"{one.box.rest_url}/api/v3/historicalTrades"
            params = {"symbol": "BTCUSDT", "limit": "1000"}
            async with session.get(url, params=params) as response:
                prints = {row["id"]: row for row in await response.json()}
        for fill in answer["fills"]:
            row = prints[fill["tradeId"]]
            assert (row["price"], row["qty"], row["isBuyerMaker"]) == (fill["price"], fill["qty"], False)
        balances = {row["asset"]: row for row in (await one.send("GET", "account"))[1]["balances"]}
        assert Decimal(balances["USDT"]["free"]) == 1_000_000 - cost
        assert Decimal(balances["BTC"]["free"]) == 1 + Decimal("0.5") * Decimal("0.999")


async def test_a_resting_order_is_met_by_the_crowd() -> None:
    async with trader(speed=20) as (one, user):
        bid, _ = await one.best()
        status, answer = await one.order("BUY", "LIMIT_MAKER", "0.001", price=str(bid))
        while status == 400:  # the market has moved
            bid, _ = await one.best()
            status, answer = await one.order("BUY", "LIMIT_MAKER", "0.001", price=str(bid))
        assert answer["status"] == "NEW"
        told = await events(user, "FILLED")
        fills = [event for event in told if event.get("x") == "TRADE"]
        assert all(event["m"] and Decimal(event["L"]) == bid for event in fills)
        assert sum(Decimal(event["l"]) for event in fills) == Decimal("0.001")
        order = (await one.send("GET", "order", symbol="BTCUSDT", orderId=answer["orderId"]))[1]
        assert order["status"] == "FILLED"


async def test_an_order_is_seen_and_cancelled() -> None:
    async with trader() as (one, user):
        _, answer = await one.order("BUY", "LIMIT", "0.25", price="30000", timeInForce="GTC", newClientOrderId="mine")
        opened = (await one.send("GET", "openOrders", symbol="BTCUSDT"))[1]
        assert [(order["orderId"], order["clientOrderId"]) for order in opened] == [(answer["orderId"], "mine")]
        locked = {row["asset"]: row["locked"] for row in (await one.send("GET", "account"))[1]["balances"]}
        assert Decimal(locked["USDT"]) == 7500
        duplicate = await one.order("BUY", "LIMIT", "0.25", price="30000", timeInForce="GTC", newClientOrderId="mine")
        assert (duplicate[0], duplicate[1]["code"]) == (400, -2010)
        status, gone = await one.send("DELETE", "order", symbol="BTCUSDT", origClientOrderId="mine")
        assert (status, gone["status"]) == (200, "CANCELED")
        assert (await events(user, "CANCELED"))[-1]["B"]
        again = await one.send("DELETE", "order", symbol="BTCUSDT", orderId=answer["orderId"])
        assert (again[0], again[1]["code"]) == (400, -2011)
        assert (await one.send("GET", "order", symbol="BTCUSDT", orderId=99))[1]["code"] == -2013
        assert (await one.send("DELETE", "openOrders", symbol="BTCUSDT"))[1]["code"] == -2011


@pytest.mark.parametrize(
    ("kind", "quantity", "more", "code", "said"),
    [
        ("LIMIT", "0.001", {"price": "64000.001", "timeInForce": "GTC"}, -1013, "PRICE_FILTER"),
        ("LIMIT", "0.0000001", {"price": "64000", "timeInForce": "GTC"}, -1013, "LOT_SIZE"),
        ("LIMIT", "0.00001", {"price": "30000", "timeInForce": "GTC"}, -1013, "NOTIONAL"),
        ("LIMIT", "1", {"price": "30000"}, -1102, "timeInForce"),
        ("LIMIT", "1", {"price": "30000", "timeInForce": "XYZ"}, -1115, "timeInForce"),
        ("LIMIT", "1000", {"price": "30000", "timeInForce": "GTC"}, -2010, "insufficient balance"),
        ("LIMIT_MAKER", "0.1", {"price": "100000"}, -2010, "immediately match"),
        ("MARKET", "1", {"price": "30000"}, -1106, "price"),
        ("STOP_LOSS", "1", {}, -1116, "orderType"),
        ("MARKET", "x", {}, -1100, "quantity"),
        ("MARKET", "1000", {}, -2010, "insufficient balance"),
    ],
)
async def test_orders_that_the_venue_refuses(
    kind: str, quantity: str, more: dict[str, str], code: int, said: str
) -> None:
    async with trader() as (one, _):
        status, answer = await one.order("BUY", kind, quantity, **more)
        assert (status, answer["code"]) == (400, code)
        assert said in answer["msg"]
        assert (await one.send("GET", "openOrders"))[1] == []


async def test_requests_must_be_signed_in_time_and_by_a_known_key() -> None:
    async with trader() as (one, user):
        expected = [
            ({"key": ""}, 401, -2014),
            ({"key": "other"}, 401, -2015),
            ({"secret": "wrong"}, 400, -1022),
            ({"late_ms": 3_600_000}, 400, -1021),
            ({"late_ms": -3_600_000}, 400, -1021),
            ({"recvWindow": "70000"}, 400, -1131),
        ]
        for how, status, code in expected:
            got, answer = await one.send("GET", "account", **how)  # type: ignore[arg-type]
            assert (got, answer["code"]) == (status, code), how
        assert (await listen(one, user, secret="wrong"))["error"]["code"] == -1022


async def test_immediate_orders_expire_what_is_not_met() -> None:
    async with trader() as (one, user):
        bid, _ = await one.best()
        low = str(bid / 2 // 1)
        for time_in_force in ("IOC", "FOK"):
            _, answer = await one.order("BUY", "LIMIT", "0.1", price=low, timeInForce=time_in_force)
            assert (answer["status"], Decimal(answer["executedQty"])) == ("EXPIRED", 0)
            await events(user, "EXPIRED")
        assert (await one.send("GET", "account"))[1]["balances"][0]["locked"] == "0.00000000"


async def test_a_reel_takes_no_orders(tmp_path: Path) -> None:
    data = {"e": "trade", "E": 1, "s": "BTCUSDT", "t": 1, "p": "1", "q": "1", "T": 1, "m": True}
    reel = tmp_path / "a.reel"
    reel.write_text(f"1700000000000000 {json.dumps({'stream': 'btcusdt@trade', 'data': data})}\n")
    async with running_venue([reel], "binance-spot", "BTCUSDT") as box, aiohttp.ClientSession() as session:
        status, answer = await Trader(box, session).order("BUY", "MARKET", "1")
    assert (status, answer["code"]) == (400, -2010)
    assert "plays a reel" in answer["msg"]
