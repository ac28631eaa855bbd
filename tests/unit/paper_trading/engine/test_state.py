import msgspec
import pytest

from papertape.core.errors import DataError, IntegrityError
from papertape.core.instruments import instrument_event
from papertape.paper_trading.engine import state
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.rows import LARGE, SMALL
from tests.engine_world import MS, PERPETUAL, World


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
