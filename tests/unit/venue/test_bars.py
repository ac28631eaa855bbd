"""Bars of prints, against sums made another way."""

from collections import deque
from decimal import Decimal

import pytest

from papertape.venue.bars import BarSeries, merged, span_ms, spelling_of
from papertape.venue.scan import Grid

MONDAY_MS = 1_767_571_200_000  # 2026-01-05
DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("interval", "at_ms", "expected"),
    [
        ("1s", 1_500, (1_000, 2_000)),
        ("3m", 200_000, (180_000, 360_000)),
        ("1w", MONDAY_MS, (MONDAY_MS, MONDAY_MS + 7 * DAY_MS)),
        ("1w", MONDAY_MS - 1, (MONDAY_MS - 7 * DAY_MS, MONDAY_MS)),
        ("1M", MONDAY_MS, (1_767_225_600_000, 1_769_904_000_000)),
        ("1M", 1_767_225_599_999, (1_764_547_200_000, 1_767_225_600_000)),
    ],
)
def test_where_a_bar_stands(interval: str, at_ms: int, expected: tuple[int, int]) -> None:
    assert span_ms(interval, at_ms) == expected


def test_no_such_interval() -> None:
    with pytest.raises(ValueError, match="was 1x"):
        span_ms("1x", 0)


def trade(number: int, ms: int, price: str, size: str, maker: bool) -> bytes:
    return f'{{"t":{number},"p":"{price}","q":"{size}","T":{ms},"m":{"true" if maker else "false"}}}'.encode()


def test_prints_become_bars_and_silence_empty_ones() -> None:
    prints = deque([trade(1, 100, "10", "1", False), trade(2, 900, "12", "2", True)])
    series = BarSeries("1s", prints)
    series.pass_to(950)
    assert not series.closed
    prints.append(trade(3, 3_100, "11", "1", True))
    series.pass_to(3_200)
    first, *empty = series.closed
    assert (first.open, first.high, first.low, first.close) == (10, 12, 10, 12)
    assert (first.volume, first.quote, first.taker_volume, first.taker_quote) == (3, 34, 1, 10)
    assert (first.prints, first.first_id, first.last_id) == (2, 1, 2)
    assert [(bar.open_ms, bar.close, bar.prints, bar.first_id) for bar in empty] == [
        (1000, 12, 0, -1),
        (2000, 12, 0, -1),
    ]
    assert series.last(1)[0].last_id == 3
    whole = merged(series.last(10))
    assert whole
    assert (whole.open, whole.high, whole.close, whole.volume, whole.prints) == (10, 12, 11, 4, 3)
    assert merged(empty) is None


def test_a_series_before_any_print_is_empty() -> None:
    series = BarSeries("1m", deque())
    series.pass_to(1_000_000)
    assert series.last(5) == []


def test_how_numbers_are_written() -> None:
    grid = Grid(2, 3)
    assert spelling_of(grid, spot=True).price(Decimal("1.5")) == "1.50000000"
    assert (spelling_of(grid, spot=False).price(Decimal("1.5")), spelling_of(grid, spot=False).size(Decimal(2))) == (
        "1.50",
        "2.000",
    )
