"""When the market opens, and what goes out in which order."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from aiohttp.abc import AbstractStreamWriter

from papertape.venue.clock import ReelClock
from papertape.venue.connection import ControlSession
from papertape.venue.derived import Derived
from papertape.venue.fanout import Client, Fanout
from papertape.venue.faults.schema import FaultPlan
from papertape.venue.faults.tamper import Tamper
from papertape.venue.faults.timeline import Timeline
from papertape.venue.frames import text_frame
from papertape.venue.market import Market
from papertape.venue.playback import BATCH_LINES_MAX, Playback
from papertape.venue.rules import SPOT
from papertape.venue.scan import scan_reel
from papertape.venue.sources import ReelSource

RULES = msgspec.structs.replace(SPOT, opening_quiet_s=0.01)
LINES = 3 * BATCH_LINES_MAX + 1


class Written(asyncio.Transport):
    """A transport that takes everything."""

    def __init__(self) -> None:
        super().__init__()
        self.data = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.data += data

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0


class Writer(AbstractStreamWriter):
    """The writer of a transport that is never full."""

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        raise NotImplementedError

    async def write_eof(self, chunk: bytes = b"") -> None:
        raise NotImplementedError

    async def drain(self) -> None:
        pass

    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None:
        raise NotImplementedError

    def enable_chunking(self) -> None:
        raise NotImplementedError

    async def write_headers(self, status_line: str, headers: object) -> None:
        raise NotImplementedError


def client(transport: Written, *streams: str) -> Client:
    return Client(ControlSession(RULES, combined=False, streams=streams), "unrouted", transport, Writer())


class Nothing:
    """Nothing ever breaks."""

    next_ns = None

    def pass_to(self, now_ns: int) -> None:
        raise NotImplementedError


class Stage:
    """A playback of a small reel, without a server."""

    def __init__(self, path: Path) -> None:
        data = '{"t":%d,"p":"1","q":"1","T":1,"m":true}'
        self.payloads = [(data % number).encode() for number in range(LINES)]
        wrapped = (f'{{"stream":"abcusdt@trade","data":{payload.decode()}}}' for payload in self.payloads)
        path.write_text("".join(f"{1_700_000_000_000_000 + n} {line}\n" for n, line in enumerate(wrapped)))
        market = Market(scan_reel([path], "ABCUSDT"), RULES)
        self.fanout = Fanout(market, RULES, Tamper(Timeline(FaultPlan())), Derived(market, RULES))
        self.playback = Playback(
            ReelSource([path]), market, self.fanout, ReelClock(market, 0), RULES, self.fanout.remove, Nothing()
        )
        self.prints = market.prints["ABCUSDT"]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "a.reel")


async def test_nothing_plays_before_a_subscription_and_everything_after_it(stage: Stage) -> None:
    transport = Written()
    async with asyncio.TaskGroup() as group:
        group.create_task(stage.playback.run())
        stage.fanout.add(client(transport))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not stage.prints
        assert not stage.playback.began.is_set()
        stage.fanout.add(client(transport, "abcusdt@trade"))
    assert transport.data == b"".join(map(text_frame, stage.payloads))
    assert stage.playback.began.is_set()
    assert stage.playback.done.is_set()


async def test_at_speed_0_the_market_waits_while_nobody_is_there(stage: Stage) -> None:
    first, second = Written(), Written()
    leaving = client(first, "abcusdt@trade")
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(stage.playback.run())
        stage.fanout.add(leaving)
        while not first.data:
            await asyncio.sleep(0)
        stage.fanout.remove(leaving)
        for _ in range(1000):
            await asyncio.sleep(0)
        assert len(stage.prints) < LINES
        stage.fanout.add(client(second, "abcusdt@trade"))
    assert first.data + second.data == b"".join(map(text_frame, stage.payloads))
