from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.core.errors import DataError, DecodeError, FinerThanScale
from papertape.core.fixed import (
    MANTISSA_MAX,
    SCALE_MAX,
    Rounding,
    decimals,
    divide,
    format_fixed,
    format_trimmed,
    multiply,
    parse_fixed,
    rescale,
)
from papertape.core.fixed.kernels import mul_div

mantissas = st.integers(-MANTISSA_MAX, MANTISSA_MAX)
scales = st.integers(0, SCALE_MAX)
roundings = st.sampled_from(Rounding)


@given(mantissas, scales)
def test_what_is_formatted_is_parsed_again(mantissa: int, scale: int) -> None:
    for text in (format_fixed(mantissa, scale), format_trimmed(mantissa, scale)):
        assert parse_fixed(text, scale) == mantissa
        assert parse_fixed(text.encode(), scale) == mantissa
        assert Decimal(text).scaleb(scale) == mantissa


@given(st.from_regex(r"-?[0-9]{1,25}(\.[0-9]{1,25})?", fullmatch=True), scales)
def test_parsing_is_what_exact_fractions_say(text: str, scale: int) -> None:
    needed = decimals(text)
    fits = needed <= SCALE_MAX and abs(Fraction(text)) * 10 ** max(needed, scale) <= MANTISSA_MAX
    if fits and needed <= scale:
        assert parse_fixed(text, scale) == Fraction(text) * 10**scale
        return
    with pytest.raises(DecodeError) as caught:
        parse_fixed(text, scale)
    assert isinstance(caught.value, FinerThanScale) == fits
    if isinstance(caught.value, FinerThanScale):
        assert caught.value.decimals == needed
        assert Fraction(parse_fixed(text, needed), 10**needed) == Fraction(text)


@given(st.one_of(st.text(max_size=12), st.text("0123456789.-+eE_ ", max_size=12)), scales)
def test_no_text_does_anything_but_parse_or_raise_decode_error(text: str, scale: int) -> None:
    try:
        mantissa = parse_fixed(text, scale)
    except DecodeError:
        return
    assert set(text) <= set("0123456789.-")
    assert Fraction(text) * 10**scale == mantissa


@given(st.integers(), st.integers().filter(bool), roundings)
def test_a_quotient_is_one_of_its_two_neighbours_by_its_rule(
    numerator: int, denominator: int, rounding: Rounding
) -> None:
    exact, value = Fraction(numerator, denominator), divide(numerator, denominator, rounding)
    assert abs(value - exact) < 1
    match rounding:
        case Rounding.HALF_EVEN:
            assert value == round(exact)
        case Rounding.TOWARD_ZERO:
            assert value == int(exact)
        case Rounding.AWAY_FROM_ZERO:
            assert abs(value) >= abs(exact)
        case Rounding.FLOOR:
            assert value <= exact
        case Rounding.CEILING:
            assert value >= exact


@given(mantissas, mantissas, st.integers(-SCALE_MAX, 2 * SCALE_MAX), roundings)
def test_multiply_rounds_the_exact_product_once_or_raises(a: int, b: int, drop: int, rounding: Rounding) -> None:
    exact = Fraction(a) * b / Fraction(10) ** drop
    try:
        value = multiply(a, b, drop, rounding)
    except DataError:
        assert abs(exact) > MANTISSA_MAX - 1
    else:
        assert value == divide(exact.numerator, exact.denominator, rounding)


@given(mantissas, scales, scales)
def test_rescaling_up_and_back_is_the_same(mantissa: int, low: int, high: int) -> None:
    low, high = sorted((low, high))
    try:
        finer = rescale(mantissa, low, high, Rounding.FLOOR)
    except DataError:
        assert abs(mantissa) * 10 ** (high - low) > MANTISSA_MAX
    else:
        assert rescale(finer, high, low, Rounding.CEILING) == mantissa


divisors = st.one_of(st.integers(1, MANTISSA_MAX), st.integers(0, SCALE_MAX).map(lambda power: 10**power))


@given(mantissas, mantissas, divisors, roundings)
def test_the_kernel_is_the_exact_product_and_division(a: int, b: int, divisor: int, rounding: Rounding) -> None:
    value = divide(a * b, divisor, rounding)
    assert mul_div(a, b, divisor, int(rounding)) == ((True, value) if abs(value) <= MANTISSA_MAX else (False, 0))
