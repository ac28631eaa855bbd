import msgspec
import numpy as np
import pytest

from papertape.core.errors import DataError, IntegrityError
from papertape.core.instruments import Instrument, instrument_event
from papertape.core.records import WHOLE, Flag, Kind, RecordBuffer, as_records
from papertape.paper_trading.engine import state
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.rows import LARGE, SMALL, Side
from papertape.paper_trading.engine.run import Run
from papertape.paper_trading.engine.terms import Terms
from papertape.paper_trading.strategy import Strategy
from tests.engine_world import IOC, MS, PERPETUAL, SPOT, STOP, World


def test_finer_scales_keep_orders_positions_and_money() -> None:
    world = World(PERPETUAL, make=Engine)
    world.quote(100, 5, 102, 5)
    world.buy(0, 2)
    order = world.buy(99, 3)
    money, equity = world.cash(), world.engine.equity(0)
    finer = PERPETUAL.with_scales(2, 3)
    world.engine.take(instrument_event(finer, 0, world.now_ms * MS))
    assert (world.cash(), world.engine.equity(0)) == (money, equity)
    assert world.position().size == 2_000
    resting = world.order(order)
    assert resting is not None
    assert (resting.price, resting.size) == (9_900, 3_000)


def test_coarser_scales_are_refused() -> None:
    world = World(PERPETUAL.with_scales(2, 2), make=Engine)
    coarser = msgspec.structs.replace(PERPETUAL, epoch=2)
    with pytest.raises(DataError, match="no coarser"):
        world.engine.take(instrument_event(coarser, 0, world.now_ms * MS))


def test_a_larger_class_holds_the_same() -> None:
    states = state.new_states(SMALL, 9)
    states[0]["positions"][3, 2]["size"] = 77
    larger = state.enlarged(states, LARGE)
    assert larger[0]["seed"] == 9
    assert larger[0]["positions"][3, 2]["size"] == 77
    assert state.capacity_of(larger) == LARGE


def test_bytes_of_another_layout_are_refused() -> None:
    with pytest.raises(IntegrityError, match="bytes"):
        state.read_states(SMALL, b"short")


def told_at(instrument: Instrument, prices: int, sizes: int) -> World:
    """A world with orders, a position, a stop, an amend on its way and a level taken in part, at the scales of `instrument`."""
    world = World(instrument, cash=10_000, leverage=3, make=Engine, taker_rate=37_501, latency_out_ns=5 * MS)
    world.snapshot(1, {99 * prices: 9 * sizes}, {102 * prices: 5 * sizes, 103 * prices: 7 * sizes})
    world.buy(102 * prices, 3 * sizes)
    changed = world.buy(98 * prices, 4 * sizes)
    world.buy(99 * prices, 6 * sizes)
    world.wait(5)
    world.sell(105 * prices, 2 * sizes)
    world.send(Side.SELL, STOP, 97 * prices, sizes)
    world.trade(99 * prices, 11 * sizes, sold=True)
    world.wait(5)
    world.depth(2, {99 * prices: 2 * sizes}, {})
    world.amend(changed, 98 * prices, 5 * sizes)
    return world


@pytest.mark.parametrize("coarse", [SPOT, PERPETUAL])
def test_a_world_told_at_finer_scales_is_as_if_it_had_been_told_so_from_the_start(coarse: Instrument) -> None:
    finer = coarse.with_scales(1, 2)
    anew, always = told_at(coarse, 1, 1), told_at(finer, 10, 100)
    anew.engine.take(instrument_event(finer, 0, anew.now_ms * MS))
    for world in (anew, always):
        world.events()
    assert len(anew.engine.view().orders) == 4
    assert len(anew.engine.view().due) == 1
    assert anew.engine.view()[5:] == always.engine.view()[5:]
    told = []
    for world in (anew, always):
        world.wait(5)
        world.buy(1_020, 900, IOC)
        world.wait(5)
        world.trade(980, 2_000, sold=True)
        world.trade(970, 100, sold=True)
        told.append([event[1:] for event in world.events()])
    assert told[0] == told[1]
    assert [event[7] for event in told[0] if event[1] == 4] == [200, 400, 500, 100]
    assert anew.engine.view()[5:] == always.engine.view()[5:]


def test_what_was_seen_to_leave_the_queue_counts_at_the_new_scales() -> None:
    world = World(PERPETUAL, make=Engine)
    world.quote(100, 5, 102, 5)
    order = world.buy(100, 4)
    world.quote(100, 2, 102, 5)
    world.engine.take(instrument_event(PERPETUAL.with_scales(1, 1), 0, world.now_ms * MS))
    # The print tells of the 3.0 that the quote showed before it, and of nothing more.
    world.trade(1_000, 30, sold=True, event_ms=world.now_ms)
    assert world.told() == ["accepted"]
    assert world.ahead(order) == 20


class Bars(Strategy):
    def __init__(self) -> None:
        self.bars = []

    def on_start(self, ctx):
        ctx.subscribe_bars("AAAPERP", "1s", source="prints")

    def on_bar(self, ctx, bar):
        self.bars.append((bar.open, bar.high, bar.low, bar.close, bar.volume))


def test_an_open_bar_goes_on_at_the_new_scales() -> None:
    buffer, strategy = RecordBuffer(), Bars()
    buffer.extend(instrument_event(PERPETUAL, 0, MS))
    buffer.pack(0, 2 * MS, Kind.PRINT, WHOLE, 0, 0, 100, 3, 0, 0, 1)
    buffer.extend(instrument_event(PERPETUAL.with_scales(1, 2), 0, 3 * MS))
    buffer.pack(0, 4 * MS, Kind.PRINT, WHOLE | Flag.ASK, 0, 0, 985, 50, 0, 0, 2)
    buffer.pack(0, 1_000 * MS, Kind.PRINT, WHOLE, 0, 0, 990, 50, 0, 0, 3)
    run = Run(Engine(lambda _: Terms(), 0), lambda _: Terms())
    run.open_account("one", 10**12, strategy=strategy)
    run.take(0, as_records(buffer.take()))
    assert [tuple(map(str, bar)) for bar in strategy.bars] == [("100.0", "100.0", "98.5", "98.5", "3.50")]


def test_places_in_the_head_are_those_of_both_classes() -> None:
    for capacity in (SMALL, LARGE):
        states = state.new_states(capacity, 0)
        states[0]["event_count"], states[0]["overflow"], states[0]["now_ns"] = 3, 1, 7
        head = state.head_of(states)
        assert (head[state.EVENT_COUNT], head[state.OVERFLOW], head[state.NOW_NS]) == (3, 1, 7)
        assert np.count_nonzero(np.asarray(head[:2])) == 1
