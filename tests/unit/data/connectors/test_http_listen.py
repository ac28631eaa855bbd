"""A port is listened on while the block runs, and one that is taken is told."""

import aiohttp
import pytest
from aiohttp import web

from papertape.core.errors import InputError
from papertape.data.connectors.http_listen import listening


async def test_it_answers_while_the_block_runs_and_no_longer() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="here")

    application = web.Application()
    application.router.add_get("/", answer)
    async with aiohttp.ClientSession() as client:
        async with listening(application, "127.0.0.1", 0) as port:
            async with client.get(f"http://127.0.0.1:{port}/") as said:
                assert await said.text() == "here"
            with pytest.raises(InputError, match=f"127.0.0.1:{port}: expected an address to listen on"):
                await listening(web.Application(), "127.0.0.1", port).__aenter__()
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.get(f"http://127.0.0.1:{port}/")
