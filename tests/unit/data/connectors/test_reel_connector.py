"""Recorded frames through the machine: listing first, time between them, batches of whole events, errors with file and line."""

from pathlib import Path

import pytest

from papertape.core.errors import InputError, UnknownInstrument
from papertape.core.records import Flag, Kind, RecordBuffer, as_records
from papertape.data.connectors.reel_connector import RECORDS_PER_BATCH, ReelConnector
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import SPOT
from tests.binance_frames import TS, combined, depth, snapshot, ticker, trade

MS_NS = 1_000_000


def reel(folder: Path, *frames: bytes) -> Path:
    return timed_reel(folder, *((0, frame) for frame in frames))


def timed_reel(folder: Path, *frames: tuple[int, bytes]) -> Path:
    """A reel of frames, each with its arrival in ms after TS."""
    file = folder / "reel"
    file.write_bytes(b"".join(b"%d %b\n" % (TS + at_ms * MS_NS, frame) for at_ms, frame in frames))
    return file


def connector(file: Path) -> tuple[ReelConnector, BinanceMachine]:
    machine = BinanceMachine(SPOT, {"ETHUSDT": 0}, Gate(RecordBuffer()))
    return ReelConnector(machine, [file]), machine


def test_the_instrument_is_listed_before_the_first_frame(tmp_path: Path) -> None:
    source, machine = connector(reel(tmp_path, depth(10, 11, [["10", "1"]]), snapshot(10), trade(1, "10")))
    (data,) = source.batches()
    kinds = as_records(data)["kind"].tolist()
    count = kinds.count(Kind.INSTRUMENT)
    assert kinds[:count] == [Kind.INSTRUMENT] * count
    assert kinds[count] == Kind.CLOCK_OFFSET
    assert kinds[count + 1 :] == [
        Kind.DEPTH_DELTA,
        Kind.DEPTH_SNAPSHOT,
        Kind.DEPTH_SNAPSHOT,
        Kind.DEPTH_DELTA,
        Kind.PRINT,
    ]
    assert machine.frames == 3


def test_an_offset_stands_before_the_records_of_the_frame_that_shows_a_larger_one(tmp_path: Path) -> None:
    """A print of id n says that it was sent at 1,000 + n ms of the venue's clock."""
    file = timed_reel(tmp_path, (0, trade(1)), (1, trade(2)), (2, ticker(5)), (3, trade(9)), (9, trade(10)))
    (data,) = connector(file)[0].batches()
    found = [one for one in as_records(data) if one["kind"] != Kind.INSTRUMENT]
    offset, quote, sold = Kind.CLOCK_OFFSET, Kind.QUOTE, Kind.PRINT
    assert [one["kind"] for one in found if one["kind"] != Kind.GAP] == [offset, sold, sold, quote, offset, sold, sold]
    first, second = (one for one in found if one["kind"] == offset)
    assert (first["ts_recv_ns"], first["x"], first["y"]) == (TS, 1_001 * MS_NS - TS, 0)
    assert (second["ts_recv_ns"], second["x"]) == (TS + 3 * MS_NS, 1_009 * MS_NS - (TS + 3 * MS_NS))


def test_clock_records_stand_where_nothing_arrives(tmp_path: Path) -> None:
    """What gives no record, such as a stream that is not handled, is silence too."""
    ignored = combined("ethusdt@avgPrice", {"e": "avgPrice"})
    file = timed_reel(tmp_path, (0, ticker(1)), (90, ticker(2)), (220, ignored), (310, ticker(3)), (400, ticker(4)))
    (data,) = connector(file)[0].batches()
    found = [(one["kind"], (int(one["ts_recv_ns"]) - TS) // MS_NS) for one in as_records(data)]
    clock, quote = Kind.CLOCK, Kind.QUOTE
    assert [one for one in found if one[0] != Kind.INSTRUMENT] == [
        *((quote, 0), (quote, 90), (clock, 100), (clock, 200), (clock, 300), (quote, 310), (quote, 400))
    ]


def test_batches_hold_whole_events(tmp_path: Path) -> None:
    frames = [trade(number) for number in range(RECORDS_PER_BATCH)]
    batches = [as_records(data) for data in connector(reel(tmp_path, *frames))[0].batches()]
    assert len(batches) == 3, "each shows a larger offset, so there are two records of a frame"
    for records in batches:
        assert records["flags"][0] & Flag.FIRST
        assert records["flags"][-1] & Flag.LAST
    assert sum(int((records["kind"] == Kind.PRINT).sum()) for records in batches) == len(frames)


@pytest.mark.parametrize("bad", [b"{broken", trade(2)[:-3], trade(2, "1e30"), trade(2, "0." + "0" * 25 + "1")])
@pytest.mark.parametrize("before", [1, 1_500])
def test_a_frame_that_cannot_be_read_is_told_by_file_and_line(tmp_path: Path, bad: bytes, before: int) -> None:
    file = reel(tmp_path, *(trade(number) for number in range(before)), bad)
    with pytest.raises(InputError, match=rf"reel, line {before + 1}: "):
        list(connector(file)[0].batches())


def test_an_empty_reel_and_an_unknown_symbol_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected frames in .*reel, was nothing"):
        list(connector(reel(tmp_path))[0].batches())
    with pytest.raises(UnknownInstrument, match="ETHUSDT"):
        list(connector(reel(tmp_path, b'{"symbols":[]}'))[0].batches())
