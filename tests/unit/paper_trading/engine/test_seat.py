from decimal import Decimal

import pytest

from papertape.core.errors import DataError
from papertape.paper_trading.engine.seat import NO_PRICE, parse_duration_ns, units_of


def test_times() -> None:
    assert [parse_duration_ns(text) for text in ("500ms", "1s", "5m")] == [500_000_000, 10**9, 300 * 10**9]
    for text in ("", "1", "s", "0s", "-1s", "1w", "99999d"):
        with pytest.raises(DataError, match="expected a time"):
            parse_duration_ns(text)


def test_numbers_are_exact_or_on_no_tick() -> None:
    assert [units_of(number, 2) for number in ("1.25", 1.25, Decimal("1.25"), 3)] == [125, 125, 125, 300]
    assert [units_of(number, 2) for number in ("1.255", 10**30)] == [NO_PRICE, NO_PRICE]
    for number in ("x", "nan", float("inf"), None, [1]):
        with pytest.raises(DataError):
            units_of(number, 2)
