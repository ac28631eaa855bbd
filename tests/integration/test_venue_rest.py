"""The exchange in a box over real HTTP: answers, errors, limits, weights, venue time."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from papertape.venue.rules import SPOT, USDM, VenueName
from papertape.venue.server import RunningVenue, running_venue

RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "hftbacktest"
START_MS = 1_700_000_000_000
AHEAD_MS = 1_270
"""How far the recorder's clock of these reels runs behind the venue's."""
DEADLINE_S = 60
SPOT_QUICK = msgspec.structs.replace(SPOT, opening_quiet_s=0.05)
USDM_QUICK = msgspec.structs.replace(USDM, opening_quiet_s=0.05)


class Reel:
    """A reel in the making: a line each millisecond."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def bare(self, body: Any) -> "Reel":
        stamp_us = (START_MS + len(self.lines)) * 1000
        self.lines.append(f"{stamp_us} {json.dumps(body, separators=(',', ':'))}\n")
        return self

    def frame(self, stream: str, **data: Any) -> "Reel":
        return self.bare({"stream": f"abcusdt@{stream}", "data": data})

    def trade(self, number: int, price: str = "9.50000000", size: str = "2.00500000") -> "Reel":
        event_ms = START_MS + AHEAD_MS + len(self.lines)
        stamps = {"E": event_ms, "T": event_ms - 1}
        return self.frame("trade", e="trade", s="ABCUSDT", t=number, p=price, q=size, m=True, M=True, **stamps)

    def depth(self, first: int, final: int, **more: int) -> "Reel":
        event_ms = START_MS + AHEAD_MS + len(self.lines)
        levels = {"b": [["9.40000000", "3.00000000"]], "a": []}
        return self.frame("depth@100ms", e="depthUpdate", s="ABCUSDT", E=event_ms, U=first, u=final, **levels, **more)

    def snapshot(self, last_id: int) -> "Reel":
        bids = [["9.30000000", "1.50000000"], ["9.20000000", "1.00000000"]]
        return self.bare({"lastUpdateId": last_id, "bids": bids, "asks": [["9.60000000", "1.00000000"]]})

    def ticker(self) -> "Reel":
        ticker = {"u": 7, "s": "ABCUSDT", "b": "9.4", "B": "1.0", "a": "9.6", "A": "2.0", "T": START_MS, "E": START_MS}
        return self.frame("bookTicker", **ticker)

    def write(self, path: Path) -> list[Path]:
        path.write_text("".join(self.lines))
        return [path]


class Rest:
    """A client of one box."""

    def __init__(self, box: RunningVenue, session: aiohttp.ClientSession, prefix: str) -> None:
        self.box = box
        self._session = session
        self._prefix = prefix

    async def get(self, route: str, **params: str) -> Any:
        status, body, _ = await self.whole(route, **params)
        assert status == 200, body
        return body

    async def whole(self, route: str, **params: str) -> tuple[int, Any, Any]:
        async with self._session.get(f"{self.box.rest_url}{self._prefix}/{route}", params=params) as response:
            return response.status, await response.json(), response.headers

    async def error(self, route: str, **params: str) -> tuple[int, int]:
        status, body, _ = await self.whole(route, **params)
        return status, body["code"]

    async def play(self) -> None:
        """Subscribe to something and wait for the end of the reel."""
        async with asyncio.timeout(DEADLINE_S), self._session.ws_connect(f"{self.box.ws_url}/ws/abcusdt@trade"):
            await self.box.done.wait()


async def client(stack: AsyncExitStack, reels: list[Path], venue: VenueName = "binance-spot", **how: Any) -> Rest:
    rules = how.pop("rules", SPOT_QUICK if venue == "binance-spot" else USDM_QUICK)
    box = await stack.enter_async_context(running_venue(reels, venue, "ABCUSDT", rules=rules, **how))
    session = await stack.enter_async_context(aiohttp.ClientSession())
    return Rest(box, session, rules.rest_prefix)


async def test_depth_is_the_reel_s_first_snapshot_and_then_the_book_of_the_moment(tmp_path: Path) -> None:
    reel = Reel().depth(9, 9).depth(10, 11).snapshot(10).depth(12, 13).trade(1)
    async with AsyncExitStack() as stack:
        rest = await client(stack, reel.write(tmp_path / "a.reel"))
        before = await rest.get("depth", symbol="ABCUSDT")
        await rest.play()
        after = await rest.get("depth", symbol="ABCUSDT", limit="1")
    assert before["lastUpdateId"] == 10
    assert before["bids"] == [["9.30000000", "1.50000000"], ["9.20000000", "1.00000000"]]
    assert after == {
        "lastUpdateId": 13,
        "bids": [["9.40000000", "3.00000000"]],
        "asks": [["9.60000000", "1.00000000"]],
    }


async def test_usdm_depth_has_the_times_of_the_last_event(tmp_path: Path) -> None:
    reel = Reel().snapshot(10).depth(400, 500, pu=10, T=START_MS)
    async with AsyncExitStack() as stack:
        rest = await client(stack, reel.write(tmp_path / "a.reel"), "binance-usdm")
        await rest.play()
        depth = await rest.get("depth", symbol="ABCUSDT", limit="5")
    assert (depth["lastUpdateId"], depth["E"], depth["T"]) == (500, START_MS + AHEAD_MS + 1, START_MS)


@pytest.mark.parametrize(
    ("venue", "route", "params", "expected"),
    [
        ("binance-spot", "depth", {}, (400, -1102)),
        ("binance-spot", "depth", {"symbol": ""}, (400, -1105)),
        ("binance-usdm", "depth", {"symbol": ""}, (400, -1102)),
        ("binance-spot", "depth", {"symbol": "XYZUSDT"}, (400, -1121)),
        ("binance-spot", "depth", {"symbol": "abcusdt"}, (400, -1100)),
        ("binance-spot", "depth", {"symbol": "ABCUSDT"}, (400, -1112)),
        ("binance-spot", "depth", {"symbol": "ABCUSDT", "limit": "0"}, (400, -1130)),
        ("binance-spot", "depth", {"symbol": "ABCUSDT", "limit": "ten"}, (400, -1100)),
        ("binance-spot", "depth", {"symbol": "ABCUSDT", "limit": "-1"}, (400, -1100)),
        ("binance-usdm", "depth", {"symbol": "ABCUSDT", "limit": "30"}, (400, -1130)),
        ("binance-spot", "trades", {"symbol": "ABCUSDT", "limit": "1001"}, (400, -1130)),
        ("binance-spot", "historicalTrades", {"symbol": "ABCUSDT", "fromId": "x"}, (400, -1100)),
        ("binance-spot", "exchangeInfo", {"symbol": "XYZUSDT"}, (400, -1121)),
        ("binance-spot", "ticker/bookTicker", {"symbol": "XYZUSDT"}, (400, -1121)),
        ("binance-spot", "aggTrades", {}, (400, -1102)),
    ],
)
async def test_errors(
    tmp_path: Path, venue: VenueName, route: str, params: dict[str, str], expected: tuple[int, int]
) -> None:
    async with AsyncExitStack() as stack:
        rest = await client(stack, Reel().trade(1).write(tmp_path / "a.reel"), venue)
        assert await rest.error(route, **params) == expected


async def test_unknown_routes_are_404_and_other_methods_405(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        rest = await client(stack, Reel().trade(1).write(tmp_path / "a.reel"))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        for path in ("/api/v3/nothing", "/fapi/v1/time", "/api/v1/time", "/"):
            async with session.get(rest.box.rest_url + path) as response:
                assert response.status == 404
        async with session.post(f"{rest.box.rest_url}/api/v3/depth") as response:
            assert response.status == 405
        async with session.get(
            f"{rest.box.rest_url}/api/v3/time", headers={"X-MBX-TIME-UNIT": "FORTNIGHT"}
        ) as response:
            assert (await response.json())["code"] == -1194


async def test_trades_and_historical_trades(tmp_path: Path) -> None:
    reel = Reel()
    for number in range(100, 110):
        reel.trade(number)
    async with AsyncExitStack() as stack:
        rest = await client(stack, reel.write(tmp_path / "a.reel"))
        assert await rest.get("trades", symbol="ABCUSDT") == []
        await rest.play()
        newest = await rest.get("trades", symbol="ABCUSDT", limit="3")
        older = await rest.get("historicalTrades", symbol="ABCUSDT", fromId="104", limit="2")
        last = await rest.get("historicalTrades", symbol="ABCUSDT", limit="1")
        beyond = await rest.get("historicalTrades", symbol="ABCUSDT", fromId="200")
        assert await rest.get("aggTrades", symbol="ABCUSDT") == []
    assert [row["id"] for row in newest] == [107, 108, 109]
    assert [row["id"] for row in older] == [104, 105]
    assert [row["id"] for row in last] == [109]
    assert beyond == []
    assert newest[0] == {
        "id": 107,
        "price": "9.50000000",
        "qty": "2.00500000",
        "quoteQty": "19.04750000",
        "time": START_MS + AHEAD_MS + 6,
        "isBuyerMaker": True,
        "isBestMatch": True,
    }


async def test_usdm_trade_rows(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        reel = Reel().trade(1, "67853.20", "0.002").write(tmp_path / "a.reel")
        rest = await client(stack, reel, "binance-usdm")
        await rest.play()
        [row] = await rest.get("trades", symbol="ABCUSDT")
    assert row["quoteQty"] == "135.70"
    assert row["isRPITrade"] is False
    assert "isBestMatch" not in row


async def test_aggregates_of_the_reel(tmp_path: Path) -> None:
    reel = Reel()
    for number in (5, 6, 7):
        times = {"E": START_MS, "T": START_MS + number}
        reel.frame(
            "aggTrade", e="aggTrade", s="ABCUSDT", a=number, p="1.0", q="2.0", f=1, l=2, m=False, M=True, **times
        )
    async with AsyncExitStack() as stack:
        rest = await client(stack, reel.write(tmp_path / "a.reel"))
        await rest.play()
        rows = await rest.get("aggTrades", symbol="ABCUSDT", limit="2")
        assert [row["a"] for row in rows] == [6, 7]
        assert rows[1] == {"a": 7, "p": "1.0", "q": "2.0", "f": 1, "l": 2, "T": START_MS + 7, "m": False, "M": True}
        assert [row["a"] for row in await rest.get("aggTrades", symbol="ABCUSDT", fromId="6", limit="1")] == [6]
        rows = await rest.get("aggTrades", symbol="ABCUSDT", startTime=str(START_MS + 6), endTime=str(START_MS + 6))
        assert [row["a"] for row in rows] == [6]


async def test_book_ticker(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        rest = await client(stack, Reel().trade(1).ticker().write(tmp_path / "a.reel"))
        assert await rest.error("ticker/bookTicker", symbol="ABCUSDT") == (400, -1112)
        await rest.play()
        row = await rest.get("ticker/bookTicker", symbol="ABCUSDT")
        assert await rest.get("ticker/bookTicker") == [row]
    assert row == {"symbol": "ABCUSDT", "bidPrice": "9.4", "bidQty": "1.0", "askPrice": "9.6", "askQty": "2.0"}


async def test_weights_are_counted_in_headers_and_limited(tmp_path: Path) -> None:
    rules = msgspec.structs.replace(SPOT_QUICK, weight_per_minute_max=10_000)
    async with AsyncExitStack() as stack:
        rest = await client(stack, Reel().snapshot(1).trade(1).write(tmp_path / "a.reel"), rules=rules)
        costs = []
        for route, params in [
            ("ping", {}),
            ("time", {}),
            ("exchangeInfo", {}),
            ("depth", {"symbol": "ABCUSDT"}),
            ("depth", {"symbol": "ABCUSDT", "limit": "1000"}),
            ("depth", {"symbol": "ABCUSDT", "limit": "9999"}),
            ("depth", {"symbol": "NONE"}),
            ("ticker/bookTicker", {}),
        ]:
            _, _, headers = await rest.whole(route, **params)
            costs.append(int(headers["X-MBX-USED-WEIGHT-1M"]))
    steps = [after - before for before, after in zip([0, *costs], costs, strict=False)]
    # A minute may end in between: then the count starts anew.
    assert [step for step in steps if step > 0][:8] == [1, 1, 20, 5, 50, 250, 5, 4] or min(steps) < 0


async def test_beyond_the_weight_limit_comes_429(tmp_path: Path) -> None:
    rules = msgspec.structs.replace(USDM_QUICK, weight_per_minute_max=30)
    async with AsyncExitStack() as stack:
        rest = await client(stack, Reel().trade(1).write(tmp_path / "a.reel"), "binance-usdm", rules=rules)
        async with asyncio.timeout(DEADLINE_S):
            while (answer := await rest.whole("aggTrades", symbol="ABCUSDT"))[0] == 200:
                pass
    status, body, headers = answer
    assert (status, body["code"]) == (429, -1003)
    assert "30 request weight per 1 MINUTE" in body["msg"]
    assert 1 <= int(headers["Retry-After"]) <= 60
    assert int(headers["X-MBX-USED-WEIGHT-1M"]) > 30


async def test_venue_time_stands_then_runs_and_never_goes_back(tmp_path: Path) -> None:
    reel = Reel()
    for number in range(500):
        reel.trade(number)
    async with AsyncExitStack() as stack:
        rest = await client(stack, reel.write(tmp_path / "a.reel"), speed=2.5)
        opening = START_MS + AHEAD_MS
        assert [(await rest.get("time"))["serverTime"] for _ in range(3)] == [opening] * 3
        times = [opening]
        async with asyncio.TaskGroup() as group:
            playing = group.create_task(rest.play())
            while not playing.done():
                times.append((await rest.get("time"))["serverTime"])
        end = opening + 499
        assert times == sorted(times)
        assert len(set(times)) > 10
        async with asyncio.timeout(DEADLINE_S):
            while (await rest.get("time"))["serverTime"] <= end + 10:
                pass


async def test_at_speed_0_venue_time_is_that_of_the_last_frame(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        rest = await client(stack, Reel().ticker().trade(1).trade(2).write(tmp_path / "a.reel"))
        await rest.play()
        assert (await rest.get("time"))["serverTime"] == START_MS + AHEAD_MS + 2


@pytest.mark.parametrize(
    ("venue", "name", "tick", "step"),
    [
        ("binance-spot", "spot/ethusdt_20240808.gz", "0.01000000", "0.00010000"),
        ("binance-spot", "spot/ethusdt_20240809.gz", "0.01000000", "0.00010000"),
        ("binance-usdm", "usdm/ethusdt_20240808.gz", "0.01", "0.001"),
    ],
)
async def test_the_grid_of_a_recording(venue: VenueName, name: str, tick: str, step: str) -> None:
    path = RECORDINGS / name
    if not path.exists():
        pytest.skip(f"recording {name} is not beside the checkout")
    rules = SPOT if venue == "binance-spot" else USDM
    async with (
        running_venue([path], venue, "ETHUSDT") as box,
        aiohttp.ClientSession(box.rest_url) as session,
        session.get(f"{rules.rest_prefix}/exchangeInfo", params={"symbol": "ETHUSDT"}) as response,
    ):
        info = await response.json()
    [symbol] = info["symbols"]
    filters = {item["filterType"]: item for item in symbol["filters"]}
    assert (filters["PRICE_FILTER"]["tickSize"], filters["LOT_SIZE"]["stepSize"]) == (tick, step)
    assert (symbol["symbol"], symbol["baseAsset"], symbol["quoteAsset"]) == ("ETHUSDT", "ETH", "USDT")
    assert info["rateLimits"][0]["limit"] == rules.weight_per_minute_max
