import os
import subprocess
import sys

import pytest

from papertape.core.errors import DataError
from papertape.core.jit import njit
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.kernels.entry import doors
from papertape.paper_trading.engine.terms import Terms
from papertape.runtime.bench.market_stream import listing, quotes
from tests.conftest import ROOT
from tests.differential.order_flow import play, scenario

PLAY = """
from papertape.paper_trading.engine.engine import Engine
from tests.differential.order_flow import play, scenario
world = scenario(3)
engine = Engine(world.terms, world.seed)
play(engine, world, 100)
print(engine.state_hash())
"""


@njit
def count(state, account, record):
    state.memory[account, 3] += 1


def test_doors_of_one_layout_are_made_once() -> None:
    engine = Engine(lambda _: Terms(), 0)
    layouts = (engine.market.books.dtype, engine.states.dtype)
    assert doors(*layouts) is doors(*layouts)


def test_records_with_gaps_are_refused() -> None:
    engine = Engine(lambda _: Terms(), 0)
    with pytest.raises(DataError, match="consecutive"):
        engine.load(quotes(1_000)[::2])


def test_a_compiled_strategy_sees_every_record_of_its_run() -> None:
    engine = Engine(lambda _: Terms(), 0)
    account = engine.open_account("one", 10**10)
    engine.use_compiled(count, account)
    engine.take(listing())
    engine.take(quotes(1_000))
    assert engine.states[0]["memory"][account, 3] == 1_000
    with pytest.raises(DataError, match="at most one compiled strategy"):
        engine.use_compiled(count, account)


def test_interpreted_kernels_come_to_the_same_state() -> None:
    world = scenario(3)
    engine = Engine(world.terms, world.seed)
    play(engine, world, 100)
    # numpy warns of the running words, which are meant to wrap.
    command = [sys.executable, "-W", "ignore::RuntimeWarning", "-c", PLAY]
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT), *sys.path])
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": paths}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert answer.stdout.strip() == engine.state_hash(), answer.stderr
