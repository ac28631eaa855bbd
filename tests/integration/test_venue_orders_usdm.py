"""USD-M orders over real sockets: positions, reduce-only, post-only, and the user data stream of a listen key."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from papertape.venue.orders.account import Key
from papertape.venue.rules import USDM, VenueRules
from papertape.venue.server import Setup, running_market, running_venue
from tests.integration.trader import Trader

DEADLINE_S = 60
QUICK = msgspec.structs.replace(USDM, opening_quiet_s=0.02)
BOX = {"X-MBX-APIKEY": "box"}
Socket = aiohttp.ClientWebSocketResponse


@asynccontextmanager
async def trader(
    speed: float = 20, path: str = "ws?listenKey={}", rules: VenueRules = QUICK, setup: Setup | None = None
) -> AsyncIterator[tuple[Trader, Socket]]:
    async with (
        asyncio.timeout(DEADLINE_S),
        running_market(7, ("BTCUSDT",), "binance-usdm", rules=rules, speed=speed, setup=setup or Setup()) as box,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{box.ws_url}/public/ws/btcusdt@bookTicker") as market,
    ):
        await market.receive()
        one = Trader(box, session, "/fapi/v1")
        key = await listen_key(one, "POST")
        async with session.ws_connect(f"{box.ws_url}/private/{path.format(key)}") as user:
            yield one, user


async def listen_key(one: Trader, method: str) -> str:
    async with one.session.request(method, f"{one.box.rest_url}/fapi/v1/listenKey", headers=BOX) as response:
        answer = await response.json()
    return str(answer.get("listenKey", answer.get("code", "")))


async def next_account(user: Socket) -> tuple[list[Any], Any]:
    """The order events up to the next ACCOUNT_UPDATE, and that."""
    orders: list[Any] = []
    while (event := await user.receive_json())["e"] != "ACCOUNT_UPDATE":
        orders.append(event["o"])
    return orders, event["a"]


async def position(one: Trader) -> Any:
    return (await one.send("GET", "v3/positionRisk"))[1]


async def test_a_position_is_opened_and_closed_and_its_money_is_exact() -> None:
    async with trader() as (one, user):
        status, opened = await one.order("BUY", "MARKET", "0.5", newOrderRespType="RESULT")
        assert (status, opened["status"], opened["executedQty"]) == (200, "FILLED", "0.50000")
        orders, account = await next_account(user)
        fees = sum((Decimal(order["n"]) for order in orders if order["x"] == "TRADE"), Decimal(0))
        assert [order["x"] for order in orders[:2]] == ["NEW", "TRADE"]
        assert fees == sum(
            (Decimal(order["l"]) * Decimal(order["L"]) * Decimal("0.0005")).quantize(Decimal("1e-8"), "ROUND_DOWN")
            for order in orders[1:]
        )
        assert (account["P"][0]["pa"], account["m"]) == ("0.50000", "ORDER")
        assert Decimal(account["B"][0]["wb"]) == 1_000_000 - fees
        (held,) = await position(one)
        assert (held["positionAmt"], held["entryPrice"]) == ("0.50000", opened["avgPrice"])

        _, first = await one.order("SELL", "MARKET", "0.5", reduceOnly="true")
        assert (first["status"], first["executedQty"]) == ("NEW", "0")  # what ACK says
        orders, account = await next_account(user)
        closed = (await one.send("GET", "order", symbol="BTCUSDT", orderId=first["orderId"]))[1]
        won = Decimal(closed["cumQuote"]) - Decimal(opened["cumQuote"])
        fees += sum(Decimal(order["n"]) for order in orders if order["x"] == "TRADE")
        assert sum(Decimal(order["rp"]) for order in orders) == won
        assert Decimal(account["B"][0]["wb"]) == 1_000_000 + won - fees
        row = (await one.send("GET", "v3/account"))[1]
        assert (Decimal(row["totalWalletBalance"]), row["positions"]) == (1_000_000 + won - fees, [])
        assert one.box.orders and one.box.orders.clearing.fees == {"USDT": int(fees * 10**8)}


async def test_a_post_only_order_rests_and_is_met_by_the_crowd_for_the_fee_of_a_maker() -> None:
    async with trader() as (one, user):
        status = 400
        while status == 400:  # the market may have moved
            bid, ask = await one.best()
            status, answer = await one.order("BUY", "LIMIT", "0.001", price=str(bid), timeInForce="GTX")
        assert (await one.order("BUY", "LIMIT", "1", price=str(ask + 100), timeInForce="GTX"))[1]["code"] == -5022
        filled = Decimal(0)
        while filled < Decimal("0.001"):
            orders, account = await next_account(user)
            for order in orders:
                if order["x"] == "TRADE":
                    assert (order["m"], order["i"], Decimal(order["L"])) == (True, answer["orderId"], bid)
                    fee = Decimal(order["l"]) * bid * Decimal("0.0002")
                    assert Decimal(order["n"]) == fee.quantize(Decimal("1e-8"), "ROUND_DOWN")
                    filled += Decimal(order["l"])
        assert Decimal(account["P"][0]["pa"]) == Decimal("0.001")
        assert Decimal(account["P"][0]["ep"]) == bid


async def test_open_orders_are_seen_one_by_one_and_cancelled_at_once() -> None:
    async with trader() as (one, _):
        price = str((await one.best())[0] * Decimal("0.97") // 1)
        for client_id in ("a", "b"):
            await one.order("BUY", "LIMIT", "0.2", price=price, timeInForce="GTC", newClientOrderId=client_id)
        opened = (await one.send("GET", "openOrders"))[1]
        assert [order["clientOrderId"] for order in opened] == ["a", "b"]
        row = (await one.send("GET", "v3/account"))[1]
        assert Decimal(row["totalOpenOrderInitialMargin"]) == Decimal(price) * Decimal("0.4") / 20
        again = await one.order("BUY", "LIMIT", "0.2", price=price, timeInForce="GTC", newClientOrderId="a")
        assert (again[0], again[1]["code"]) == (400, -4116)
        found = (await one.send("GET", "openOrder", symbol="BTCUSDT", origClientOrderId="b"))[1]
        gone = (await one.send("DELETE", "order", symbol="BTCUSDT", orderId=found["orderId"]))[1]
        assert gone["status"] == "CANCELED"
        assert (await one.send("GET", "openOrder", symbol="BTCUSDT", origClientOrderId="b"))[1]["code"] == -2013
        assert (await one.send("DELETE", "allOpenOrders", symbol="BTCUSDT"))[1]["code"] == 200
        assert (await one.send("GET", "openOrders", symbol="BTCUSDT"))[1] == []
        balance = (await one.send("GET", "v3/balance"))[1][0]
        assert (balance["balance"], balance["availableBalance"]) == ("1000000.00000000",) * 2


@pytest.mark.parametrize(
    ("kind", "quantity", "more", "code"),
    [
        ("MARKET", "0.1", {"reduceOnly": "true"}, -2022),
        ("MARKET", "400", {}, -2019),
        ("LIMIT", "0.1", {"price": "90000", "timeInForce": "GTC"}, -4016),
        ("LIMIT", "0.1", {"price": "60000.001", "timeInForce": "GTC"}, -1111),
        ("MARKET", "0.1", {"positionSide": "LONG"}, -4061),
        ("LIMIT", "0.1", {"price": "60000"}, -1102),
    ],
)
async def test_orders_that_the_venue_refuses(kind: str, quantity: str, more: dict[str, str], code: int) -> None:
    # With this little money no market order of the default symbol is too large for the books before it is for the account.
    setup = Setup(keys=(Key(balances={"USDT": 1_000}),))
    async with trader(setup=setup) as (one, _):
        status, answer = await one.order("BUY", kind, quantity, **more)
        assert (status, answer["code"]) == (400, code)
        assert (await one.send("GET", "openOrders"))[1] == []


@pytest.mark.parametrize(
    ("path", "events"),
    [
        ("ws/{}", ["NEW", "CANCELED"]),
        ("ws?listenKey={}&events=ORDER_TRADE_UPDATE/listenKeyExpired", ["NEW", "CANCELED"]),
        ("stream?listenKey={}", ["NEW", "CANCELED"]),
        ("ws?listenKey={}&events=listenKeyExpired", []),
    ],
)
async def test_a_stream_carries_the_events_that_are_asked_for_until_its_key_ends(path: str, events: list[str]) -> None:
    async with trader(path=path) as (one, user):
        price = str((await one.best())[0] * Decimal("0.97") // 1)
        await one.order("BUY", "LIMIT", "0.2", price=price, timeInForce="GTC")
        await one.send("DELETE", "allOpenOrders", symbol="BTCUSDT")
        key = await listen_key(one, "PUT")
        await listen_key(one, "DELETE")
        got: list[Any] = []
        while not (got and got[-1]["e"] == "listenKeyExpired"):
            frame = await user.receive_json()
            got.append(frame["data"] if path.startswith("stream") else frame)
        assert [event["o"]["x"] for event in got[:-1]] == events
        assert got[-1]["listenKey"] == key
        assert await listen_key(one, "PUT") == "-1125"
        assert await listen_key(one, "POST") != key


async def test_a_key_that_is_not_kept_alive_ends_by_itself() -> None:
    async with trader(rules=msgspec.structs.replace(QUICK, listen_key_life_s=0.2)) as (_, user):
        assert (await user.receive_json())["e"] == "listenKeyExpired"


async def test_a_reel_takes_no_orders(tmp_path: Path) -> None:
    reel = tmp_path / "a.reel"
    data = '{"e":"trade","E":1,"T":1,"s":"BTCUSDT","t":1,"p":"1","q":"1","X":"MARKET","m":true}'
    reel.write_text(f'1700000000000000 {{"stream":"btcusdt@trade","data":{data}}}\n')
    async with running_venue([reel], "binance-usdm", "BTCUSDT") as box, aiohttp.ClientSession() as session:
        status, answer = await Trader(box, session, "/fapi/v1").order("BUY", "MARKET", "1")
    assert (status, answer["code"]) == (400, -2010)
