"""Fixed point for kernels: int64 only, no intermediate ever leaves int64, jitted and interpreted alike."""

from papertape.core.fixed.rows import MANTISSA_MAX, Rounding
from papertape.core.jit import njit

_MAX = MANTISSA_MAX
_HALF_EVEN = int(Rounding.HALF_EVEN)
_AWAY_FROM_ZERO = int(Rounding.AWAY_FROM_ZERO)
_FLOOR = int(Rounding.FLOOR)
_CEILING = int(Rounding.CEILING)
_DIRECT = 1 << 31
"""Up to this divisor a product of two remainders fits in int64."""


@njit
def mul_div(a: int, b: int, divisor: int, rounding: int) -> tuple[bool, int]:
    """(True, a * b / divisor), rounded once from the exact product.

    (False, 0) when the divisor is not positive, or when an argument or the result lies outside ±(2**63 - 1).
    `rounding` is a `Rounding` as a number.
    """
    if divisor <= 0 or a < -_MAX or b < -_MAX:
        return False, 0
    negative = (a < 0) != (b < 0)
    a, b = abs(a), abs(b)
    # a * b / d = (a // d) * b + (a % d) * (b // d) + (a % d) * (b % d) / d, and no term is negative.
    a_whole, a_rest = a // divisor, a % divisor
    b_whole, b_rest = b // divisor, b % divisor
    if (a_whole > 0 and b > _MAX // a_whole) or (b_whole > 0 and a_rest > _MAX // b_whole):
        return False, 0
    value, rest = _mul_div_rests(a_rest, b_rest, divisor)
    for term in (a_whole * b, a_rest * b_whole):
        if value > _MAX - term:
            return False, 0
        value += term
    if rest > 0 and _rounds_up(value, rest, divisor, negative, rounding):
        if value == _MAX:
            return False, 0
        value += 1
    return True, -value if negative else value


@njit
def _mul_div_rests(a: int, b: int, divisor: int) -> tuple[int, int]:
    """Quotient and rest of a * b / divisor for 0 <= a, b < divisor."""
    if divisor <= _DIRECT:
        return a * b // divisor, a * b % divisor
    quotient, rest = 0, 0
    for bit in range(62, -1, -1):
        quotient *= 2
        # Twice the rest may leave int64: compare before adding.
        if rest >= divisor - rest:
            quotient += 1
            rest -= divisor - rest
        else:
            rest += rest
        if (b >> bit) & 1:
            if rest >= divisor - a:
                quotient += 1
                rest -= divisor - a
            else:
                rest += a
    return quotient, rest


@njit
def _rounds_up(value: int, rest: int, divisor: int, negative: bool, rounding: int) -> bool:
    """Whether the magnitude `value` + rest / divisor is rounded away from zero, for rest > 0."""
    if rounding == _HALF_EVEN:
        return rest > divisor - rest or (rest == divisor - rest and value % 2 == 1)
    return rounding == _AWAY_FROM_ZERO or (rounding == _FLOOR and negative) or (rounding == _CEILING and not negative)
