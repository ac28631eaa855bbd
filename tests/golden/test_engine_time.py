"""Engine time of recorded reels: their venue's clock is ahead of the recorder's by a second and more, and never ahead of the engine's."""

from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np
import pytest

from papertape.core.clock import EngineClock
from papertape.core.records import Kind, RecordBuffer, as_records
from papertape.data.connectors.reel_connector import ReelConnector
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import VENUES
from papertape.tape.reels import read_reel
from tests.binance_frames import Records
from tests.golden.test_reels import REELS

pytestmark = pytest.mark.recordings

SECOND_NS = 1_000_000_000


@lru_cache
def taken(name: str, recordings: Path) -> Records:
    venue, symbol, files = REELS[name]
    machine = BinanceMachine(VENUES[venue], {symbol: 0}, Gate(RecordBuffer()))
    batches = ReelConnector(machine, [recordings / file for file in files]).batches()
    return np.concatenate([as_records(data) for data in batches])


@pytest.mark.parametrize("name", REELS)
def test_engine_time_never_lies_before_what_the_venue_has_said(name: str, recordings: Path) -> None:
    records = taken(name, recordings)
    assert (np.diff(records["ts_recv_ns"]) >= 0).all()
    rows = iter(records.tolist())
    row = next(rows, None)
    clock, said_ns = EngineClock(), 0
    for frame in read_reel([recordings / file for file in REELS[name][2]]):
        body = msgspec.json.decode(frame.payload)
        said_ns = max(said_ns, body.get("data", body).get("E", 0) * 1_000_000)
        while row is not None and row[1] <= frame.ts_recv_ns:
            clock.advance(row)
            row = next(rows, None)
        assert clock.now_ns >= said_ns, frame.place


@pytest.mark.parametrize("name", REELS)
def test_the_offset_rises_a_few_times_only(name: str, recordings: Path) -> None:
    records = taken(name, recordings)
    offsets = records["x"][records["kind"] == Kind.CLOCK_OFFSET]
    assert (np.diff(offsets) > 0).all()
    assert 1.2 * SECOND_NS < offsets[0] <= offsets[-1] < 1.53 * SECOND_NS
    assert offsets[-1] - offsets[0] < 0.1 * SECOND_NS
    assert len(offsets) < 100
