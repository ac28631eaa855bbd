"""The server alone; the metrics of a recording over real sockets stand in tests/integration/test_metrics.py."""

import aiohttp
import pytest

from papertape.core.errors import InputError
from papertape.runtime.metrics import serving


async def text() -> str:
    return "papertape_a 1\n"


async def test_programs_on_this_machine_are_answered_and_pages_are_not() -> None:
    async with serving(text, 0) as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        async with client.get("/metrics") as answer:
            assert (answer.status, await answer.text()) == (200, "papertape_a 1\n")
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
            async with client.get("/metrics", headers=headers) as answer:
                assert answer.status == 403
        async with client.get("/other") as answer:
            assert answer.status == 404


async def test_a_port_that_is_taken_is_named() -> None:
    async with serving(text, 0) as port:
        with pytest.raises(InputError, match=f"127.0.0.1:{port}: expected an address"):
            async with serving(text, port):
                pass
