"""A venue plug-in as a source, over a real socket: listed, heard, cut off, heard again, its symbols changed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import numpy as np
import pytest

from papertape.core.errors import ConnectFailed, RemoteProtocolError, UnknownInstrument
from papertape.core.records import GapCause, Kind, as_records
from papertape.data.connectors import venue_source
from papertape.data.connectors.picows_transport import PicowsTransport
from papertape.data.connectors.venue_source import VenueSource
from papertape.runtime.clocks import UtcClock
from tests.toy_server import TOY, served


class Heard:
    """A source at work, and all that it delivered."""

    def __init__(self, url: str, symbols: Sequence[str]) -> None:
        self.notes: list[str] = []
        self.batches: list[bytes] = []
        self.source = VenueSource(TOY, symbols, url, 30, PicowsTransport(), UtcClock(), self.note)

    def note(self, event: str, **_: object) -> None:
        self.notes.append(event)

    def of(self, kind: Kind, *fields: str) -> list[tuple[int, ...]]:
        found = np.concatenate([as_records(one) for one in self.batches] or [as_records(b"")])
        rows = found[found["kind"] == kind]
        return list(zip(*(rows[field].tolist() for field in fields), strict=True))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def heard(url: str, symbols: Sequence[str] = ("ABC",)) -> AsyncIterator[Heard]:
    one = Heard(url, symbols)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(one.source.run(one.batches.append))
        yield one
        running.cancel()


async def test_it_lists_is_heard_and_heard_again() -> None:
    async with served() as (server, url), heard(url) as one:
        listed = await one.source.catalogue()
        assert [(info.instrument.venue, info.instrument.symbol) for info in listed] == [("toy", "ABC")]
        server.next = 1
        await one.source.subscribe({"ABC": 5})
        await until(lambda: len(one.of(Kind.PRINT, "id")) == 3)
        server.say(type="Trade", symbol="ABC")
        server.next += 2
        server.links[-1].disconnect()
        await until(lambda: len(one.of(Kind.PRINT, "id")) == 6)
        assert server.paths == ["/feed?symbols=ABC"] * 3
        assert one.source.health().connected
        assert (one.source.health().reconnects, one.source.health().records) == (1, sum(map(len, one.batches)) // 64)
    assert one.of(Kind.PRINT, "instrument", "id") == [(5, number) for number in (1, 2, 3, 6, 7, 8)]
    assert one.of(Kind.GAP, "price", "x", "y") == [
        (GapCause.UNREADABLE_FRAME, -1, -1),
        (GapCause.IDS_MISSING, 4, 5),
    ]
    assert one.of(Kind.CONNECTION, "x") == [(1,), (2,), (1,), (2,)]
    assert one.notes == ["frame cannot be read", "connection ended"]


async def test_symbols_that_change_are_heard_by_a_new_connection() -> None:
    async with served() as (server, url), heard(url, ("ABC", "DEF")) as one:
        await one.source.catalogue()
        await one.source.subscribe({"ABC": 0})
        await until(lambda: len(one.of(Kind.PRINT, "id")) == 3)
        await one.source.subscribe({"DEF": 1})
        await until(lambda: len(one.of(Kind.PRINT, "id")) == 6)
        assert server.paths[1:] == ["/feed?symbols=ABC", "/feed?symbols=ABC,DEF"]
        lost = [(0, int(kind)) for kind in (Kind.DEPTH_DELTA, Kind.PRINT)]
        assert one.of(Kind.GAP, "instrument", "id") == lost
        one.source.resync(["DEF"])
        await until(lambda: len(one.of(Kind.PRINT, "id")) == 9)
        await one.source.unsubscribe(["ABC", "DEF"])
        await until(lambda: not one.source.health().connected)


async def test_what_is_not_listed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venue_source, "LISTING_S", 0.2)
    async with served() as (_, url):
        one = Heard(url, ("ABC", "XYZ"))
        assert len(await one.source.catalogue()) == 1
        with pytest.raises(UnknownInstrument, match="toy does not list XYZ"):
            await one.source.subscribe({"XYZ": 0})
        with pytest.raises(RemoteProtocolError, match="toy at .* listed none of XYZ within"):
            await Heard(url, ("XYZ",)).source.catalogue()
    with pytest.raises(ConnectFailed):
        await one.source.catalogue()


async def test_nobody_there_is_told_and_tried_again() -> None:
    async with served() as (_, url):
        one = Heard(url, ("ABC",))
        await one.source.catalogue()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(one.source.run(one.batches.append))
        await one.source.subscribe({"ABC": 0})
        await until(lambda: one.notes.count("not connected") == 2)
        running.cancel()
    assert not one.source.health().connected
    assert "127.0.0.1" in one.source.health().trouble
