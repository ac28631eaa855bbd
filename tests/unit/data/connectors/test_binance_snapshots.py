import asyncio

from papertape.data.connectors.binance_snapshots import Snapshots, snapshot_query
from papertape.data.connectors.ports import Answer
from papertape.data.wire.binance.rules import SPOT, USDM
from tests.binance_frames import depth, machine
from tests.rest_doubles import DEPTH, Notes, RestServer, Taken, until


async def test_a_book_that_wishes_for_a_snapshot_is_asked_for_until_it_has_one():
    one, server, notes = machine(), RestServer(), Notes()
    refusals = [Answer(503, b"", None)]
    server.answers["depth"] = lambda query: refusals.pop() if refusals else Answer(200, DEPTH, None)
    snapshots = Snapshots(one, Taken(one), server.rest(), notes)
    one.take(1, depth(10, 11))
    assert one.snapshot_wishes() == ["ETHUSDT"]
    async with asyncio.TaskGroup() as group:
        snapshots.begin(group)
        snapshots.begin(group)
        await until(lambda: one.feeds["ETHUSDT"].sync.synced)
    assert server.routes == ["depth", "depth"], "asked once, and again after the refusal"
    assert notes.texts == ["snapshot refused"]


def test_a_whole_book_is_asked_for():
    assert snapshot_query(SPOT, "A") == {"symbol": "A", "limit": "5000"}
    assert snapshot_query(USDM, "A") == {"symbol": "A", "limit": "1000"}
