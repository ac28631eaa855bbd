from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.core.errors import DecodeError
from papertape.core.records import Kind, RecordBuffer, as_records
from papertape.core.values import INTERVALS, Field, Interval, format_decimal, parse_decimal, read_values


@given(st.decimals(min_value=-(10**17), max_value=10**17, allow_nan=False, allow_infinity=False, places=9))
def test_a_decimal_comes_back_exact(number: Decimal) -> None:
    units, parts = parse_decimal(f"{number:f}")
    assert 0 <= parts < 10**18
    assert units + Fraction(parts, 10**18) == Fraction(number)
    assert Fraction(format_decimal((units, parts))) == Fraction(number)


def test_a_volume_of_a_month_and_a_rate_fit() -> None:
    assert parse_decimal("423075730671.12853000") == (423_075_730_671, 128_530_000_000_000_000)
    assert parse_decimal("-0.25") == (-1, 750_000_000_000_000_000)
    assert format_decimal(parse_decimal("-0.00010000")) == "-0.0001"


@pytest.mark.parametrize("text", ["", "x", "1e5", "0.0000000000000000001", "9" * 30, "-" + "9" * 30])
def test_what_is_no_such_number_is_refused(text: str) -> None:
    with pytest.raises(DecodeError):
        parse_decimal(text)


def test_values_are_read_by_field() -> None:
    buffer = RecordBuffer()
    for field, x, y in ((Field.STATE, Interval.M1, 1), (Field.OPEN, 7, 0)):
        buffer.pack(0, 0, Kind.KLINE, 0, 0, 0, 0, 0, x, y, field)
    assert read_values(as_records(buffer.take())) == {Field.STATE: (2, 1), Field.OPEN: (7, 0)}


def test_minute_and_month_are_told_apart() -> None:
    assert (INTERVALS["1m"], INTERVALS["1M"]) == (Interval.M1, Interval.MONTH1)
    assert list(INTERVALS.values()) == list(Interval)
