"""A venue that has a stream and no REST at all: the first frames tell what the instrument is."""

import asyncio
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from aiohttp import WSMsgType, web

from papertape.core.actions import RecordResult, ReplayResult

FRAMES = 40


def trade(number: int) -> str:
    data = f'{{"e":"trade","E":{number},"s":"ABCUSDT","t":{number},"p":"12.50","q":"0.0030","T":{number},"m":true}}'
    return f'{{"stream":"abcusdt@trade","data":{data}}}'


async def stream(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    for number in range(1, FRAMES + 1):
        await socket.send_str(trade(number))
    async for message in socket:
        assert message.type is WSMsgType.TEXT
    return socket


async def papertape(*arguments: str) -> tuple[int, bytes]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "papertape", *arguments, "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, _ = await child.communicate()
    assert child.returncode is not None
    return child.returncode, out


@pytest.mark.parametrize("rest", ["knows no route", "does not answer"])
async def test_a_venue_without_rest_is_recorded_by_its_first_frames(tmp_path: Path, rest: str):
    application = web.Application()
    application.router.add_get("/stream", stream)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    rest_port = port if rest == "knows no route" else 9
    tape, urls = str(tmp_path / "tape"), (f"--ws-url=ws://127.0.0.1:{port}", f"--rest-url=http://127.0.0.1:{rest_port}")
    try:
        code, out = await papertape(
            "record",
            "--venue=binance-spot",
            "--symbols=ABCUSDT",
            "--tape",
            tape,
            "--seconds",
            "2" if rest_port == port else "12",
            *urls,
        )
    finally:
        await runner.cleanup()
    result = msgspec.json.decode(out, type=RecordResult)
    assert code == 0
    assert (result.frames, result.symbols[0].prints, result.symbols[0].missing) == (FRAMES, FRAMES, 0)
    code, out = await papertape("replay", tape)
    replayed = msgspec.json.decode(out, type=ReplayResult)
    assert (code, replayed.prints, replayed.synced) == (0, FRAMES, False)
