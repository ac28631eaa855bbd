"""The compiled engine against the naive one: the same worlds, the same events, marks and state hash."""

import pytest

from papertape.core.records import INT64_MAX
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.rows import LEVELS_AT_ONCE_MAX, LEVELS_WALKED_MAX, EventKind, OrderType, Side
from papertape.testing.naive_engine import NaiveEngine
from tests.differential.order_flow import play, scenario
from tests.engine_world import MONEY, PERPETUAL, World

WORLDS = 60


@pytest.mark.parametrize("seed", range(WORLDS))
def test_kernels_and_naive_engine_agree(seed: int) -> None:
    world = scenario(seed)
    naive, engine = NaiveEngine(world.terms, world.seed), Engine(world.terms, world.seed)
    play(naive, world, 1_000)
    play(engine, world, 100)
    assert engine.take_events() == naive.take_events()
    assert engine.take_marks() == naive.take_marks()
    assert engine.view() == naive.view()
    assert engine.state_hash() == naive.state_hash()


def test_a_record_that_fires_deep_stops_takes_so_many_levels_and_no_more() -> None:
    ends = []
    for make in (NaiveEngine, Engine):
        world = World(PERPETUAL, make=make, cash=10**10)
        world.snapshot(1, {1_000 - away: 10 for away in range(600)}, {1_001: 1})
        stops = [world.send(Side.SELL, OrderType.STOP, 900, 5_120) for _ in range(9)]
        world.told()
        world.trade(900, 1, sold=True)
        events = world.events()
        fills = [sum(event.order == stop and event.kind == EventKind.FILL for event in events) for stop in stops]
        assert sum(fills) <= LEVELS_AT_ONCE_MAX
        assert fills[0] == LEVELS_WALKED_MAX
        assert fills[-1] == 0
        assert [event.kind for event in events if event.order == stops[-1]] == [EventKind.TRIGGERED, EventKind.EXPIRED]
        ends.append((events, world.engine.view(), world.engine.state_hash()))
    assert ends[0] == ends[1]


def test_a_holding_at_an_absurd_price_is_worth_the_most_that_can_be_told() -> None:
    ends = []
    for make in (NaiveEngine, Engine):
        world = World(PERPETUAL, make=make)
        world.quote(100, 5, 101, 5)
        world.buy(0, 3)
        world.quote(1 << 60, 5, (1 << 60) + 1, 5)
        world.wait(2_000)
        refused = world.buy(1, 1)
        world.quote(100, 5, 101, 5)
        world.wait(2_000)
        marks = world.engine.take_marks()
        assert INT64_MAX - 303 * MONEY in [equity for _, _, equity, _ in marks]
        ends.append((refused, world.told(), marks[-2:], world.engine.state_hash()))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("seed", range(8))
def test_batches_change_nothing(seed: int) -> None:
    hashes = set()
    for batch in (1, 7, 100_000):
        world = scenario(seed)
        engine = Engine(world.terms, world.seed)
        play(engine, world, batch)
        hashes.add(engine.state_hash())
    assert len(hashes) == 1
