"""A venue plug-in over a real socket: recorded, cut off, heard again, and continued on the same tape."""

import asyncio
import contextlib
import json
from pathlib import Path

import picows
import pytest

from papertape.core.errors import StoreError
from papertape.core.records import GapCause, Kind
from papertape.data.connectors.picows_transport import PicowsTransport
from papertape.runtime.venue_recording import VenueRecording, record_venue
from papertape.runtime.venues import load_venue
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter
from papertape.tape.verify import verify_tape

TOY = load_venue(f"{Path(__file__).parents[3] / 'examples' / 'toy_venue.py'}:ToyVenue")


class ToyServer(picows.WSListener):
    """Says the listing and some trades to whoever comes, then what it is told to."""

    def __init__(self):
        super().__init__()
        self.paths = []
        self.links = []
        self.next = 1

    def accept(self, request):
        self.paths.append(request.path.decode())
        return self

    def on_ws_connected(self, transport):
        self.links.append(transport)
        self.say(type="Listing", symbol="ABC", price_step="0.01", size_step="1")
        self.trades(3)

    def say(self, **fields):
        self.links[-1].send(picows.WSMsgType.TEXT, json.dumps(fields).encode())

    def trades(self, count):
        for _ in range(count):
            self.say(type="Trade", symbol="ABC", n=self.next, price="10.01", size="2", ms=1_700_000_000_000, sold=True)
            self.next += 1


@contextlib.asynccontextmanager
async def served():
    listener = ToyServer()
    server = await picows.ws_create_server(listener.accept, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield listener, f"ws://127.0.0.1:{port}/"
        for link in listener.links:
            link.disconnect(graceful=False)
            await link.wait_disconnected()


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


def records(tape, kind):
    found = [row for block in MarketReader.open(tape).blocks() for row in block.records if row["kind"] == kind]
    return [(int(row["id"]), int(row["price"]), int(row["x"]), int(row["y"])) for row in found]


@contextlib.asynccontextmanager
async def recording_of(tape, url, note=lambda *args, **facts: None):
    with MarketWriter.open(tape) as writer:
        recording = VenueRecording(TOY, ["ABC"], tape, writer, note)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(recording.run(PicowsTransport(), url))
            yield recording
            running.cancel()
        recording.end()


async def test_a_plug_in_is_recorded_and_heard_again(tmp_path):
    notes = []
    async with served() as (server, url):
        async with recording_of(tmp_path, url, lambda event, **facts: notes.append(event)) as recording:
            await until(lambda: len(records(tmp_path, Kind.PRINT)) == 3)
            server.say(type="Trade", symbol="ABC")
            server.next += 2
            server.links[-1].disconnect()
            await until(lambda: len(records(tmp_path, Kind.PRINT)) == 6 and recording.connections == 2)
        assert server.paths == ["/feed?symbols=ABC"] * 2
    assert [one[0] for one in records(tmp_path, Kind.PRINT)] == [1, 2, 3, 6, 7, 8]
    assert [gap[1:] for gap in records(tmp_path, Kind.GAP)] == [
        (GapCause.UNREADABLE_FRAME, -1, -1),
        (GapCause.IDS_MISSING, 4, 5),
    ]
    assert [state for _, _, state, _ in records(tmp_path, Kind.CONNECTION)] == [1, 2, 1, 2]
    assert notes == ["frame cannot be read", "connection ended"]
    assert verify_tape(tmp_path).ok


async def test_a_tape_is_continued(tmp_path):
    async with served() as (_, url):
        for prints in (3, 6):
            async with recording_of(tmp_path, url):
                await until(lambda: len(records(tmp_path, Kind.PRINT)) == prints)
    assert [one[0] for one in records(tmp_path, Kind.PRINT)] == [1, 2, 3, 4, 5, 6]
    gaps = records(tmp_path, Kind.GAP)
    assert gaps == [
        (Kind.DEPTH_DELTA, GapCause.CONNECTION_LOST, -1, -1),
        (Kind.PRINT, GapCause.CONNECTION_LOST, -1, -1),
    ]
    assert verify_tape(tmp_path).ok


async def test_nobody_there_is_told(tmp_path):
    notes = []
    async with served() as (_, url):
        pass
    recording = await record_venue(
        TOY, ["ABC"], tmp_path, seconds=2.0, url=url, note=lambda event, **facts: notes.append(event)
    )
    assert recording.connections == 0
    assert set(notes) == {"not connected"}


async def test_a_failure_to_write_ends_it(tmp_path):
    async with served() as (_, url):
        with MarketWriter.open(tmp_path) as writer:
            recording = VenueRecording(TOY, ["ABC"], tmp_path, writer, lambda *a, **k: None)
        with pytest.raises(StoreError, match="closed"):
            await recording.run(PicowsTransport(), url)
