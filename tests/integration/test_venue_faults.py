"""Faults on command over real sockets: a plain client sees each of them, and the server tells that it did."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from papertape.venue.faults.schema import FaultPlan, faults_of
from papertape.venue.rules import SPOT, VenueRules
from papertape.venue.server import RunningVenue, Setup, running_market

DEADLINE_S = 60
QUICK = msgspec.structs.replace(SPOT, opening_quiet_s=0.02, close_wait_s=0.2)
TRADES = "/stream?streams=btcusdt@trade"
DEPTH = "/stream?streams=btcusdt@depth@100ms"


@asynccontextmanager
async def box_with(
    *faults: dict[str, Any], seed: int = 1, rules: VenueRules = QUICK, speed: float = 20, seconds: float | None = None
) -> AsyncIterator[tuple[RunningVenue, aiohttp.ClientSession]]:
    """A synthetic market in which these faults are to come."""
    setup = Setup(faults=FaultPlan(seed=seed, fault=faults_of(list(faults))))
    async with (
        asyncio.timeout(DEADLINE_S),
        running_market(7, ("BTCUSDT", "ETHUSDT"), rules=rules, speed=speed, seconds=seconds, setup=setup) as box,
        aiohttp.ClientSession() as session,
    ):
        yield box, session


async def trade_ids(client: ClientWebSocketResponse, count: int) -> list[int]:
    return [(await client.receive_json())["data"]["t"] for _ in range(count)]


async def the_end(client: ClientWebSocketResponse) -> tuple[WSMsgType, Any, str]:
    """How a connection ends, and the kinds of frames before."""
    while (message := await client.receive()).type in (WSMsgType.TEXT, WSMsgType.PING):
        pass
    return message.type, message.data, message.extra or ""


async def error_of(session: aiohttp.ClientSession, box: RunningVenue, route: str = "ping", **params: str) -> Any:
    async with session.get(f"{box.rest_url}/api/v3/{route}", params=params) as response:
        return response.status, await response.json(), response.headers.get("Retry-After")


async def until_hit(box: RunningVenue, number: int = 1, state: str = "over") -> dict[str, Any]:
    """The fault's own account, once it is in this state."""
    while (told := box.report()["faults"][number - 1])["state"] != state:
        await asyncio.sleep(0.005)
    assert isinstance(told, dict)
    return told


async def nothing_more(client: ClientWebSocketResponse) -> None:
    """Take what was on its way before, until nothing comes, no pong either."""
    with suppress(asyncio.TimeoutError):
        while (await client.receive(timeout=0.3)).type is WSMsgType.TEXT:
            pass
        raise AssertionError("expected silence")


@pytest.mark.parametrize(
    ("fault", "end"),
    [
        ({"kind": "drop", "how": "close", "code": 1012, "reason": "restart"}, (WSMsgType.CLOSE, 1012, "restart")),
        ({"kind": "rotation"}, (WSMsgType.CLOSE, 1001, "24 hours are over")),
        ({"kind": "ping_timeout"}, (WSMsgType.CLOSE, 1008, "Pong timeout")),
        ({"kind": "ping_timeout", "lasts_s": 1}, (WSMsgType.CLOSE, 1008, "Pong timeout")),
        ({"kind": "maintenance", "lasts_s": 1}, (WSMsgType.CLOSE, 1001, "Maintenance")),
        ({"kind": "server_shutdown", "lead_s": 1}, (WSMsgType.CLOSE, 1001, "Server shutdown")),
    ],
)
async def test_a_connection_ends_with_a_close_frame(fault: dict[str, Any], end: tuple[WSMsgType, int, str]) -> None:
    async with box_with(fault | {"at_s": 1}) as (box, session):
        async with session.ws_connect(box.ws_url + TRADES, autoclose=False) as client:
            assert await the_end(client) == end
        assert (await until_hit(box))["hits"] == 1
        assert box.report()["connections"][0]["close_code"] in (end[1], 1001, 1008)


@pytest.mark.parametrize("how", ["cut", "reset"])
async def test_a_connection_ends_without_a_close_frame(how: str) -> None:
    async with box_with({"kind": "drop", "how": how, "at_s": 1}) as (box, _):
        reader, writer = await asyncio.open_connection(box.host, box.port)
        writer.write(
            f"GET {TRADES} HTTP/1.1\r\nHost: box\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        taken = b""
        try:
            while chunk := await reader.read(1 << 16):
                taken += chunk
            ended = "cut"
        except ConnectionResetError:
            ended = "reset"
        writer.close()
    assert ended == how
    assert b'"e":"trade"' in taken
    assert taken.endswith(b"}")


@pytest.mark.parametrize("path", ["/ws/btcusdt@trade", TRADES])
async def test_a_shutdown_is_announced_in_the_form_of_the_connection_and_others_stay(path: str) -> None:
    async with (
        box_with({"kind": "server_shutdown", "lead_s": 2, "connection": 1, "at_s": 1}) as (box, session),
        session.ws_connect(box.ws_url + path) as first,
        session.ws_connect(box.ws_url + path) as second,
    ):
        while "serverShutdown" not in (text := await first.receive_str()):
            pass
        notice = json.loads(text)
        assert (notice.get("stream") == "!serverShutdown") == (path == TRADES)
        assert notice.get("data", notice)["e"] == "serverShutdown"
        assert (await first.receive()).type is WSMsgType.TEXT  # there is time to move
        assert (await the_end(first))[1] == 1001
        assert (await second.receive()).type is WSMsgType.TEXT


async def test_a_half_open_connection_is_silent_and_in_the_end_reset() -> None:
    async with (
        box_with({"kind": "half_open", "at_s": 1, "lasts_s": 20, "connection": 1}) as (box, session),
        session.ws_connect(box.ws_url + TRADES) as first,
        session.ws_connect(box.ws_url + TRADES) as second,
    ):
        await until_hit(box, state="on")
        behind = [await second.receive() for _ in range(20)]
        await first.ping()
        await nothing_more(first)
        assert all(one.type is WSMsgType.TEXT for one in behind)
        assert (await first.receive()).type in (WSMsgType.CLOSED, WSMsgType.ERROR)


async def test_frames_are_lost_doubled_and_swapped() -> None:
    async with box_with(
        {"kind": "gap", "connection": 2, "share": 0.2},
        {"kind": "duplicate", "connection": 3, "share": 0.2},
        {"kind": "reorder", "connection": 4},
        speed=0,
        seconds=20,
    ) as (box, session):
        clients = [await session.ws_connect(box.ws_url + TRADES) for _ in range(4)]
        whole = await trade_ids(clients[0], 50)
        lossy = await trade_ids(clients[1], 20)
        doubled = await trade_ids(clients[2], 50)
        swapped = await trade_ids(clients[3], 40)
        report = box.report()["faults"]
        for client in clients:
            await client.close()
    assert whole == list(range(whole[0], whole[0] + 50))
    assert lossy == sorted(dict.fromkeys(lossy)) and lossy != list(range(lossy[0], lossy[0] + 20))
    assert len(dict.fromkeys(doubled)) < 50 and doubled == sorted(doubled)
    assert swapped == [whole[0] + (number ^ 1) for number in range(40)]
    assert all(one["hits"] > 0 for one in report)


async def test_the_same_seed_loses_the_same_frames() -> None:
    async def run(seed: int) -> list[int]:
        async with (
            box_with({"kind": "gap", "share": 0.5}, seed=seed, speed=0, seconds=20) as (box, session),
            session.ws_connect(box.ws_url + TRADES) as client,
        ):
            return await trade_ids(client, 30)

    first = await run(5)
    assert await run(5) == first
    assert await run(6) != first


async def test_garbage_and_crossed_sides_and_other_symbols_stay_whole() -> None:
    both = "/stream?streams=btcusdt@bookTicker/ethusdt@bookTicker"
    async with (
        box_with(
            {"kind": "garbage", "connection": 1, "symbol": "BTCUSDT"},
            {"kind": "crossed", "connection": 2, "symbol": "BTCUSDT"},
        ) as (box, session),
        session.ws_connect(box.ws_url + both) as first,
        session.ws_connect(box.ws_url + both) as second,
    ):
        texts = [await first.receive_str() for _ in range(50)]
        tickers = [(await second.receive_json())["data"] for _ in range(50)]
    for text in texts:
        if "ethusdt" in text:
            json.loads(text)
        else:
            with pytest.raises(ValueError, match="."):
                json.loads(text)
    assert {one["s"] for one in tickers} == {"BTCUSDT", "ETHUSDT"}
    for one in tickers:
        assert (float(one["b"]) > float(one["a"])) == (one["s"] == "BTCUSDT")


async def test_fragments_are_put_together_by_the_client() -> None:
    async with box_with({"kind": "fragments", "size_bytes": 7}) as (box, session):
        async with session.ws_connect(box.ws_url + TRADES) as client:
            ids = await trade_ids(client, 20)
        assert box.report()["faults"][0]["hits"] >= 20
    assert ids == list(range(ids[0], ids[0] + 20))


async def test_a_giant_frame_is_json_of_that_size() -> None:
    async with (
        box_with({"kind": "giant_frame", "size_bytes": 3 << 20, "at_s": 0.5}) as (box, session),
        session.ws_connect(box.ws_url + "/ws/btcusdt@trade", max_msg_size=0) as client,
    ):
        while len(text := await client.receive_str()) < 1 << 20:
            pass
    assert len(text) == 3 << 20
    assert json.loads(text)["e"] == "giant"


@pytest.mark.parametrize("fault", [{"kind": "delay", "delay_ms": 300}, {"kind": "jitter", "jitter_ms": 600}])
async def test_late_frames_keep_their_order(fault: dict[str, Any]) -> None:
    async with (
        box_with(fault | {"connection": 1}, speed=1) as (box, session),
        session.ws_connect(box.ws_url + DEPTH) as slow,
        session.ws_connect(box.ws_url + DEPTH) as fast,
    ):
        # All that the fast one has when the slow one gets its first.
        seen: list[int] = []
        first = asyncio.ensure_future(slow.receive_json())
        while not first.done():
            seen.append((await fast.receive_json())["data"]["u"])
        late = [first.result()["data"]["u"]] + [(await slow.receive_json())["data"]["u"] for _ in range(10)]
    assert len(seen) > 1
    assert late[0] == seen[0]
    assert late == sorted(late)


async def test_a_slow_reader_takes_its_time() -> None:
    async with (
        box_with({"kind": "slow_reader", "connection": 1, "delay_ms": 400}) as (box, session),
        session.ws_connect(box.ws_url + "/ws") as slow,
        session.ws_connect(box.ws_url + "/ws") as other,
    ):
        await slow.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        reply = asyncio.ensure_future(slow.receive_json())
        for number in range(4):
            await other.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
            await other.receive_json()
        assert not reply.done()
        assert (await reply)["id"] == 1


@pytest.mark.parametrize(
    ("fault", "status", "code", "retry_after"),
    [
        ({"kind": "rate_limit", "retry_after_s": 7}, 429, -1003, "7"),
        ({"kind": "ban", "lasts_s": 90}, 418, -1003, "90"),
        ({"kind": "restricted"}, 451, 0, None),
        ({"kind": "server_error", "status": 502}, 502, -1000, None),
        ({"kind": "timeout", "wait_ms": 50}, 504, -1007, None),
        ({"kind": "maintenance"}, 503, -1016, None),
    ],
)
async def test_rest_refuses(fault: dict[str, Any], status: int, code: int, retry_after: str | None) -> None:
    async with box_with(fault) as (box, session):
        answer, body, wait_s = await error_of(session, box)
        assert (answer, body["code"], wait_s) == (status, code, retry_after)
        if fault["kind"] == "ban":
            until_ms = int(body["msg"].partition("until ")[2].partition(".")[0])
            assert abs(until_ms / 1000 - time.time() - 90) < 30
        if fault["kind"] in ("ban", "restricted", "maintenance"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(box.ws_url + TRADES)
            assert refused.value.status == status
            assert box.report()["refused"] == {str(status): 1}


async def test_a_fault_of_one_route_leaves_the_others() -> None:
    async with box_with({"kind": "rate_limit", "route": "depth"}) as (box, session):
        assert (await error_of(session, box, "depth", symbol="BTCUSDT"))[0] == 429
        assert (await error_of(session, box, "ping"))[0] == 200


async def test_a_snapshot_is_older_than_the_changes() -> None:
    async with (
        box_with({"kind": "stale_snapshot", "symbol": "BTCUSDT", "lasts_s": 20}) as (box, session),
        session.ws_connect(box.ws_url + DEPTH) as client,
    ):
        for _ in range(5):
            first_id = (await client.receive_json())["data"]["U"]
        stale = (await error_of(session, box, "depth", symbol="BTCUSDT"))[1]["lastUpdateId"]
        assert stale + 1 < first_id
        await until_hit(box)
        assert (await error_of(session, box, "depth", symbol="BTCUSDT"))[1]["lastUpdateId"] > first_id


async def test_the_clock_jumps_and_comes_back() -> None:
    async with box_with({"kind": "clock_jump", "jump_ms": -3_600_000, "lasts_s": 2}, speed=1) as (box, session):
        before = (await error_of(session, box, "time"))[1]["serverTime"]
        async with session.ws_connect(box.ws_url + TRADES):
            await until_hit(box)
            assert 3_600_000 <= (await error_of(session, box, "time"))[1]["serverTime"] - before < 3_700_000


async def test_the_control_endpoint_commands_and_tells() -> None:
    setup = Setup(token="a secret of the test")
    async with (
        asyncio.timeout(DEADLINE_S),
        running_market(7, ("BTCUSDT",), rules=QUICK, setup=setup) as box,
        aiohttp.ClientSession() as session,
    ):
        url = f"{box.rest_url}/control"
        allowed = {"Authorization": "Bearer a secret of the test"}
        for headers, status in (
            ({}, 401),
            ({"Authorization": "Bearer b"}, 401),
            (allowed | {"Origin": "http://a"}, 403),
        ):
            async with session.get(url, headers=headers) as response:
                assert response.status == status
        async with session.get(url, headers=allowed | {"Host": "evil.example"}) as response:
            assert response.status == 403
        async with session.post(f"{url}/faults", headers=allowed, json={"kind": "dorp"}) as response:
            assert (response.status, "dorp" in (await response.json())["error"]) == (400, True)
        async with session.post(f"{url}/faults", headers=allowed, data=b"{") as response:
            assert response.status == 400
        async with session.ws_connect(box.ws_url + TRADES, autoclose=False) as client:
            await client.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
            while "data" in await client.receive_json():
                pass
            async with session.post(f"{url}/faults", headers=allowed, json=[{"kind": "rotation"}]) as response:
                assert (await response.json())["faults"][0]["hits"] == 1
            assert (await the_end(client))[1] == 1001
        await error_of(session, box, "depth", symbol="BTCUSDT")
        async with session.get(url, headers=allowed) as response:
            told = await response.json()
        assert told["faults"][0] == told["faults"][0] | {"kind": "rotation", "state": "over", "hits": 1, "number": 1}
        connection = told["connections"][0]
        assert (connection["messages"] >= 1, connection["messages_per_s"] <= 5, connection["violations"]) == (
            True,
            True,
            0,
        )
        assert (told["rest"]["minutes"][0]["weight"], told["rest"]["statuses"]) == (5, {"200": 1})
        assert sum(told["rate_violations"].values()) == 0


async def test_breaches_are_counted_and_in_the_end_banned() -> None:
    async with box_with(rules=msgspec.structs.replace(QUICK, weight_per_minute_max=10, rest_strikes_max=3)) as (
        box,
        session,
    ):
        answers = [await error_of(session, box, "depth", symbol="BTCUSDT") for _ in range(6)]
        told = box.report()
    statuses = [one[0] for one in answers]
    assert statuses[:2] == [200, 200]
    assert statuses[-1] == 418 and 429 in statuses
    assert int(answers[-1][2]) >= 119
    assert told["rate_violations"]["weight"] >= 3
    assert told["rate_violations"]["bans"] >= 1


async def test_too_many_attempts_are_refused_and_too_many_breaches_ban() -> None:
    rules = msgspec.structs.replace(QUICK, attempts_max=3, strikes_max=2)
    async with box_with(rules=rules) as (box, session):
        statuses = []
        for _ in range(6):
            try:
                async with session.ws_connect(box.ws_url + "/ws"):
                    statuses.append(101)
            except aiohttp.WSServerHandshakeError as refused:
                statuses.append(refused.status)
        told = box.report()
    assert statuses == [101, 101, 101, 429, 429, 418]
    assert (told["attempts"], told["refused"]) == (6, {"429": 2, "418": 1})


async def test_a_connection_has_its_lifetime() -> None:
    async with (
        box_with(rules=msgspec.structs.replace(QUICK, lifetime_s=0.3)) as (box, session),
        session.ws_connect(box.ws_url + TRADES, autoclose=False) as client,
    ):
        assert await the_end(client) == (WSMsgType.CLOSE, 1001, "24 hours are over")


async def test_times_in_microseconds_on_both_transports() -> None:
    async with box_with() as (box, session):
        url = f"{box.ws_url}{TRADES}&timeUnit=MICROSECOND"
        async with session.ws_connect(url) as micro, session.ws_connect(box.ws_url + TRADES) as milli:
            fine, coarse = (await micro.receive_json())["data"], (await milli.receive_json())["data"]
            for key in ("E", "T"):
                fine[key] = fine[key] / 1000
            assert fine == coarse
        async with session.get(f"{box.rest_url}/api/v3/time", headers={"X-MBX-TIME-UNIT": "microsecond"}) as response:
            assert (await response.json())["serverTime"] > 1e15
        async with session.get(f"{box.rest_url}/api/v3/time", headers={"X-MBX-TIME-UNIT": "fortnight"}) as response:
            assert (response.status, (await response.json())["code"]) == (400, -1194)
