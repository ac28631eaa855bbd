import asyncio

from papertape.data.connectors.dialect import PlainDialect
from papertape.data.connectors.lane import FILTER_S, OVERLAP_MAX_S, OVERLAP_S, Connection, Lane
from papertape.data.wire.connection import Event, Patience, State
from papertape.data.wire.endpoints import Endpoints


class Wire:
    """A link that notes what is sent over it."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.pongs = 0
        self.round_trip_s: float | None = None
        self.closed = asyncio.Event()

    def send(self, text: bytes) -> None:
        self.sent.append(text)

    def ping(self) -> None:
        self.pongs += 1

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def close(self) -> None:
        self.closed.set()

    async def wait_closed(self) -> str:
        await self.closed.wait()
        return "closed"


def connection_of(taken: list[bytes]) -> Connection:
    def deliver(payload: bytes, is_last: bool) -> None:
        taken.append(payload)

    return Connection(3, Lane(Endpoints(["ws://a"]), PlainDialect(), "", ["x@trade"], Patience(), deliver))


async def test_messages_are_counted_noted_by_stream_and_handed_on() -> None:
    taken: list[bytes] = []
    connection = connection_of(taken)
    connection.on_frame(b'{"stream":"x@trade","data":{}}', False)
    connection.on_frame(b'{"result":null,"id":1}', True)
    assert (connection.frames, len(taken)) == (2, 2)
    assert b"x@trade" in connection.seen()
    assert connection.seen() == set()


async def test_requests_are_sent_in_order_and_those_of_a_lost_link_are_not() -> None:
    connection, link = connection_of([]), Wire()
    connection.ask([b"lost"])
    connection.forget_requests()
    connection.ask([b"1", b"2"])
    assert connection.asking
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(connection.send_requests(link, 1000))
        async with asyncio.timeout(10):
            while connection.asking or len(link.sent) < 2:
                await asyncio.sleep(0)
            connection.ask([b"3"])
            while len(link.sent) < 3:
                await asyncio.sleep(0)
        sending.cancel()
    assert link.sent == [b"1", b"2", b"3"]


async def test_an_end_of_ours_is_told_by_its_reason() -> None:
    connection, link = connection_of([]), Wire()
    connection.end("while nothing was up")
    connection.link = link
    connection.end("enough")
    assert connection.why == "enough"
    assert link.closed.is_set()


async def test_what_a_lane_carries_can_change() -> None:
    lane = connection_of([]).lane
    lane.set_streams(["y@trade", "z@trade"])
    assert lane.names == {b"y@trade", b"z@trade"}


async def test_it_is_what_its_machine_says() -> None:
    connection = connection_of([])
    assert not connection.is_open
    for event in (Event.CONNECT, Event.OPENED):
        connection.machine.take(event, 1.0)
    assert connection.is_open
    assert connection.state is State.SUBSCRIBING


def overlapping(taken: list[bytes]) -> tuple[Lane, Connection, Connection]:
    """A lane whose connection is being replaced: both have been up since 10.0."""
    old = connection_of(taken)
    lane, new = old.lane, Connection(4, old.lane)
    lane.current = old
    for event in (Event.CONNECT, Event.OPENED):
        old.machine.take(event, 1.0)
    lane.begin_overlap(new, 9.0)
    for event in (Event.CONNECT, Event.OPENED):
        new.machine.take(event, 10.0)
    return lane, old, new


def trade(number: int) -> bytes:
    return b'{"stream":"x@trade","data":{"e":"trade","E":1,"t":%d}}' % number


async def test_a_successor_takes_over_when_it_owes_nothing() -> None:
    taken: list[bytes] = []
    lane, old, new = overlapping(taken)
    assert old.state is State.ROTATING
    old.on_frame(trade(1), True)
    assert lane.overlap_verdict(10.5) is None
    assert lane.overlap_verdict(11.0) is None
    old.on_frame(trade(2), True)
    assert lane.overlap_verdict(10.0 + OVERLAP_S) is None, "it owes a trade"
    new.on_frame(trade(2), True)
    new.on_frame(trade(3), True)
    assert lane.overlap_verdict(10.0 + OVERLAP_S) == ""
    lane.take_over(13.0)
    assert lane.connections == [new]
    new.on_frame(trade(3), True)
    assert (taken, lane.doubles_dropped) == ([trade(1), trade(2), trade(3)], 2)
    lane.end_filter(13.0 + FILTER_S)
    assert new.deliver is lane.deliver
    assert lane.doubles_dropped == 2


async def test_a_successor_that_owes_for_too_long_is_given_up_and_requests_extend_the_wait() -> None:
    taken: list[bytes] = []
    lane, old, new = overlapping(taken)
    new.ask([b"more"])
    assert lane.overlap_verdict(10.0 + OVERLAP_S) is None
    new.forget_requests()
    new.asked_s = 12.0
    assert lane.overlap_verdict(13.0) is None
    old.on_frame(trade(1), True)
    assert "owes 1 streams" in (lane.overlap_verdict(10.0 + OVERLAP_MAX_S) or "")
    new.on_frame(trade(9), True)
    lane.keep(40.0)
    assert (lane.connections, old.state) == ([old], State.HEALTHY)
    old.on_frame(trade(2), True)
    assert taken == [trade(1), trade(2)]
