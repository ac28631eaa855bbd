import msgspec

from papertape.data.connectors.link_health import Rates, health_of
from papertape.data.wire.connection import Event
from tests.unit.data.connectors.test_lane import Wire, connection_of


async def test_what_is_not_known_is_none() -> None:
    connection = connection_of([])
    health = health_of(connection, 5.0, Rates())
    assert (health.state, health.age_s, health.silence_s, health.rtt_ms) == ("idle", None, None, None)
    assert (health.endpoint, health.streams, health.number) == ("ws://a", 1, 3)
    assert msgspec.json.decode(msgspec.json.encode(health))["rtt_ms"] is None


async def test_an_open_connection_tells_age_silence_round_trip_and_rate() -> None:
    connection, rates = connection_of([]), Rates()
    connection.machine.take(Event.CONNECT, 9.0)
    connection.machine.take(Event.OPENED, 10.0)
    connection.link = link = Wire()
    link.round_trip_s = 0.0125
    for _ in range(40):
        connection.on_frame(b"x", True)
    connection.machine.watch(13.0, 1, 40)
    first = health_of(connection, 14.0, rates)
    assert (first.age_s, first.silence_s, first.rtt_ms, first.messages) == (4.0, 1.0, 12.5, 40)
    assert first.messages_per_s == 10.0
    connection.on_frame(b"x", True)
    assert health_of(connection, 16.0, rates).messages_per_s == 0.5
