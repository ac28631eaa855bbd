"""Requests of the user data stream, one connection after the other, over a real socket."""

from typing import Any

import aiohttp
import pytest
from aiohttp import web

from papertape.venue.orders.account import Account, Key
from papertape.venue.orders.request import signed
from papertape.venue.orders.streams import UserStreams


def subscription(secret: str = "s", **more: Any) -> dict[str, Any]:
    params = {"apiKey": "k", "timestamp": 5_000} | more
    payload = "&".join(f"{name}={value}" for name, value in sorted(params.items()))
    return {
        "id": "a",
        "method": "userDataStream.subscribe.signature",
        "params": params | {"signature": signed(payload, secret)},
    }


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"id": 1, "method": "ping"}, 200, None),
        ({"id": 1, "method": "time"}, 200, None),
        ({"id": 1, "method": "order.place"}, 400, -1020),
        ([1], 400, -1100),
        (subscription(), 200, None),
        (subscription("wrong"), 400, -1022),
        (subscription(timestamp=1), 200, None),
        (subscription(timestamp=60_000), 400, -1021),
        (subscription(apiKey="none"), 401, -2015),
        ({"id": 1, "method": "userDataStream.subscribe.signature", "params": {"apiKey": "k"}}, 400, -1102),
    ],
)
async def test_requests(request_: Any, status: int, code: int | None) -> None:
    account = Account(Key("k", "s"), 1)
    streams = UserStreams({"k": account}, lambda: 5_000)
    application = web.Application()
    application.router.add_get("/ws-api/v3", streams.serve)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as session, session.ws_connect(f"ws://127.0.0.1:{port}/ws-api/v3") as client:
        await client.send_json(request_)
        answer = await client.receive_json(timeout=60)
        streams.report(account, {"e": "executionReport"})
        if answer["status"] == 200 and "subscriptionId" in answer["result"]:
            assert await client.receive_json(timeout=60) == {"subscriptionId": 0, "event": {"e": "executionReport"}}
    await runner.cleanup()
    assert answer["status"] == status
    assert answer.get("error", {}).get("code") == code
