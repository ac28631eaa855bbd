"""The plan's four methods over real sockets; rotation, failover and cuts are in tests/integration/test_connections.py."""

import asyncio

import pytest

from papertape.core.errors import ConnectFailed
from papertape.data.connectors.picows_transport import PicowsTransport
from papertape.data.websocket_manager import QueueLimits, WebSocketManager
from papertape.data.wire.buffers import Policy
from papertape.data.wire.connection import Patience, State
from tests.integration.hostile import TEXT, HostileVenue, hostile_venue, until, ws_frame


def url_of(venue: HostileVenue) -> str:
    return f"ws://127.0.0.1:{venue.port}/stream?streams=abcusdt@trade"


async def test_a_connection_is_established_and_its_messages_are_read() -> None:
    async with hostile_venue() as venue, WebSocketManager(PicowsTransport()) as manager:
        connection = await manager.establish_connection(url_of(venue))
        assert connection.is_open
        async with asyncio.timeout(20):
            assert b"abcusdt@trade" in await manager.next_message()
        await until(lambda: connection.state is State.HEALTHY, "data")


async def test_what_cannot_be_connected_to_is_told() -> None:
    async with WebSocketManager(PicowsTransport()) as manager:
        with pytest.raises(ConnectFailed, match="127.0.0.1:9"):
            await manager.establish_connection("ws://127.0.0.1:9/x")
        assert (await manager.monitor_connection_health()).connections == ()


async def test_a_connection_reconnects_when_asked_and_by_itself() -> None:
    async with hostile_venue() as venue, WebSocketManager(PicowsTransport()) as manager:
        connection = await manager.establish_connection(url_of(venue))
        async with asyncio.timeout(20):
            result = await manager.handle_reconnection(connection)
        assert (result.connected, result.tries, result.endpoint) == (True, 1, url_of(venue))
        assert connection.reconnects == 1
        await until(lambda: len(venue.live) == 1, "the end of the first")
        venue.live[0].cut()
        await until(lambda: connection.reconnects == 2, "another connection")
        async with asyncio.timeout(20):
            assert (await manager.handle_reconnection(connection)).connected


async def test_health_tells_of_every_connection() -> None:
    async with hostile_venue() as venue, WebSocketManager(PicowsTransport()) as manager:
        connection = await manager.establish_connection(url_of(venue))
        await until(lambda: connection.state is State.HEALTHY and connection.link.round_trip_s is not None, "a pong")
        health = await manager.monitor_connection_health()
    (told,) = health.connections
    assert told.state == "healthy"
    assert told.rtt_ms is not None and 0 < told.rtt_ms < 5_000
    assert told.messages == health.messages > 0
    assert told.messages_per_s > 0
    assert (health.open, health.attempts, health.reconnects, health.dropped) == (1, 1, 0, 0)
    assert [(one.url, one.score) for one in health.endpoints] == [(url_of(venue), 1.0)]
    assert manager.last_health.messages >= health.messages
    line = health.line()
    assert (line["connections"], line["rtt_ms"], line["reconnects"]) == ({0: "healthy"}, told.rtt_ms, 0)


@pytest.mark.parametrize("policy", list(Policy))
async def test_messages_are_queued_as_the_policy_says(policy: Policy) -> None:
    async with WebSocketManager(PicowsTransport(), queue=QueueLimits(policy, messages_max=3)) as manager:
        messages = [{"s": "A", "n": 1}, {"s": "B", "n": 2}, {"s": "A", "n": 3}]
        statuses = [await manager.queue_message(one) for one in messages]
        assert all(status.accepted and status.policy == policy.value for status in statuses)
        assert (await manager.monitor_connection_health()).waiting == (2 if policy is Policy.CONFLATE else 3)
        assert (b'"n":3' in await manager.next_message()) is (policy is Policy.CONFLATE)
        if policy is Policy.SHED_WITH_COUNT:
            assert [(await manager.queue_message({"s": "C"})).accepted for _ in range(2)] == [True, False]
            assert (await manager.monitor_connection_health()).dropped == 1


async def test_a_reader_that_is_slow_pauses_the_socket_and_loses_nothing() -> None:
    """What waits stays near the limit although the venue sends far more, and all of it is read in the end."""
    limits = QueueLimits(Policy.LOSSLESS, messages_max=100)
    async with hostile_venue() as venue, WebSocketManager(PicowsTransport(), queue=limits) as manager:
        venue.playing = False
        await manager.establish_connection(url_of(venue))
        await until(lambda: bool(venue.live), "the connection")
        most = 0
        total, text = 20_000, b"x" * 2_000
        for number in range(total):
            venue.live[0].send(ws_frame(TEXT, b"%d %b" % (number, text)))
        async with asyncio.timeout(60):
            for number in range(total):
                assert (await manager.next_message()).startswith(b"%d " % number)
                if number == 50:
                    for _ in range(20):
                        await asyncio.sleep(0.01)
                most = max(most, (await manager.monitor_connection_health()).waiting)
    assert 100 <= most < total / 3, "the limit, and what the sockets bring at once"


async def test_a_connection_whose_messages_nobody_reads_is_ended_after_a_while() -> None:
    limits = QueueLimits(Policy.LOSSLESS, messages_max=2)
    told: list[str] = []

    def note(event: str, **facts: object) -> None:
        told.append(str(facts.get("why")))

    made = WebSocketManager(PicowsTransport(), patience=Patience(1.0), note=note, queue=limits)
    async with hostile_venue() as venue, made as manager:
        await manager.establish_connection(url_of(venue))
        await until(lambda: "its messages were not read" in told, "the end")
