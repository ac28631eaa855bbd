from fractions import Fraction

import pytest

from papertape.paper_trading.engine.engine import Engine
from tests.engine_world import MONEY, PERPETUAL, SPOT, World


@pytest.mark.parametrize("rate", [37_501, -12_345])
def test_a_fee_is_rounded_half_to_even(rate: int) -> None:
    world = World(PERPETUAL, make=Engine, taker_rate=rate)
    world.quote(100, 5, 102, 5)
    world.buy(0, 3)
    fill = world.engine.take_events()[-1]
    assert fill.notional == 306 * MONEY
    assert fill.fee == round(Fraction(fill.notional * rate, 10**8))


def test_equity_values_a_holding_at_the_middle() -> None:
    world = World(SPOT, cash=1_000, make=Engine)
    world.quote(100, 5, 102, 5)
    world.buy(0, 2)
    assert world.engine.equity(0) == (1_000 - 204 + 2 * 101) * MONEY
