"""Texts of numbers become mantissas, each remembered for a while."""

import pytest

from papertape.core.errors import DecodeError, UnknownInstrument
from papertape.core.fixed import VALUE_MAX, format_fixed
from papertape.data.wire.binance.numbers import PARSED_MAX, Finer, Numbers
from tests.binance_frames import numbers


def test_a_text_is_read_at_the_scale_and_again_at_the_next_one() -> None:
    one = numbers(2)
    assert (one["5.00"], one["-7.1"], one["5.00"], one["3.40000000"]) == (500, -710, 500, 340)
    assert (one.largest, one.decimals) == (710, 8)
    one.set_scale(3)
    assert (one["5.00"], len(one)) == (5000, 1)


def test_a_number_beyond_62_bits_is_refused() -> None:
    one = numbers(2, "1.00")
    with pytest.raises(DecodeError, match="62 bits"):
        one[format_fixed(VALUE_MAX + 1, 2)]
    assert one[format_fixed(VALUE_MAX, 2)] == one.largest == VALUE_MAX


def test_a_finer_number_says_how_fine() -> None:
    one = numbers(1, "1.00")
    with pytest.raises(Finer) as raised:
        one["1.05"]
    assert (raised.value.numbers, raised.value.text, raised.value.decimals) == (one, "1.05", 2)


def test_before_the_listing_there_is_no_scale() -> None:
    with pytest.raises(UnknownInstrument, match="ETHUSDT"):
        Numbers("ETHUSDT")["1.0"]


def test_what_is_remembered_is_bounded() -> None:
    one = numbers(5)
    for number in range(2 * PARSED_MAX):
        one[f"0.{number:05d}"]
        assert len(one) <= PARSED_MAX
