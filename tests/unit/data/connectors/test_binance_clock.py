import asyncio

from papertape.data.connectors.binance_clock import ClockWatch
from papertape.data.connectors.ports import Answer
from tests.binance_frames import machine
from tests.rest_doubles import Notes, RestServer, Taken, until


async def test_the_offset_is_that_of_the_quickest_question():
    server = RestServer()
    server.answers["time"] = lambda query: Answer(200, b'{"serverTime":5}', None)
    taken = Taken(machine())
    times = iter([0, 3_000_000, 10_000_000, 11_000_000, *range(20_000_000, 40_000_000, 5_000_000)])
    watch = ClockWatch(taken, server.rest(), lambda: next(times), Notes())
    task = asyncio.ensure_future(watch.watch())
    await until(lambda: bool(taken.offsets))
    task.cancel()
    assert taken.offsets == [(5_000_000 - 10_500_000, 1_000_000)]


async def test_a_venue_without_the_route_is_told_of():
    notes = Notes()
    task = asyncio.ensure_future(ClockWatch(Taken(machine()), RestServer().rest(), lambda: 1, notes).watch())
    await until(lambda: notes.texts == ["clock offset unknown"])
    task.cancel()
