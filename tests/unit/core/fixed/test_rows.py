import pytest

from papertape.core.errors import DataError, DecodeError, FinerThanScale
from papertape.core.fixed import (
    MANTISSA_MAX,
    Rounding,
    decimals,
    divide,
    format_fixed,
    format_trimmed,
    multiply,
    parse_fixed,
    rescale,
)


@pytest.mark.parametrize(
    ("text", "scale", "mantissa"),
    [
        ("2683.80000000", 8, 268_380_000_000),
        ("2683.80000000", 1, 26_838),
        ("2683.8", 8, 268_380_000_000),
        (b"2683.8", 8, 268_380_000_000),
        ("0", 0, 0),
        ("-0.00", 2, 0),
        ("-1", 0, -1),
        ("-0.5", 1, -5),
        (b"-0.5", 3, -500),
        ("0007.10", 1, 71),
        ("9223372036854775807", 0, MANTISSA_MAX),
        ("-9223372036.854775807", 9, -MANTISSA_MAX),
        ("1." + "0" * 90, 0, 1),
    ],
)
def test_parses_exactly(text: str | bytes, scale: int, mantissa: int) -> None:
    assert parse_fixed(text, scale) == mantissa


NOT_NUMBERS = [
    *("", ".", "-", "1.", ".5", "-.5", "--1", "+1", "-+1", "1e5", "1E-3", "NaN", "inf", "-Infinity", "1_000", "1.0_0"),
    *(
        " 1",
        "1 ",
        "1\n",
        "0x10",
        "1.2.3",
        "1,5",
        "1.-5",
        "-",
        "²",
        "१",
        "1.१",
        "٣.٤",
        "1" * 101,
        "1.5\x00",
        b"\xb2",
        b"\xff1",
    ),
]


@pytest.mark.parametrize("text", NOT_NUMBERS)
def test_refuses_what_is_no_decimal_number(text: str | bytes) -> None:
    with pytest.raises(DecodeError, match="expected a decimal number"):
        parse_fixed(text, 2)
    with pytest.raises(DecodeError, match="expected a decimal number"):
        decimals(text)


@pytest.mark.parametrize(
    ("text", "scale", "needed"), [("1.25", 1, 2), ("-0.0010", 2, 3), ("0.000000000000000001", 0, 18)]
)
def test_a_finer_value_tells_the_decimals_it_needs(text: str | bytes, scale: int, needed: int) -> None:
    with pytest.raises(FinerThanScale, match=f"at most {scale} decimals") as caught:
        parse_fixed(text, scale)
    assert caught.value.decimals == needed


def test_a_finer_value_that_no_scale_holds_is_not_called_finer() -> None:
    for text, why in [("0.0000000000000000001", "at most 18 decimals"), ("9223372036854775807.5", "fits in 64 bits")]:
        with pytest.raises(DecodeError, match=why) as caught:
            parse_fixed(text, 0)
        assert not isinstance(caught.value, FinerThanScale)


@pytest.mark.parametrize(
    ("text", "scale"),
    [("9223372036854775808", 0), ("-9223372036854775808", 0), ("1" + "0" * 30, 8), ("92233720369", 8)],
)
def test_what_does_not_fit_in_64_bits_is_refused(text: str | bytes, scale: int) -> None:
    with pytest.raises(DecodeError, match="fits in 64 bits"):
        parse_fixed(text, scale)


@pytest.mark.parametrize(
    ("text", "count"), [("2683.80000000", 1), ("5", 0), ("5.000", 0), ("-0.010", 2), (b"0.00001000", 5)]
)
def test_decimals_are_counted_without_trailing_zeros(text: str | bytes, count: int) -> None:
    assert decimals(text) == count


@pytest.mark.parametrize(
    ("mantissa", "scale", "fixed", "trimmed"),
    [
        (0, 0, "0", "0"),
        (0, 2, "0.00", "0"),
        (100, 0, "100", "100"),
        (100, 2, "1.00", "1"),
        (-5, 3, "-0.005", "-0.005"),
        (-1250, 3, "-1.250", "-1.25"),
    ],
)
def test_formats_plain_decimal_text(mantissa: int, scale: int, fixed: str, trimmed: str) -> None:
    assert format_fixed(mantissa, scale) == fixed
    assert format_trimmed(mantissa, scale) == trimmed


@pytest.mark.parametrize(
    ("rounding", "halves"),
    [
        (Rounding.HALF_EVEN, [-2, -2, 0, 0, 2, 2]),
        (Rounding.TOWARD_ZERO, [-2, -1, 0, 0, 1, 2]),
        (Rounding.AWAY_FROM_ZERO, [-3, -2, -1, 1, 2, 3]),
        (Rounding.FLOOR, [-3, -2, -1, 0, 1, 2]),
        (Rounding.CEILING, [-2, -1, 0, 1, 2, 3]),
    ],
)
def test_each_rounding_does_what_its_name_says(rounding: Rounding, halves: list[int]) -> None:
    assert [divide(n, 2, rounding) for n in (-5, -3, -1, 1, 3, 5)] == halves
    assert [divide(-n, -2, rounding) for n in (-5, -3, -1, 1, 3, 5)] == halves
    assert [divide(n, 2, rounding) for n in (-4, 0, 4)] == [-2, 0, 2]


def test_half_even_looks_past_the_half() -> None:
    assert [divide(n, 100, Rounding.HALF_EVEN) for n in (249, 250, 251, 349, 350, 351)] == [2, 2, 3, 3, 4, 4]


def test_products_go_beyond_64_bits_and_come_back() -> None:
    price, size = parse_fixed("64000.12345678", 8), parse_fixed("1.5", 8)
    assert price * size > MANTISSA_MAX
    assert multiply(price, size, 8, Rounding.HALF_EVEN) == parse_fixed("96000.18518517", 8)
    assert multiply(3, 5, -2, Rounding.HALF_EVEN) == 1500


def test_a_result_outside_64_bits_is_an_error() -> None:
    assert multiply(MANTISSA_MAX, -1, 0, Rounding.FLOOR) == -MANTISSA_MAX
    with pytest.raises(DataError, match="fit in 64 bits"):
        multiply(MANTISSA_MAX, 2, 0, Rounding.FLOOR)
    with pytest.raises(DataError, match="fit in 64 bits"):
        rescale(MANTISSA_MAX, 0, 1, Rounding.FLOOR)


def test_rescale_rounds_once() -> None:
    assert rescale(12345, 3, 5, Rounding.FLOOR) == 1_234_500
    assert rescale(12345, 3, 2, Rounding.HALF_EVEN) == 1234
    assert rescale(-12345, 3, 0, Rounding.FLOOR) == -13
