"""Money: an exact integer of a currency's smallest unit. Only named roundings round, and nothing is lost unsaid."""

from collections.abc import Sequence

import msgspec

from papertape.core.errors import DataError, IntegrityError
from papertape.core.fixed import Rounding, divide, format_fixed, parse_fixed


class Currency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A currency and the decimals its amounts have: cents are scale 2."""

    code: str
    scale: int


class Money(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`amount` in units of 10**-scale of one currency. Mixing currencies in a sum or an order raises IntegrityError."""

    amount: int
    currency: Currency

    @classmethod
    def parse(cls, text: str, currency: Currency) -> "Money":
        """From decimal text, exact. Raises DecodeError (FinerThanScale for a fraction of the smallest unit)."""
        return cls(parse_fixed(text, currency.scale), currency)

    def format(self) -> str:
        """Decimal text with all decimals of the currency, without its code."""
        return format_fixed(self.amount, self.currency.scale)

    def __str__(self) -> str:
        return f"{self.format()} {self.currency.code}"

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.amount > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.amount >= self._same(other)

    def times(self, rate: int, rate_scale: int, rounding: Rounding) -> "Money":
        """This amount times the fixed-point `rate`, rounded once to the currency's smallest unit."""
        return Money(divide(self.amount * rate, 10**rate_scale, rounding), self.currency)

    def allocate(self, weights: Sequence[int]) -> list["Money"]:
        """Shares in proportion to `weights` whose sum is exactly this amount.

        Each is within one smallest unit of its exact share; units left over go to the largest remainders, the
        earlier weight first. Raises DataError when a weight is negative or all are 0.
        """
        total = sum(weights)
        if not total or min(weights) < 0:
            raise DataError(f"expected weights of 0 or more, one at least above 0, was {list(weights)}")
        shares, rests = zip(*(divmod(self.amount * weight, total) for weight in weights), strict=True)
        left_over = self.amount - sum(shares)
        by_rest = sorted(range(len(weights)), key=lambda place: -rests[place])
        raised = frozenset(by_rest[:left_over])
        return [Money(share + (place in raised), self.currency) for place, share in enumerate(shares)]

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise IntegrityError(f"one currency cannot meet another: expected {self.currency}, was {other.currency}")
        return other.amount


class Conversion(msgspec.Struct, frozen=True):
    """One exchange of currency, as the ledger posts it: a leg in each currency and what rounding left over.

    `given` leaves and `received` comes in; its exact value is `received + residual`. The residual is told at the
    finer scale that makes it exact, to be gathered by the account `rounding`.
    """

    given: Money
    received: Money
    residual: Money


def convert(
    given: Money, rate: int, rate_scale: int, to: Currency, rounding: Rounding = Rounding.HALF_EVEN
) -> Conversion:
    """`given` in the currency `to` at a fixed-point rate: units of `to` for one of the old currency.

    Raises DataError when the rate is not positive.
    """
    if rate <= 0:
        raise DataError(f"expected a conversion rate above 0, was {format_fixed(rate, rate_scale)}")
    exact_scale = max(given.currency.scale + rate_scale, to.scale)
    exact = given.amount * rate * 10 ** (exact_scale - given.currency.scale - rate_scale)
    unit = 10 ** (exact_scale - to.scale)
    amount = divide(exact, unit, rounding)
    residual = Money(exact - amount * unit, Currency(to.code, exact_scale))
    return Conversion(given, Money(amount, to), residual)
