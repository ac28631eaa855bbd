import pytest

from papertape.core.errors import DataError
from papertape.core.jit import njit
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.kernels.entry import doors
from papertape.paper_trading.engine.terms import Terms
from papertape.runtime.bench.market_stream import listing, quotes


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
