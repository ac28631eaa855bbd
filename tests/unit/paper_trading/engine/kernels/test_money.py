from fractions import Fraction

import numpy as np
import pytest

from papertape.core.fixed import MANTISSA_MAX
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.kernels.money import capped
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


@pytest.mark.parametrize("form", [capped, getattr(capped, "py_func", capped)])
def test_sums_stay_within_64_bits_and_a_rebate_is_taken_off(form) -> None:
    assert form(np.int64(100), np.int64(-5)) == 95
    assert form(np.int64(MANTISSA_MAX - 5), np.int64(5)) == MANTISSA_MAX
    assert form(np.int64(MANTISSA_MAX - 5), np.int64(6)) == MANTISSA_MAX


def test_a_taker_who_gets_a_rebate_needs_less() -> None:
    world = World(SPOT, cash=100, make=Engine, taker_rate=-5_000_000)
    world.quote(100, 5, 105, 5)
    world.buy(0, 1)
    assert world.told() == ["fill 1 @ 105"]
    assert world.cash() == 100 - 105 + Fraction(105, 20)
