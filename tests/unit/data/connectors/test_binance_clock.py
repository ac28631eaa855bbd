import asyncio

from papertape.data.connectors.binance_clock import WINDOW_NS, ClockWatch, Offset, OffsetFilter
from papertape.data.connectors.ports import Answer
from tests.binance_frames import machine
from tests.rest_doubles import Notes, RestServer, Taken, until

MS_NS = 1_000_000


def test_the_quickest_answer_of_the_window_is_believed() -> None:
    estimate = OffsetFilter()
    slow, quick = Offset(0, 80 * MS_NS, 30 * MS_NS), Offset(1, 10 * MS_NS, 5 * MS_NS)
    assert estimate.take(slow) == slow
    assert estimate.take(quick) == quick
    assert estimate.take(Offset(2, 60 * MS_NS, 20 * MS_NS)) == quick
    late = Offset(WINDOW_NS + 2, 40 * MS_NS, 9 * MS_NS)
    assert estimate.take(late) == late, "the quick one is too old"


def test_a_clock_that_was_set_is_believed_at_once() -> None:
    estimate = OffsetFilter()
    estimate.take(Offset(0, 10 * MS_NS, 5 * MS_NS))
    after = Offset(1, 30 * MS_NS, 900 * MS_NS)
    assert estimate.take(after) == after


async def test_the_offset_is_measured_against_the_middle_of_the_question_and_told_once() -> None:
    server = RestServer()
    server.answers["time"] = lambda query: Answer(200, b'{"serverTime":5}', None)
    taken = Taken(machine())
    now_ns = [0]

    def tick() -> int:
        now_ns[0] += 1_000_000
        return now_ns[0]

    task = asyncio.ensure_future(ClockWatch(taken, server.rest(tick), Notes()).watch())
    await until(lambda: bool(taken.offsets))
    task.cancel()
    assert len(server.asked) == 3
    assert len(taken.offsets) == 1
    offset_ns, round_trip_ns = taken.offsets[0]
    assert round_trip_ns == 1_000_000
    assert offset_ns % 500_000 == 0
    assert offset_ns < 5_000_000


async def test_a_venue_without_the_route_is_told_of() -> None:
    notes = Notes()
    task = asyncio.ensure_future(ClockWatch(Taken(machine()), RestServer().rest(), notes).watch())
    await until(lambda: notes.texts == ["clock offset unknown"])
    task.cancel()
