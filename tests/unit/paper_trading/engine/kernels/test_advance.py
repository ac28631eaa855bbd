"""Time and records in the compiled engine: what is due comes before the record, and seconds that were crossed are marked."""

import numpy as np
import pytest

from papertape.core.errors import UnknownInstrument
from papertape.core.records import RECORD_DTYPE, Kind
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.rows import NONE, Why
from tests.engine_world import MONEY, MS, PERPETUAL, World


def clock(*times_ms: int) -> np.ndarray:
    """CLOCK records received at these times."""
    records = np.zeros(len(times_ms), RECORD_DTYPE)
    records["kind"], records["ts_recv_ns"] = int(Kind.CLOCK), np.array(times_ms) * MS
    return records


def test_an_order_arrives_before_the_record_that_reaches_its_time() -> None:
    world = World(PERPETUAL, make=Engine, latency_out_ns=5 * MS)
    world.quote(100, 5, 102, 5)
    world.buy(0, 1)
    world.now_ms += 5
    world.quote(100, 5, 110, 5)
    fill = world.events()[0]
    assert (fill.price, fill.ts_ns) == (102, 6 * MS)


def test_a_second_that_is_crossed_is_marked_before_what_comes_after_it() -> None:
    world = World(PERPETUAL, make=Engine)
    world.quote(99, 5, 101, 5)
    world.buy(0, 2)
    world.engine.take_marks()
    world.wait(1_000)
    world.wait(500)
    world.now_ms += 2_000
    world.quote(199, 5, 201, 5)
    world.wait(1_000)
    worths = [(ts_ns // (1_000 * MS), equity // MONEY) for ts_ns, _, equity, _ in world.engine.take_marks()]
    assert worths == [(1, 99_998), (3, 99_998), (4, 100_198)]


def test_engine_time_stops_at_the_wake_time_and_goes_on_from_there() -> None:
    world = World(PERPETUAL, make=Engine)
    world.quote(99, 5, 101, 5)
    engine = world.engine
    engine.load(clock(10, 20, 30))
    assert engine.advance(0, 15 * MS) == (1, Why.TIMER, NONE)
    assert engine.now_ns == 15 * MS
    assert engine.advance(1) == (3, Why.DONE, NONE)
    assert engine.now_ns == 30 * MS


def test_the_clock_offset_of_the_venue_moves_engine_time_but_never_back() -> None:
    world = World(PERPETUAL, make=Engine)
    world.quote(99, 5, 101, 5)
    world.wait(10, offset_ms=7)
    assert world.engine.now_ns == 18 * MS
    world.wait(2, offset_ms=-50)
    assert world.engine.now_ns == 18 * MS


def test_a_record_of_an_instrument_that_nobody_listed_is_an_error() -> None:
    world = World(PERPETUAL, make=Engine)
    stray = clock(5)
    stray["kind"], stray["instrument"] = int(Kind.QUOTE), 3
    with pytest.raises(UnknownInstrument, match="INSTRUMENT event of instrument 3 before its data"):
        world.engine.take(stray)
