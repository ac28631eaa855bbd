"""Levels are read together to the same numbers, and the same errors, as text by text."""

import json

import msgspec
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from papertape.core.errors import DecodeError
from papertape.core.fixed import VALUE_MAX, format_fixed
from papertape.data.wire.binance import levels
from papertape.data.wire.binance.levels import read_levels
from papertape.data.wire.binance.numbers import Finer
from tests.binance_frames import numbers

ODD = [
    "",
    ".",
    "1",
    "1.",
    ".5",
    ".50",
    "-1.50",
    "1.5.0",
    "1_0.00",
    " 1.00",
    "+1.00",
    "1,2.00",
    "1e3",
    "٣.00",
    "1.234",
    "1" * 101 + ".00",
]
SEEN = ("1.00", "1.00000000", "1.0")

Read = tuple[list[int], list[int], int, int] | type[Exception]


def read(raw: str, scales: tuple[int, int], seen: tuple[str, ...]) -> Read:
    prices, sizes = (numbers(scale, *seen) for scale in scales)
    try:
        found = read_levels(msgspec.Raw(raw.encode()), prices, sizes)
    except (DecodeError, Finer, msgspec.MsgspecError) as error:
        return type(error)
    return list(found[0]), list(found[1]), prices.largest, sizes.largest


def same(raw: str, scales: tuple[int, int], seen: str) -> bool:
    """Whether it makes no difference that a text of the form was seen, without which all are read one by one."""
    zero = "0" * len(seen.partition(".")[0]) + "." + "0" * len(seen.partition(".")[2])
    together, alone = read(raw, scales, (zero,)), read(raw, scales, ())
    assert together == alone, (raw, scales, seen)
    return True


def compact(rows: list[tuple[str, str]]) -> str:
    return json.dumps(rows, separators=(",", ":"), ensure_ascii=False)


def test_the_usual_form_is_read_together_whatever_the_scales(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(text: bytes) -> None:
        pytest.fail(f"read one by one: {text!r}")

    monkeypatch.setattr(levels, "decode_levels", never)
    raw = '[["2681.62000000","1.50000000"],["0.07000000","0.00000000"]]'
    seen = ("0.00000000",)
    assert read(raw, (2, 4), seen) == ([268_162, 7], [15_000, 0], 268_162, 15_000)
    assert read(raw, (9, 8), seen) == (
        [2_681_620_000_000, 70_000_000],
        [150_000_000, 0],
        2_681_620_000_000,
        150_000_000,
    )
    assert read("[]", (2, 4), ()) == ([], [], 0, 0)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 8), st.integers(1, 8), st.data())
def test_levels_of_one_form(price_scale: int, size_scale: int, price: int, size: int, data: st.DataObject) -> None:
    mantissa = st.integers(0, 10**12)
    rows = data.draw(st.lists(st.tuples(mantissa, mantissa), max_size=12))
    raw = compact([(format_fixed(p, price), format_fixed(s, size)) for p, s in rows])
    seen = format_fixed(0, price)
    assert same(raw, (price_scale, size_scale), seen)


@given(
    st.lists(st.tuples(*[st.sampled_from(["1.00", "20.50", "0.07", "3.40000000", *ODD])] * 2), max_size=5),
    st.integers(0, 8),
)
def test_a_text_of_another_form_among_them(rows: list[tuple[str, str]], scale: int) -> None:
    assert all(same(compact(rows), (scale, scale), seen) for seen in SEEN)


@given(st.lists(st.tuples(*[st.text('0123456789.,-"[]', max_size=5)] * 2), max_size=4), st.integers(0, 3))
def test_any_texts(rows: list[tuple[str, str]], scale: int) -> None:
    assert all(same(compact(rows), (scale, scale), seen) for seen in SEEN)


@given(st.text('0123456789.,-"[] ', max_size=40), st.integers(0, 3))
def test_any_json(raw: str, scale: int) -> None:
    try:
        msgspec.json.decode(raw)
    except msgspec.DecodeError:
        reject()
    assert all(same(raw, (scale, scale), seen) for seen in SEEN)


@pytest.mark.parametrize(
    "raw",
    [
        "[]",
        "[[]]",
        "0",
        '[["1.00"],["2.00","3.00","4.00"]]',
        '[["1.00",2.00]]',
        '[["1.0","22.00"]]',
        '[["1.00","2"],["3.00","4.00"]]',
        '[["1.000000","2.00"],["3.00000000","4.00"]]',
        '[[".00","2.00"]]',
        '[[ "1.00", "2.00" ]]',
        '{"1.00":"2.00"}',
        "null",
    ],
)
def test_near_misses(raw: str) -> None:
    assert all(same(raw, (2, 2), seen) for seen in SEEN)


@pytest.mark.parametrize("digits", [19, 101, 5_000])
def test_a_number_that_does_not_fit_is_an_error_whatever_its_length(digits: int) -> None:
    rows = [("1.00", "1.00")] * 200 + [("9" * digits + ".00", "1.00")]
    assert read(compact(rows), (2, 2), ("0.00",)) is read(compact(rows), (2, 2), ()) is DecodeError


def test_the_largest_that_fits() -> None:
    raw = compact([(format_fixed(VALUE_MAX, 2), "1.00")])
    assert read(raw, (2, 2), ("0.00",)) == ([VALUE_MAX], [100], VALUE_MAX, 100)
