from typing import Any

import aiohttp
import pytest

from papertape.core.errors import InputError
from papertape.data.connectors.http_listen import listening
from papertape.data.connectors.mt5_gateway import BATCH_ROWS_MAX, Mt5Gateway
from papertape.data.connectors.mt5_local import LocalTerminal
from papertape.data.wire.mt5 import gateway
from papertape.data.wire.mt5.ticks import TickCursor
from tests.mt5_world import TOKEN, double, pass_ms, served, ticks

RIGHT = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": TOKEN}, 401),
        (RIGHT | {"Origin": "http://evil.example"}, 403),
    ],
)
async def test_who_does_not_know_the_token_or_is_a_browser_is_refused(headers, status) -> None:
    api, clock = double(ticks(0))
    async with served(api, clock) as url, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(url, headers=headers)
        assert refused.value.status == status


async def ask(socket, message) -> Any:
    await socket.send_str(gateway.encode(message).decode())
    return gateway.decode((await socket.receive(timeout=5)).data)


async def test_questions_are_answered_and_orders_are_none_of_them() -> None:
    api, clock = double(ticks(0))
    async with served(api, clock) as url, aiohttp.ClientSession() as session:
        socket = await session.ws_connect(url, headers=RIGHT)
        assert gateway.decode((await socket.receive(timeout=5)).data) == gateway.Hello(gateway.PROTOCOL)
        assert (await ask(socket, gateway.Ask("facts"))).value["server"] == "Double-Demo"
        assert (await ask(socket, gateway.Ask("names"))).value == ["GBPUSD"]
        assert (await ask(socket, gateway.Ask("select", "GBPUSD"))).value is None
        assert (await ask(socket, gateway.Ask("symbol_info", "GBPUSD"))).value["select"] is True
        assert (await ask(socket, gateway.Ask("symbol_info", "NONE"))).code == -4
        assert isinstance(await ask(socket, gateway.Ask("order_send")), gateway.Failed)


async def test_a_message_that_is_none_ends_the_connection() -> None:
    api, clock = double(ticks(0))
    notes = []
    async with served(api, clock, note=lambda what, **_: notes.append(what)) as url, aiohttp.ClientSession() as session:
        socket = await session.ws_connect(url, headers=RIGHT)
        await socket.receive(timeout=5)
        await socket.send_str("{}")
        assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
    assert "message cannot be read" in notes


async def test_many_ticks_come_in_several_messages_and_an_error_ends_them() -> None:
    rows = ticks(*range(BATCH_ROWS_MAX + 10))
    api, clock = double(rows, selected=("GBPUSD",))
    pass_ms(clock, len(rows))
    async with served(api, clock) as url, aiohttp.ClientSession() as session:
        socket = await session.ws_connect(url, headers=RIGHT)
        await socket.receive(timeout=5)
        await ask(socket, gateway.Ask("facts"))
        await socket.send_str(gateway.encode(gateway.Stream({"GBPUSD": TickCursor()})).decode())
        cursor, got = TickCursor(), 0
        while got < len(rows):
            batch = gateway.decode_ticks((await socket.receive(timeout=5)).data, 0)
            assert batch.before == cursor and len(batch.rows) <= BATCH_ROWS_MAX
            got, cursor = got + len(batch.rows), batch.after
        api.faults.fail(-10005)
        failed = gateway.decode((await socket.receive(timeout=5)).data)
        assert (failed.code, failed.call) == (-10005, "copy_ticks_from")
        assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE


async def test_a_port_that_is_taken_is_told() -> None:
    api, clock = double(ticks(0))
    async with listening(Mt5Gateway(LocalTerminal(api, clock), TOKEN, print).application(), "127.0.0.1", 0) as port:
        with pytest.raises(InputError, match=str(port)):
            async with served(api, clock, port=port):
                pass


def test_no_token_no_gateway() -> None:
    api, clock = double(ticks(0))
    with pytest.raises(InputError, match="token"):
        Mt5Gateway(LocalTerminal(api, clock), "", print)
