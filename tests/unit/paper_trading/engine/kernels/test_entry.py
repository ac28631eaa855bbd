"""The doors to the kernels: made once for a layout, fed by address, with a compiled strategy behind one of them."""

import numpy as np
import pytest

from papertape.core.errors import DataError
from papertape.core.jit import njit
from papertape.core.records import RECORD_DTYPE, Kind
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.kernels.desk import submit
from papertape.paper_trading.engine.kernels.entry import doors
from papertape.paper_trading.engine.rows import LARGE, SMALL, state_dtype
from papertape.paper_trading.engine.terms import Terms
from tests.engine_world import PERPETUAL, World

QUOTE = int(Kind.QUOTE)


@njit
def buy_every_quote(state, account, record):
    """Counts the records it is called with, and buys one at the market for each quote."""
    state.memory[account, 0] += 1
    if record["kind"] == QUOTE:
        submit(state, account, int(record["instrument"]), 1, 0, 0, 0, 1)


def test_the_doors_of_a_layout_are_made_once() -> None:
    books = Engine(lambda _: Terms(), 1).market.books.dtype
    small = doors(books, state_dtype(SMALL))
    assert doors(books, state_dtype(SMALL)) is small
    assert doors(books, state_dtype(LARGE)) is not small


def test_records_with_gaps_between_them_are_refused_before_an_address_is_taken() -> None:
    with pytest.raises(DataError, match="consecutive records, was one with gaps"):
        Engine(lambda _: Terms(), 1).load(np.zeros(8, RECORD_DTYPE)[::2])


def test_a_compiled_strategy_is_called_with_each_record_of_a_listed_instrument() -> None:
    world = World(PERPETUAL, make=Engine)
    world.engine.use_compiled(buy_every_quote, 0)
    world.quote(100, 5, 102, 5)
    world.trade(102, 1, sold=False)
    world.quote(100, 5, 103, 5)
    world.wait(1)
    assert world.engine.states["memory"][0, 0, 0] == 3
    assert world.told() == ["fill 1 @ 102", "fill 1 @ 103"]


def test_a_second_compiled_strategy_is_refused() -> None:
    engine = World(PERPETUAL, make=Engine).engine
    engine.use_compiled(buy_every_quote, 0)
    with pytest.raises(DataError, match="at most one compiled strategy in a run"):
        engine.use_compiled(buy_every_quote, 0)
