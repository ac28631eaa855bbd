"""Recorded frames through the machine: listing first, batches of whole events, errors with file and line."""

from pathlib import Path

import pytest

from papertape.core.errors import InputError, UnknownInstrument
from papertape.core.records import Flag, Kind, RecordBuffer, as_records
from papertape.data.connectors.reel_connector import FRAMES_PER_BATCH, ReelConnector
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import SPOT
from tests.binance_frames import TS, depth, snapshot, trade


def reel(folder: Path, *frames: bytes) -> Path:
    file = folder / "reel"
    file.write_bytes(b"".join(b"%d %b\n" % (TS, frame) for frame in frames))
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
    assert kinds[count:] == [Kind.DEPTH_DELTA, Kind.DEPTH_SNAPSHOT, Kind.DEPTH_SNAPSHOT, Kind.DEPTH_DELTA, Kind.PRINT]
    assert machine.frames == 3


def test_batches_hold_whole_events(tmp_path: Path) -> None:
    frames = [trade(number) for number in range(FRAMES_PER_BATCH * 2 + 5)]
    batches = [as_records(data) for data in connector(reel(tmp_path, *frames))[0].batches()]
    assert len(batches) == 3
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
