import json
from collections.abc import Callable

import pytest

from papertape.core.errors import ConnectFailed
from papertape.data.connectors.aiohttp_client import AiohttpClient
from tests.integration.hostile import Answer, answer, hostile_venue


@pytest.fixture(autouse=True)
def dead_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that nobody serves: loopback must be reached without it."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


async def test_any_status_is_an_answer() -> None:
    async with hostile_venue() as venue, AiohttpClient() as client:
        base = f"http://127.0.0.1:{venue.port}/api/v3"
        good = await client.get(f"{base}/exchangeInfo", {"symbols": '["ABCUSDT"]'})
        assert (good.status, json.loads(good.body)["symbols"][0]["symbol"]) == (200, "ABCUSDT")
        assert (await client.get(f"{base}/nothing", {})).status == 404


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("", None), ("soon", None), ("-1", None), ("1.5", None)])
async def test_how_long_to_wait_is_read(header: str, seconds: float | None) -> None:
    async with hostile_venue() as venue, AiohttpClient() as client:
        venue.rest["depth"] = lambda query: answer({}, 429, Retry_After=header)
        told = await client.get(f"http://127.0.0.1:{venue.port}/depth", {})
    assert (told.status, told.retry_after_s) == (429, seconds)


BROKEN: dict[str, Callable[[dict[str, str]], Answer]] = {
    "cut": lambda query: (200, {"Content-Length": "999"}, b"{"),
    "no header": lambda query: (200, {"\0": "\0"}, b""),
    "endless redirect": lambda query: (302, {"Location": "/depth"}, b""),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_an_answer_that_breaks_is_none(name: str) -> None:
    async with hostile_venue() as venue, AiohttpClient() as client:
        venue.rest["depth"] = BROKEN[name]
        with pytest.raises(ConnectFailed, match=f"127.0.0.1:{venue.port}"):
            await client.get(f"http://127.0.0.1:{venue.port}/depth", {})


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "ftp://127.0.0.1/x", "no url", "http://[bad/"])
async def test_a_url_that_leads_nowhere_is_named(url: str) -> None:
    async with AiohttpClient() as client:
        with pytest.raises(ConnectFailed) as raised:
            await client.get(url, {})
    assert url in str(raised.value)
