import asyncio

import pytest
from aiohttp import web

from papertape.core.errors import ConnectFailed, DecodeError, MT5Error, RemoteProtocolError, SessionClosed
from papertape.data.connectors.mt5_remote import GatewayTerminal
from papertape.data.wire.mt5.ticks import TickCursor
from tests.mt5_world import DEADLINE_S, TOKEN, double, pass_ms, rows_of, served, take, ticks


async def test_a_terminal_behind_a_gateway_is_a_terminal() -> None:
    rows = ticks(0, 5, 5, 900)
    api, clock = double(rows)
    pass_ms(clock, 900)
    async with served(api, clock) as url:
        terminal = GatewayTerminal(url, TOKEN, clock)
        assert (await terminal.connect()).leverage == 500
        assert await terminal.names() == ["GBPUSD"]
        assert (await terminal.symbol_info("GBPUSD"))["digits"] == 5
        await terminal.select("GBPUSD")
        reading = terminal.read({"GBPUSD": TickCursor()})
        assert rows_of(await take(reading, 4)).tobytes() == rows.tobytes()
        assert await terminal.names() == ["GBPUSD"]  # while ticks are read
        await reading.aclose()
        await terminal.close()


async def test_the_terminals_errors_travel() -> None:
    api, clock = double(ticks(0))
    async with served(api, clock) as url:
        terminal = GatewayTerminal(url, TOKEN, clock)
        await terminal.connect()
        with pytest.raises(MT5Error) as raised:
            await terminal.symbol_info("NONE")
        assert (raised.value.code, raised.value.symbol) == (-4, "NONE")
        with pytest.raises(MT5Error) as raised:
            await take(terminal.read({"GBPUSD": TickCursor()}), 1)
        assert raised.value.code == -1
        await terminal.close()


async def test_a_wrong_token_and_no_gateway_are_told_apart() -> None:
    api, clock = double(ticks(0))
    async with served(api, clock) as url:
        with pytest.raises(ConnectFailed) as refused:
            await GatewayTerminal(url, "wrong", clock).connect()
        assert refused.value.status == 401
    with pytest.raises(ConnectFailed, match="no gateway") as refused:
        await GatewayTerminal(url, TOKEN, clock).connect()
    assert refused.value.status is None


async def test_a_gateway_that_ends_closes_the_reading() -> None:
    api, clock = double(ticks(0), selected=("GBPUSD",))
    async with served(api, clock) as url:
        terminal = GatewayTerminal(url, TOKEN, clock)
        await terminal.connect()
        reading = terminal.read({"GBPUSD": TickCursor()})
        await take(reading, 1)
    with pytest.raises(SessionClosed):
        async with asyncio.timeout(DEADLINE_S):
            await anext(reading)
    await terminal.close()
    with pytest.raises(SessionClosed):
        await terminal.names()


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ('{"t":"hello","protocol":99}', RemoteProtocolError),
        ('{"t":"lost","symbol":"A"}', RemoteProtocolError),
        ("nonsense", DecodeError),
    ],
)
async def test_what_is_no_gateway_is_told(said: str, error: type[Exception]) -> None:
    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(said)
        await socket.receive()
        return socket

    application = web.Application()
    application.router.add_get("/mt5", serve)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    _, clock = double(ticks(0))
    try:
        with pytest.raises(error):
            await GatewayTerminal(f"ws://127.0.0.1:{runner.addresses[0][1]}/mt5", TOKEN, clock).connect()
    finally:
        await runner.cleanup()
