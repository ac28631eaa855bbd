"""Texts of numbers become mantissas: one by one and many at once, by the same rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.core.errors import DecodeError, UnknownInstrument
from papertape.core.fixed import VALUE_MAX, format_fixed
from papertape.data.wire.binance.numbers import PARSED_MAX, Finer, Numbers

ODD = [
    "",
    ".",
    "1",
    "1.",
    ".5",
    "-1.50",
    "1.5.0",
    "1_0.00",
    " 1.00",
    "+1.00",
    "1,2.00",
    "1e3",
    "٣.00",
    "1.234",
    "1" * 101,
]


def numbers(scale: int, *seen: str) -> Numbers:
    one = Numbers("ETHUSDT")
    one.set_scale(scale)
    for text in seen:
        one[text]
    return one


def one_by_one(scale: int, texts: list[str]) -> list[int] | type[Exception]:
    one = numbers(scale)
    try:
        return [one[text] for text in texts]
    except (DecodeError, Finer) as error:
        return type(error)


def at_once(scale: int, texts: list[str], seen: str) -> list[int] | type[Exception]:
    one = numbers(scale, seen)
    try:
        return one.many(texts)
    except (DecodeError, Finer) as error:
        return type(error)


@given(st.integers(0, 8), st.integers(1, 8), st.data())
def test_many_are_read_as_each_alone(scale: int, written: int, data: st.DataObject) -> None:
    mantissas = data.draw(st.lists(st.integers(0, 10**12), max_size=20))
    texts = [format_fixed(mantissa, written) for mantissa in mantissas]
    seen = format_fixed(0, written)
    assert at_once(scale, texts, seen) == one_by_one(scale, texts)


@given(st.lists(st.sampled_from(["1.00", "20.50", "0.07", "3.40000000", *ODD]), max_size=6), st.integers(0, 8))
def test_a_text_of_another_form_is_found_among_many(texts: list[str], scale: int) -> None:
    for seen in ("1.00", "1.00000000", "1.0"):
        assert at_once(scale, texts, seen) == one_by_one(scale, texts), seen


@given(st.lists(st.text("0123456789.,-", max_size=6), max_size=5), st.integers(0, 4))
def test_any_text(texts: list[str], scale: int) -> None:
    assert at_once(scale, texts, "1.00") == one_by_one(scale, texts)


def test_the_largest_is_known_whichever_way_it_came() -> None:
    one = numbers(2, "5.00", "-7.00")
    assert one.largest == 700
    one.many(["1.00", "9.99"])
    assert one.largest == 999
    one.set_scale(2)
    assert (one.largest, len(one)) == (999, 0)


@pytest.mark.parametrize("many", [True, False])
def test_a_number_beyond_62_bits_is_refused(many: bool) -> None:
    one, text = numbers(2, "1.00"), format_fixed(VALUE_MAX + 1, 2)
    with pytest.raises(DecodeError, match="62 bits"):
        one.many([text]) if many else one[text]
    assert one[format_fixed(VALUE_MAX, 2)] == VALUE_MAX


def test_a_finer_number_says_how_fine() -> None:
    one = numbers(1, "1.00")
    with pytest.raises(Finer) as raised:
        one.many(["1.00", "1.05"])
    assert (raised.value.numbers, raised.value.text, raised.value.decimals) == (one, "1.05", 2)


def test_before_the_listing_there_is_no_scale() -> None:
    for read in (lambda: Numbers("ETHUSDT")["1.0"], lambda: Numbers("ETHUSDT").many(["1.0"])):
        with pytest.raises(UnknownInstrument, match="ETHUSDT"):
            read()


def test_what_is_remembered_is_bounded() -> None:
    one = numbers(5)
    for number in range(2 * PARSED_MAX):
        one[f"0.{number:05d}"]
        assert len(one) <= PARSED_MAX
