"""The exchange in a box over real sockets: control requests, rates, pings, slow clients."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from papertape.venue.rules import SPOT, USDM, VenueRules
from papertape.venue.server import RunningVenue, running_venue

DEADLINE_S = 60
ROOMY = msgspec.structs.replace(SPOT, opening_quiet_s=0.05, messages_per_s_max=10_000)


def trades(path: Path, count: int, padding: str = "") -> Path:
    """A reel of `count` prints."""
    lines = []
    for number in range(count):
        data = {"e": "trade", "E": 1_700_000_000_500 + number, "s": "ABCUSDT", "t": number, "p": "1.50", "q": "2.0"}
        data |= {"T": 1_700_000_000_500, "m": True, "M": True, "x": padding}
        frame = {"stream": "abcusdt@trade", "data": data}
        lines.append(f"{1_700_000_000_000_000 + number * 1000} {json.dumps(frame, separators=(',', ':'))}\n")
    path.write_text("".join(lines))
    return path


@asynccontextmanager
async def connected(
    reel: Path, path: str, rules: VenueRules = ROOMY, **how: Any
) -> AsyncIterator[tuple[RunningVenue, ClientWebSocketResponse]]:
    """A box that plays `reel`, and a client of it."""
    async with (
        running_venue([reel], rules.name, "ABCUSDT", rules=rules) as box,
        aiohttp.ClientSession() as session,
        session.ws_connect(box.ws_url + path, max_msg_size=0, **how) as client,
    ):
        yield box, client


async def ask(client: ClientWebSocketResponse, request: Any) -> Any:
    await client.send_str(json.dumps(request))
    return await client.receive_json(timeout=DEADLINE_S)


async def next_close(client: ClientWebSocketResponse) -> tuple[int, str]:
    """Code and reason of the close frame, whatever comes before it."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            message = await client.receive()
            if message.type is WSMsgType.CLOSE:
                return message.data, message.extra or ""


async def test_control_replies_are_never_wrapped_and_data_follows_the_property(tmp_path: Path) -> None:
    reel = trades(tmp_path / "a.reel", 2)
    async with connected(reel, "/stream") as (_, client):
        assert await ask(client, {"method": "LIST_SUBSCRIPTIONS", "id": 1}) == {"result": [], "id": 1}
        await ask(client, {"method": "SET_PROPERTY", "params": ["combined", False], "id": 2})
        reply = await ask(client, {"method": "SUBSCRIBE", "params": ["abcusdt@trade", "none@trade"], "id": "a1"})
        assert reply == {"result": None, "id": "a1"}
        assert (await client.receive_json(timeout=DEADLINE_S))["t"] == 0


async def test_unsubscribed_streams_stop(tmp_path: Path) -> None:
    reel = trades(tmp_path / "a.reel", 1)
    async with connected(reel, "/ws", msgspec.structs.replace(ROOMY, opening_quiet_s=0.5)) as (box, client):
        await client.send_json({"method": "SUBSCRIBE", "params": ["abcusdt@depth", "abcusdt@trade"], "id": 4})
        await client.send_json({"method": "UNSUBSCRIBE", "params": ["abcusdt@trade"], "id": 5})
        await box.done.wait()
        await client.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 6})
        replies = [await client.receive_json(timeout=DEADLINE_S) for _ in range(3)]
    assert [reply["id"] for reply in replies] == [4, 5, 6]
    assert replies[2]["result"] == ["abcusdt@depth"]


async def test_an_error_is_nested_and_a_long_frame_is_ignored(tmp_path: Path) -> None:
    reel = trades(tmp_path / "a.reel", 1)
    async with connected(reel, "/ws") as (_, client):
        await client.send_str(json.dumps({"method": "SUBSCRIBE", "params": ["abcusdt@trade"] * 400, "id": 1}))
        await client.send_str("{nonsense")
        reply = await client.receive_json(timeout=DEADLINE_S)
    assert reply == {"error": {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 2"}, "id": None}


@pytest.mark.parametrize(("rules", "allowed"), [(SPOT, 5), (USDM, 10)])
@pytest.mark.parametrize("kind", ["text", "ping", "pong"])
async def test_too_many_messages_close_the_connection(
    tmp_path: Path, rules: VenueRules, allowed: int, kind: str
) -> None:
    reel = trades(tmp_path / "a.reel", 1)
    async with connected(reel, "/ws", rules, autoping=False) as (_, client):
        for number in range(allowed):
            await client.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
        if kind == "text":
            await client.send_json({"method": "LIST_SUBSCRIPTIONS", "id": allowed})
        elif kind == "ping":
            await client.ping()
        else:
            await client.pong()
        replies = [await client.receive_json(timeout=DEADLINE_S) for _ in range(allowed)]
        assert [reply["id"] for reply in replies] == list(range(allowed))
        assert await next_close(client) == (1008, "Too many requests")


async def test_a_ping_of_the_client_is_answered_with_its_payload(tmp_path: Path) -> None:
    reel = trades(tmp_path / "a.reel", 1)
    async with connected(reel, "/ws", SPOT, autoping=False) as (_, client):
        await client.ping(b"are you there")
        message = await client.receive(timeout=DEADLINE_S)
    assert (message.type, bytes(message.data)) == (WSMsgType.PONG, b"are you there")


@pytest.mark.parametrize("echo", ["nothing", "empty", "wrong"])
async def test_without_the_right_pong_the_connection_is_closed(tmp_path: Path, echo: str) -> None:
    reel = trades(tmp_path / "a.reel", 1)
    rules = msgspec.structs.replace(ROOMY, ping_interval_s=0.02, pong_timeout_s=0.1)
    async with connected(reel, "/ws", rules, autoping=False) as (_, client):
        pings = 0
        async with asyncio.timeout(DEADLINE_S):
            while (message := await client.receive()).type is WSMsgType.PING:
                pings += 1
                if echo != "nothing":
                    await client.pong(b"" if echo == "empty" else b"0")
        assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 1008, "Pong timeout")
        assert pings > 1


async def test_right_pongs_keep_the_connection_after_the_reel_has_ended(tmp_path: Path) -> None:
    reel = trades(tmp_path / "a.reel", 1)
    rules = msgspec.structs.replace(ROOMY, ping_interval_s=0.02, pong_timeout_s=1)
    async with connected(reel, "/ws/abcusdt@trade", rules, autoping=False) as (box, client):
        pings = 0
        while pings < 75 or not box.done.is_set():
            message = await client.receive(timeout=DEADLINE_S)
            if message.type is WSMsgType.PING:
                await client.pong(message.data)
                pings += 1
            else:
                assert message.json()["t"] == 0


async def test_too_many_streams_in_the_url_are_refused(tmp_path: Path) -> None:
    reel = trades(tmp_path / "a.reel", 1)
    rules = msgspec.structs.replace(ROOMY, streams_max=2)
    async with running_venue([reel], "binance-spot", "ABCUSDT", rules=rules) as box, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"{box.ws_url}/ws/a@trade/b@trade/c@trade")
        assert refused.value.status == 400
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"{box.ws_url}/stream?streams=a@trade&timeUnit=FORTNIGHT")
        assert refused.value.status == 400


async def open_slowly(slow: socket.socket, box: RunningVenue) -> None:
    """Subscribe over a bare socket with a small window, and read nothing."""
    loop = asyncio.get_running_loop()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    slow.setblocking(False)
    await loop.sock_connect(slow, (box.host, box.port))
    await loop.sock_sendall(
        slow,
        b"GET /ws/abcusdt@trade HTTP/1.1\r\nHost: box\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    )


async def test_a_client_that_takes_nothing_is_closed_and_the_other_misses_nothing(tmp_path: Path) -> None:
    reel = trades(tmp_path / "a.reel", 1000, padding="x" * 20_000)
    rules = msgspec.structs.replace(ROOMY, stall_max_s=0.2, close_wait_s=DEADLINE_S)
    with socket.socket() as slow:
        async with connected(reel, "/ws", rules) as (box, fast):
            await open_slowly(slow, box)
            await ask(fast, {"method": "SUBSCRIBE", "params": ["abcusdt@trade"], "id": 1})
            got = [(await fast.receive_json(timeout=DEADLINE_S))["t"] for _ in range(1000)]
            taken = b""
            async with asyncio.timeout(DEADLINE_S):
                while chunk := await _received(slow):
                    taken = (taken + chunk)[-4096:]
    assert got == list(range(1000))
    assert taken.endswith(b"\x88\x0a\x03\xf0Too slow")


async def test_a_client_that_is_lost_while_the_market_waits_for_it_takes_nobody_along(tmp_path: Path) -> None:
    reel = trades(tmp_path / "a.reel", 1000, padding="x" * 20_000)
    rules = msgspec.structs.replace(ROOMY, stall_max_s=DEADLINE_S)
    got: list[int] = []
    with socket.socket() as slow:
        async with asyncio.timeout(DEADLINE_S), connected(reel, "/ws", rules) as (box, fast):
            await open_slowly(slow, box)
            await ask(fast, {"method": "SUBSCRIBE", "params": ["abcusdt@trade"], "id": 1})
            async with asyncio.TaskGroup() as group:
                group.create_task(_take(fast, 1000, got))
                before = -1
                while before != len(got):
                    before = len(got)
                    await asyncio.sleep(0.3)
                assert before < 1000
                # No linger: the connection ends with a reset, not with a close.
                slow.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                slow.close()
            await box.done.wait()
    assert got == list(range(1000))


async def _take(client: ClientWebSocketResponse, count: int, got: list[int]) -> None:
    while len(got) < count:
        got += [(await client.receive_json())["t"]]


async def _received(peer: socket.socket) -> bytes:
    try:
        return await asyncio.get_running_loop().sock_recv(peer, 1 << 16)
    except ConnectionResetError:
        return b""
