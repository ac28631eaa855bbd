import pytest

from papertape.core.errors import DataError, FinerThanScale, IntegrityError
from papertape.core.fixed import Rounding
from papertape.core.money import Currency, Money, convert

USD, JPY, USDT = Currency("USD", 2), Currency("JPY", 0), Currency("USDT", 8)


def usd(text: str) -> Money:
    return Money.parse(text, USD)


def test_money_is_read_and_told_as_decimal_text() -> None:
    assert usd("-12.5") == Money(-1250, USD)
    assert usd("-12.5").format() == "-12.50"
    assert str(Money(1, USDT)) == "0.00000001 USDT"
    assert str(Money(7, JPY)) == "7 JPY"
    with pytest.raises(FinerThanScale):
        usd("0.001")


def test_one_currency_adds_and_compares_exactly() -> None:
    assert usd("0.10") + usd("0.20") == usd("0.30")
    assert usd("1") - usd("2.50") == -usd("1.50")
    assert usd("1") < usd("2") <= usd("2") < usd("3")
    assert usd("3") > usd("2") >= usd("2") > usd("1")
    assert sorted([usd("2"), usd("1")]) == [usd("1"), usd("2")]


def test_currencies_do_not_mix() -> None:
    assert Money(1, USD) != Money(1, JPY)
    for mix in (Money.__add__, Money.__sub__, Money.__lt__, Money.__le__, Money.__gt__, Money.__ge__):
        with pytest.raises(IntegrityError, match="one currency cannot meet another"):
            mix(Money(1, USD), Money(1, JPY))
    with pytest.raises(IntegrityError):
        Money(1, USD) + Money(1, Currency("USD", 3))


def test_a_rate_multiplies_with_the_rounding_that_is_named() -> None:
    assert usd("10.05").times(5, 1, Rounding.HALF_EVEN) == usd("5.02")
    assert usd("10.05").times(5, 1, Rounding.AWAY_FROM_ZERO) == usd("5.03")
    assert usd("-10.05").times(5, 1, Rounding.FLOOR) == usd("-5.03")
    assert usd("1000000").times(4, 4, Rounding.HALF_EVEN) == usd("400")


def test_a_conversion_is_two_legs_and_what_rounding_left() -> None:
    done = convert(usd("10.01"), 149_555, 3, JPY)
    assert (done.given, done.received) == (usd("10.01"), Money(1497, JPY))
    # 10.01 x 149.555 = 1497.04555
    assert done.residual == Money(4555, Currency("JPY", 5))

    back = convert(Money(1, JPY), 67, 4, USD)
    assert (back.received, back.residual) == (usd("0.01"), Money(-33, Currency("USD", 4)))

    whole = convert(Money(3, JPY), 2, 0, USDT)
    assert (whole.received, whole.residual) == (Money.parse("6", USDT), Money(0, USDT))
    with pytest.raises(DataError, match=r"rate above 0, was -0\.5"):
        convert(usd("1"), -5, 1, JPY)


def test_shares_sum_to_the_whole() -> None:
    assert [share.amount for share in usd("1.00").allocate([1, 1, 1])] == [34, 33, 33]
    assert [share.amount for share in usd("0.05").allocate([1, 0, 3])] == [1, 0, 4]
    assert [share.amount for share in usd("-1.00").allocate([1, 1, 1])] == [-33, -33, -34]


@pytest.mark.parametrize("weights", [[], [0, 0], [2, -1]])
def test_weights_that_share_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(DataError, match="expected weights"):
        usd("1").allocate(weights)
