from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from papertape.core.fixed import Rounding
from papertape.core.money import Currency, Money, convert

EUR = Currency("EUR", 2)
amounts = st.integers(-(10**20), 10**20)


@given(amounts, st.lists(st.integers(0, 10**12), min_size=1, max_size=12).filter(any))
def test_an_allocation_loses_nothing_and_is_fair_to_one_unit(amount: int, weights: list[int]) -> None:
    shares = Money(amount, EUR).allocate(weights)
    assert sum(share.amount for share in shares) == amount
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share.amount - Fraction(amount * weight, sum(weights))) < 1


@given(
    *(amounts, st.integers(0, 8), st.integers(1, 10**15), st.integers(0, 12), st.integers(0, 8)),
    st.sampled_from(Rounding),
)
def test_a_conversion_is_exact_with_its_residual(
    amount: int, scale: int, rate: int, rate_scale: int, to_scale: int, rounding: Rounding
) -> None:
    done = convert(Money(amount, Currency("A", scale)), rate, rate_scale, Currency("B", to_scale), rounding)
    received, residual = (Fraction(money.amount, 10**money.currency.scale) for money in (done.received, done.residual))
    assert received + residual == Fraction(amount, 10**scale) * Fraction(rate, 10**rate_scale)
    assert abs(residual) < Fraction(1, 10**to_scale)
    assert done.received.currency == Currency("B", to_scale)
    if rounding is Rounding.HALF_EVEN:
        assert abs(residual) <= Fraction(1, 2 * 10**to_scale)
