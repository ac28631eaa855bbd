"""Connections over real sockets: replaced without a gap, moved between servers, cut again and again."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from itertools import pairwise

import pytest

from papertape.data.connectors import lane
from papertape.data.connectors.picows_transport import PicowsTransport
from papertape.data.websocket_manager import WebSocketManager
from papertape.data.wire.binance.control import Control
from papertape.data.wire.binance.dialect import BinanceDialect
from papertape.data.wire.binance.rules import SPOT
from papertape.data.wire.connection import Patience, State
from papertape.data.wire.endpoints import Endpoints
from papertape.data.wire.handover import ids_of, stream_of
from tests.integration.hostile import TEXT, Connection, HostileMarket, HostileVenue, hostile_venue, until, ws_frame

STREAMS = ["abcusdt@trade", "abcusdt@bookTicker", "abcusdt@depth@100ms"]
SHUTDOWN = b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}'


class Taken:
    """A sink that keeps every message by its stream, and the notes."""

    def __init__(self) -> None:
        self.frames: dict[bytes, list[bytes]] = {}
        self.downs: list[tuple[int, tuple[str, ...]]] = []
        self.notes: list[tuple[str, dict[str, object]]] = []

    def frame(self, payload: bytes, is_last: bool) -> None:
        self.frames.setdefault(stream_of(payload), []).append(payload)

    def link_up(self, connection: int) -> None: ...

    def link_down(self, connection: int, streams: Sequence[str]) -> None:
        self.downs.append((connection, tuple(streams)))

    def note(self, event: str, **facts: object) -> None:
        self.notes.append((event, facts))

    def ids(self, stream: str) -> list[int]:
        return [ids[1] for one in self.frames.get(stream.encode(), []) if (ids := ids_of(one))]


def manager_of(taken: Taken, patience: Patience) -> WebSocketManager:
    return WebSocketManager(PicowsTransport(), taken, patience, taken.note)


def url_of(venue: HostileVenue) -> str:
    return f"ws://127.0.0.1:{venue.port}"


def open_all(manager: WebSocketManager, *venues: HostileVenue, recovery_s: float = 60) -> Endpoints:
    endpoints = Endpoints([url_of(venue) for venue in venues], recovery_s)
    manager.open_streams(endpoints, BinanceDialect(SPOT, Control()), "", STREAMS)
    return endpoints


def check_no_gap_no_double(taken: Taken, market: HostileMarket) -> None:
    """Trade ids one by one up to the last; quotes and depth events in the order and number that they were made."""
    trades = taken.ids("abcusdt@trade")
    assert trades == list(range(trades[0], market.trade_id + 1))
    for stream in STREAMS[1:]:
        ids = taken.ids(stream)
        assert {after - before for before, after in pairwise(ids)} == {3}
        assert ids[-1] == market.update_id


@pytest.mark.parametrize(
    "lag", [(0, 0), (40, 0), (0, 40)], ids=["even", "the old one is behind", "the new one is behind"]
)
async def test_a_server_that_announces_its_end_is_left_without_a_gap_or_a_double(lag: tuple[int, int]) -> None:
    taken = Taken()
    async with hostile_venue() as venue, manager_of(taken, Patience()) as manager:
        venue.on_open = lambda connection: setattr(connection, "lag", lag[min(connection.number, 1)])
        open_all(manager, venue)
        await until(lambda: len(taken.ids("abcusdt@trade")) > 20, "trades")
        venue.live[0].send(ws_frame(TEXT, SHUTDOWN))
        await until(lambda: len(venue.connections) == 2 and len(venue.live) == 1, "the end of the old one")
        await venue.steps(20)
        await venue.still()
        check_no_gap_no_double(taken, next(iter(venue.markets.values())))
        health = await manager.monitor_connection_health()
    assert (health.rotations, health.reconnects, health.open) == (1, 0, 1)
    assert health.doubles_dropped > 0
    assert taken.downs[:1] == [(0, ())]


async def test_age_replaces_a_connection_again_and_again_without_a_gap() -> None:
    taken = Taken()
    async with hostile_venue() as venue, manager_of(taken, Patience(rotate_after_s=1.0)) as manager:
        open_all(manager, venue)
        await until(lambda: len(venue.connections) >= 4, "three replacements", deadline_s=40)
        await venue.still()
        check_no_gap_no_double(taken, next(iter(venue.markets.values())))
        assert (await manager.monitor_connection_health()).rotations >= 2
    assert manager.reconnects == 0


async def test_a_successor_that_dies_or_stays_mute_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "OVERLAP_MAX_S", 4.0)
    taken = Taken()

    def spoil(connection: Connection) -> None:
        match connection.number:
            case 1:
                asyncio.get_running_loop().call_later(0.3, connection.cut)
            case 2:
                connection.muted = True

    async with hostile_venue() as venue, manager_of(taken, Patience(rotate_after_s=1.0)) as manager:
        venue.on_open = spoil
        open_all(manager, venue)
        await until(lambda: len(venue.connections) >= 4, "two failures and a success", deadline_s=90)
        await until(lambda: venue.connections[2] not in venue.live, "the end of the mute one", deadline_s=60)
        await venue.still()
        check_no_gap_no_double(taken, next(iter(venue.markets.values())))
    kept = [facts["why"] for event, facts in taken.notes if event == "connection is kept"]
    assert kept[0] == "its successor failed"
    assert "owes 3 streams" in str(kept[1])


async def test_the_old_one_may_be_cut_while_it_is_replaced() -> None:
    """What was held of the successor is taken at once; ids tell what is missing, if anything is."""
    taken = Taken()

    async with hostile_venue() as venue, manager_of(taken, Patience(rotate_after_s=0.5)) as manager:

        def cut_the_old_one(new: Connection) -> None:
            if new.number == 1:
                venue.connections[0].cut()

        venue.on_open = cut_the_old_one
        open_all(manager, venue)
        await until(lambda: len(venue.connections) >= 2, "a successor")
        await until(lambda: venue.connections[0] not in venue.live, "the end of the old one")
        await venue.steps(30)
        await venue.still()
        ids = taken.ids("abcusdt@trade")
        assert ids == sorted(set(ids))
        assert ids[-1] == venue.markets["ABCUSDT"].trade_id


async def test_a_server_that_fails_is_left_for_the_next_and_returned_to() -> None:
    taken = Taken()
    async with AsyncExitStack() as stack:
        first, second = [await stack.enter_async_context(hostile_venue()) for _ in range(2)]
        manager = await stack.enter_async_context(manager_of(taken, Patience()))
        open_all(manager, first, second, recovery_s=8)  # longer than a pause before the second attempt
        await until(lambda: bool(first.live), "the preferred server")
        first.refuse = lambda path: 503
        first.live[0].cut()
        await until(lambda: bool(second.live), "the other server")
        first.refuse = lambda path: None
        await until(lambda: bool(first.live) and not second.live, "the return", deadline_s=60)
        health = await manager.monitor_connection_health()
    assert health.failovers == 2
    assert (health.reconnects, health.rotations) == (1, 1)
    assert [one.url for one in health.endpoints] == [url_of(first), url_of(second)]
    assert health.endpoints[0].score > 0.4


async def test_a_place_that_is_refused_by_law_is_asked_once() -> None:
    asked: list[str] = []

    def refuse(path: str) -> int:
        asked.append(path)
        return 451

    taken = Taken()
    async with hostile_venue() as second, hostile_venue() as first, manager_of(taken, Patience()) as manager:
        first.refuse = refuse
        # Hosts are barred by name, and both servers run on this machine.
        endpoints = Endpoints([url_of(first).replace("127.0.0.1", "localhost"), url_of(second)], recovery_s=0.1)
        manager.open_streams(endpoints, BinanceDialect(SPOT, Control()), "", STREAMS)
        await until(lambda: len(taken.ids("abcusdt@trade")) > 200, "trades of the other server")
        health = await manager.monitor_connection_health()
    assert len(asked) == 1
    assert [one.barred for one in health.endpoints] == [True, False]


ENDINGS: dict[str, Callable[[HostileVenue], None]] = {
    "cut": lambda venue: venue.live[0].cut(),
    "close frame": lambda venue: venue.live[0].send(ws_frame(8, b"\x03\xe9going away")),
    "half open": lambda venue: setattr(venue.live[0], "half_open", True),
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_every_end_is_seen_and_the_connection_comes_again(ending: str) -> None:
    taken = Taken()
    async with hostile_venue() as venue, manager_of(taken, Patience(silence_s=1.0)) as manager:
        open_all(manager, venue)
        await until(lambda: len(taken.ids("abcusdt@trade")) > 20, "trades")
        ENDINGS[ending](venue)
        await until(lambda: len(venue.connections) == 2, "another connection")
        before = len(taken.ids("abcusdt@trade"))
        await until(lambda: len(taken.ids("abcusdt@trade")) > before + 20, "its trades")
        (connection,) = manager.connections
        await until(lambda: connection.state is State.HEALTHY, "its health")
        health = await manager.monitor_connection_health()
    assert (health.reconnects, health.rotations) == (1, 0)


async def test_a_stream_that_goes_quiet_among_others_is_asked_for_again() -> None:
    taken = Taken()
    async with hostile_venue() as venue, manager_of(taken, Patience(silence_s=1.0)) as manager:
        open_all(manager, venue)
        await until(lambda: len(taken.ids("abcusdt@trade")) > 400, "trades")
        venue.live[0].streams.discard("abcusdt@trade")
        await until(lambda: "abcusdt@trade" in venue.live[0].streams, "being asked again", deadline_s=40)
        before = len(taken.ids("abcusdt@trade"))
        await until(lambda: len(taken.ids("abcusdt@trade")) > before, "the stream")
    told = [facts for event, facts in taken.notes if event.startswith("streams are stale")]
    assert told[0]["streams"] == ["abcusdt@trade"]


async def test_a_silent_connection_is_replaced_though_it_answers_pings() -> None:
    taken = Taken()
    async with hostile_venue() as venue, manager_of(taken, Patience(silence_s=1.0)) as manager:
        open_all(manager, venue)
        await until(lambda: len(taken.ids("abcusdt@trade")) > 20, "trades")
        venue.connections[0].muted = True
        await until(lambda: len(venue.connections) == 2 and len(venue.live) == 1, "its replacement", deadline_s=60)
        health = await manager.monitor_connection_health()
    assert (health.rotations, health.reconnects) == (1, 0)
