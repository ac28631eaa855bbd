"""A pool over real sockets: how streams are spread, added and ended, and what a pause does."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest

from papertape.core.errors import ConnectFailed
from papertape.data.connectors.link_pool import REFUSED_FOR_GOOD, LinkPool
from papertape.data.connectors.picows_transport import PicowsTransport
from papertape.data.wire.binance.control import Control
from papertape.data.wire.binance.dialect import BinanceDialect
from papertape.data.wire.binance.rules import SPOT
from papertape.data.wire.connection import Patience, State
from papertape.data.wire.endpoints import Endpoints
from papertape.data.wire.handover import stream_of
from tests.integration.hostile import HostileVenue, hostile_venue, until


class Taken:
    """A sink that keeps what it is told."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.ups: list[int] = []
        self.downs: list[tuple[int, tuple[str, ...]]] = []

    def frame(self, payload: bytes, is_last: bool) -> None:
        self.frames.append(payload)

    def link_up(self, connection: int) -> None:
        self.ups.append(connection)

    def link_down(self, connection: int, streams: Sequence[str]) -> None:
        self.downs.append((connection, tuple(streams)))


def dialect_of(streams_max: int) -> BinanceDialect:
    return BinanceDialect(msgspec.structs.replace(SPOT, streams_per_connection=streams_max), Control())


def endpoints_of(venue: HostileVenue) -> Endpoints:
    return Endpoints([f"ws://127.0.0.1:{venue.port}"])


@asynccontextmanager
async def pool_of(taken: Taken) -> AsyncIterator[LinkPool]:
    async with LinkPool(PicowsTransport(), taken, Patience(), lambda *_, **__: None) as pool:
        yield pool


async def test_streams_are_spread_evenly_within_the_limit_and_room_is_used_first() -> None:
    names = [f"s{number}usdt@trade" for number in range(25)]
    async with hostile_venue() as venue, pool_of(Taken()) as pool:
        endpoints, dialect = endpoints_of(venue), dialect_of(10)
        pool.open_streams(endpoints, dialect, "", names)
        await until(lambda: len(venue.live) == 3, "three connections")
        assert sorted(len(one.streams) for one in venue.live) == [8, 8, 9]
        pool.open_streams(endpoints, dialect, "", ["more1", "more2"])
        await until(lambda: sum(len(one.streams) for one in venue.live) == 27, "the others")
        pool.open_streams(endpoints, dialect, "", [f"t{number}@trade" for number in range(10)])
        await until(lambda: sum(len(one.streams) for one in venue.live) == 37, "all")
        assert max(len(one.streams) for one in venue.live) == 10
        pool.open_streams(endpoints, dialect, "", [])
        assert len(pool.connections) == 4


async def test_streams_that_are_closed_come_no_longer_and_an_empty_connection_goes() -> None:
    taken = Taken()
    async with hostile_venue() as venue, pool_of(taken) as pool:
        pool.open_streams(endpoints_of(venue), dialect_of(10), "", ["abcusdt@trade", "abcusdt@bookTicker"])
        await until(lambda: any(b"@trade" in stream_of(one) for one in taken.frames), "trades")
        pool.close_streams(["abcusdt@trade", "never@asked"])
        await until(lambda: venue.live[0].streams == {"abcusdt@bookTicker"}, "the end of the trades")
        pool.close_streams(["abcusdt@bookTicker"])
        await until(lambda: not venue.live, "the end of the connection")
        await until(lambda: taken.downs == [(0, ())], "being told")
        assert pool.connections == []
        assert pool.messages >= len(taken.frames) > 0


async def test_a_connection_that_waits_to_dial_can_be_closed() -> None:
    async with hostile_venue() as venue, pool_of(Taken()) as pool:
        venue.refuse = lambda path: 503
        pool.open_streams(endpoints_of(venue), dialect_of(10), "", ["abcusdt@trade"])
        connection = pool.connections[0]
        await until(lambda: connection.state is State.BACKING_OFF, "a refusal")
        pool.close_streams(["abcusdt@trade"])
        assert connection.state is State.CLOSED
        await until(lambda: connection.task is not None and connection.task.done(), "the end of its task")


async def test_streams_may_change_while_a_connection_is_dialled() -> None:
    dialled, go_on = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        dialled.set()
        await go_on.wait()

    async with hostile_venue() as venue, pool_of(Taken()) as pool:
        venue.before_handshake = wait
        endpoints, dialect = endpoints_of(venue), dialect_of(10)
        pool.open_streams(endpoints, dialect, "", ["a@trade", "b@trade", "c@trade"])
        async with asyncio.timeout(20):
            await dialled.wait()
        pool.close_streams(["a@trade"])
        pool.open_streams(endpoints, dialect, "", ["d@trade"])
        go_on.set()
        await until(lambda: bool(venue.live), "the connection")
        await until(lambda: venue.live[0].streams == {"b@trade", "c@trade", "d@trade"}, "what is wanted now")


async def test_a_loss_is_told_with_the_streams_that_have_a_gap() -> None:
    taken = Taken()
    async with hostile_venue() as venue, pool_of(taken) as pool:
        pool.open_streams(endpoints_of(venue), dialect_of(10), "", ["abcusdt@trade"])
        await until(lambda: bool(venue.live), "a connection")
        venue.live[0].cut()
        await until(lambda: taken.ups == [0, 0], "the next")
        assert taken.downs == [(0, ("abcusdt@trade",))]
        assert (pool.reconnects, pool.attempts) == (1, 2)


async def test_a_paused_pool_reads_nothing_and_goes_on_where_it_was() -> None:
    taken = Taken()
    async with hostile_venue() as venue, pool_of(taken) as pool:
        pool.open_streams(endpoints_of(venue), dialect_of(10), "", ["abcusdt@trade"])
        await until(lambda: bool(taken.frames), "trades")
        pool.pause()
        await asyncio.sleep(0)
        before = len(taken.frames)
        await venue.steps(30)
        assert len(taken.frames) == before
        pool.resume()
        await until(lambda: len(taken.frames) >= before + 30, "what has waited")


async def test_when_every_server_refuses_for_good_it_ends_and_says_what_to_do() -> None:
    made: list[LinkPool] = []

    async def run(venue: HostileVenue) -> None:
        async with pool_of(Taken()) as pool:
            made.append(pool)
            pool.open_streams(endpoints_of(venue), dialect_of(10), "", ["abcusdt@trade"])
            await asyncio.Event().wait()

    async with hostile_venue() as venue:
        venue.refuse = lambda path: 451
        with pytest.raises(BaseExceptionGroup) as raised:
            await run(venue)
    error = raised.value.exceptions[0]
    assert isinstance(error, ConnectFailed)
    assert REFUSED_FOR_GOOD in str(error)
    assert (error.status, made[0].attempts) == (451, 1)
