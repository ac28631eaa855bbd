"""Every amount is the exact one, rounded once, half to even: Python's fractions say which that is."""

from fractions import Fraction

import pytest

from papertape.core.fixed import MANTISSA_MAX
from papertape.paper_trading.engine.kernels.money import capped, equity, fee, middle_value, plus, value
from papertape.paper_trading.engine.rows import SMALL
from papertape.paper_trading.engine.state import States, new_states

RATES = (0, 1, 7, 40_000, -10_000, 99_999_999)


def listed(times: int, over: int, *, is_spot: bool = False) -> States:
    """A state with one instrument whose value is price x size x times / over, and one open account."""
    states = new_states(SMALL, 1)
    state = states[0]
    row = state["instruments"][0]
    row["listed"], row["value_times"], row["value_over"], row["is_spot"] = 1, times, over, is_spot
    state["instruments_used"] = state["accounts"][0]["open"] = 1
    return states


@pytest.mark.parametrize(("times", "over"), [(1, 1), (10**8, 1), (1, 8), (3, 10**4)])
def test_a_value_is_the_product_rounded_half_to_even(times: int, over: int) -> None:
    inst = listed(times, over)[0]["instruments"][0]
    for price in (1, 3, 12, 99_999, 123_456):
        for size in (0, 1, 2, 5, 77_777):
            assert value(inst, price, size) == (True, round(Fraction(price * size * times, over)))


def test_a_value_that_leaves_64_bits_is_said_not_to_fit() -> None:
    inst = listed(10, 1)[0]["instruments"][0]
    assert value(inst, MANTISSA_MAX // 10, 1) == (True, MANTISSA_MAX // 10 * 10)
    assert value(inst, MANTISSA_MAX // 10 + 1, 1) == (False, 0)
    assert value(inst, MANTISSA_MAX // 10, 2) == (False, 0)
    assert (capped(MANTISSA_MAX - 1, 1), capped(MANTISSA_MAX - 1, 2)) == (MANTISSA_MAX, MANTISSA_MAX)


def test_a_fee_is_a_part_of_the_value_and_a_rebate_its_mirror() -> None:
    for amount in (0, 1, 50_000_000, 150_000_000, 10**15 + 1, MANTISSA_MAX):
        for rate in RATES:
            assert fee(amount, rate) == round(Fraction(amount * rate, 10**8)) == -fee(amount, -rate)


@pytest.mark.parametrize("is_spot", [True, False])
def test_equity_values_positions_at_the_middle(is_spot: bool) -> None:
    states = listed(1, 2, is_spot=is_spot)
    state = states[0]
    state["accounts"][0]["cash"], state["instruments"][0]["mid2"] = 1_000, 203
    state["positions"][0, 0]["size"], state["positions"][0, 0]["cost"] = 7, 300
    worth = round(Fraction(203 * 7, 2 * 2))
    assert equity(states[0], 0) == ((1_000 + worth, 0) if is_spot else (1_000 + worth - 300, worth))


def test_a_worth_that_leaves_64_bits_is_the_largest() -> None:
    states = listed(10, 1)
    inst = states[0]["instruments"][0]
    inst["mid2"] = MANTISSA_MAX // 10 + 1
    assert middle_value(inst, 1) == MANTISSA_MAX


@pytest.mark.parametrize("a", [0, 5, -5, MANTISSA_MAX, -MANTISSA_MAX])
@pytest.mark.parametrize("b", [0, 5, -5, MANTISSA_MAX, -MANTISSA_MAX])
def test_a_sum_stays_within_64_bits(a: int, b: int) -> None:
    assert plus(a, b) == max(-MANTISSA_MAX, min(a + b, MANTISSA_MAX))
