"""The compiled engine against the naive one: the same worlds, the same events, marks and state hash."""

import pytest

from papertape.core.errors import IntegrityError
from papertape.core.records import INT64_MAX
from papertape.paper_trading.engine.engine import Engine
from papertape.testing.naive_engine import NaiveEngine
from tests.differential.order_flow import play, scenario

WORLDS = 60


@pytest.mark.parametrize("seed", range(WORLDS))
def test_kernels_and_naive_engine_agree(seed: int) -> None:
    world = scenario(seed)
    naive, engine = NaiveEngine(world.terms, world.seed), Engine(world.terms, world.seed)
    play(naive, world, 1_000)
    if max((abs(equity) for _, _, equity, _ in naive.marks), default=0) > INT64_MAX:
        # A quote so absurd that a holding is worth more than 64 bits: the engine says so and goes no further.
        with pytest.raises(IntegrityError, match="64 bits"):
            play(engine, world, 100)
        return
    play(engine, world, 100)
    assert engine.take_events() == naive.take_events()
    assert engine.take_marks() == naive.take_marks()
    assert engine.view() == naive.view()
    assert engine.state_hash() == naive.state_hash()


@pytest.mark.parametrize("seed", range(8))
def test_batches_change_nothing(seed: int) -> None:
    hashes = set()
    for batch in (1, 7, 100_000):
        world = scenario(seed)
        engine = Engine(world.terms, world.seed)
        play(engine, world, batch)
        hashes.add(engine.state_hash())
    assert len(hashes) == 1
