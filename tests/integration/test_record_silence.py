"""A recording of the box whose market is silent for a while: the tape tells the time that passed, and so does the reel."""

from pathlib import Path

import numpy as np
import pytest

from papertape.core.records import Kind, RecordBuffer, as_records
from papertape.core.silence import CLOCK_STEP_NS
from papertape.data.connectors.reel_connector import ReelConnector
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import SPOT
from papertape.tape.market_reader import MarketReader
from tests.binance_frames import Records
from tests.integration.hostile import HostileMarket, write_small_reel
from tests.integration.test_record_replay import check_same, through_the_box

SILENCE_US = 1_500_000


def silent_reel(path: Path) -> Path:
    """Two busy stretches of a small market, and between them nothing."""
    return write_small_reel(path, HostileMarket("ABCUSDT"), 1_000, SILENCE_US)


def clocks_of_the_silence(records: Records) -> list[int]:
    """Times of the CLOCK records in the longest pause between two prints."""
    prints = np.flatnonzero(records["kind"] == Kind.PRINT)
    longest = int(np.diff(records["ts_recv_ns"][prints]).argmax())
    within = records[prints[longest] : prints[longest + 1]]
    return within["ts_recv_ns"][within["kind"] == Kind.CLOCK].tolist()  # type: ignore[no-any-return]


async def test_a_silent_stretch_is_told_alike_by_tape_and_reel(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reel = silent_reel(tmp_path / "made.gz")
    summary = await through_the_box(tmp_path, "binance-spot", reel, "ABCUSDT", "1")
    check_same(capsys, tmp_path, "binance-spot", reel, "ABCUSDT", summary)
    on_tape = np.concatenate([batch.records for batch in MarketReader.open(tmp_path / "tape").blocks()])
    assert (np.diff(on_tape["ts_recv_ns"]) >= 0).all()
    machine = BinanceMachine(SPOT, {"ABCUSDT": 0}, Gate(RecordBuffer()))
    source = ReelConnector(machine, sorted((tmp_path / "reels").iterdir()))
    of_reel = np.concatenate([as_records(data) for data in source.batches()])
    stamps = clocks_of_the_silence(on_tape)
    assert len(stamps) >= SILENCE_US * 1_000 // CLOCK_STEP_NS - 1
    assert set(np.diff(stamps).tolist()) == {CLOCK_STEP_NS}
    assert stamps == clocks_of_the_silence(of_reel)
