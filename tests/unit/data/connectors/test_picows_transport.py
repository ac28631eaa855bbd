import asyncio

import pytest

from papertape.core.errors import ConnectFailed
from papertape.data.connectors.picows_transport import FRAME_BYTES_MAX, PicowsTransport
from tests.integration.hostile import CLOSE, CONTINUATION, TEXT, HostileVenue, hostile_venue, until, ws_frame

Taken = list[bytes]


async def connected(venue: HostileVenue, taken: Taken, silence_s: float = 30):
    venue.playing = False
    url = f"ws://127.0.0.1:{venue.port}/stream?streams=a"
    link = await PicowsTransport().connect(url, lambda payload, is_last: taken.append(payload), silence_s)
    await until(lambda: bool(venue.live), "the connection")
    return link


async def test_messages_come_whole_and_in_order() -> None:
    taken: Taken = []
    async with hostile_venue() as venue:
        link = await connected(venue, taken)
        venue.live[0].send(ws_frame(TEXT, b"one"), ws_frame(TEXT, b"t", fin=False), ws_frame(CONTINUATION, b"wo"))
        venue.live[0].send(ws_frame(TEXT, b"3" * 70_000))
        await venue.live[0].settled()
        link.close()
        assert await link.wait_closed() == "closed by us"
    assert taken == [b"one", b"two", b"3" * 70_000]


async def test_why_it_ended_is_told() -> None:
    async with hostile_venue() as venue:
        link = await connected(venue, [])
        venue.live[0].send(ws_frame(CLOSE, b"\x03\xf0Too many requests"))
        assert "1008 Too many requests" in await link.wait_closed()
        link = await connected(venue, [])
        venue.live[0].cut()
        assert "without a close frame" in await link.wait_closed()


async def test_fragments_without_end_are_not_gathered_for_ever() -> None:
    taken: Taken = []
    async with hostile_venue() as venue:
        link = await connected(venue, taken)
        venue.live[0].send(ws_frame(TEXT, b"x", fin=False))
        part = ws_frame(CONTINUATION, b"x" * (1 << 20), fin=False)
        for _ in range((FRAME_BYTES_MAX >> 20) + 1):
            venue.live[0].send(part)
        async with asyncio.timeout(20):
            assert "fragmented" in await link.wait_closed()
    assert taken == []


async def test_silence_ends_it() -> None:
    async with hostile_venue() as venue:
        link = await connected(venue, [], silence_s=0.4)
        venue.live[0].half_open = True
        async with asyncio.timeout(20):
            assert await link.wait_closed()


@pytest.mark.parametrize("status", [404, 429, 451, 503])
async def test_a_refusal_carries_its_status(status: int) -> None:
    async with hostile_venue() as venue:
        venue.refuse = lambda path: status
        with pytest.raises(ConnectFailed) as raised:
            await PicowsTransport().connect(f"ws://127.0.0.1:{venue.port}/stream", lambda *_: None, 30)
    assert raised.value.status == status


@pytest.mark.parametrize("url", ["ws://127.0.0.1:9/x", "http://127.0.0.1:9/x", "no url", "ws://", "ws://[bad/"])
async def test_a_url_that_leads_nowhere_is_named(url: str) -> None:
    with pytest.raises(ConnectFailed) as raised:
        await PicowsTransport().connect(url, lambda *_: None, 30)
    assert url in str(raised.value)
