"""Fixed point in plain Python, exact.

A mantissa lies within ±(2**63 - 1). The range is symmetric, so that a sign can always be turned.
"""

from enum import IntEnum

from papertape.core.errors import DataError, DecodeError, FinerThanScale

MANTISSA_MAX = (1 << 63) - 1
VALUE_MAX = (1 << 62) - 1
"""Largest mantissa of a price, size or rule of an instrument: the sum of two is still a mantissa."""
SCALE_MAX = 18
"""The largest decimal scale: 10**18 is the last power of ten within int64."""
TEXT_MAX = 100
"""Longest decimal text that is read, in characters."""

_POWERS: tuple[int, ...] = tuple(10**exponent for exponent in range(TEXT_MAX + SCALE_MAX + 1))


class Rounding(IntEnum):
    """What becomes of a quotient that is not whole. The numbers are what kernels take."""

    HALF_EVEN = 0
    TOWARD_ZERO = 1
    AWAY_FROM_ZERO = 2
    FLOOR = 3
    CEILING = 4


def parse_fixed(text: str | bytes, scale: int) -> int:
    """The mantissa of `text` at `scale` (0 to 18); exact, nothing is ever rounded.

    `text` is digits with an optional leading minus and an optional fraction: no exponent, plus sign, space or
    underscore. Zeros beyond the scale are fine. Raises FinerThanScale when the value needs more decimals, up
    to 18, and DecodeError when it is no such number, or none that fits in 64 bits.
    """
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    whole, _, fraction = text.partition(".")
    digits = whole + fraction
    # `isdigit` and `isascii` together keep out everything that `int` would take beyond plain digits.
    if not (whole and fraction and digits.isdigit() and digits.isascii() and len(digits) <= TEXT_MAX):
        return _parse_rare(text, scale)
    mantissa = int(digits)
    surplus = len(fraction) - scale
    if surplus < 0:
        mantissa *= _POWERS[-surplus]
    elif surplus:
        unit = _POWERS[surplus]
        if mantissa % unit:
            raise _finer(text, scale)
        mantissa //= unit
    if mantissa > MANTISSA_MAX:
        raise _too_large(text, scale)
    return mantissa


def decimals(text: str | bytes) -> int:
    """How many decimals `text` has once trailing zeros are trimmed. Raises DecodeError when it is no number."""
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    whole, point, fraction = text.removeprefix("-").partition(".")
    if not (whole.isdigit() and (fraction.isdigit() or not point) and text.isascii() and len(text) <= TEXT_MAX):
        raise _not_decimal(text)
    return len(fraction.rstrip("0"))


def format_fixed(mantissa: int, scale: int) -> str:
    """Decimal text with exactly `scale` decimals."""
    if not scale:
        return str(mantissa)
    digits = str(abs(mantissa)).rjust(scale + 1, "0")
    return f"{'-' if mantissa < 0 else ''}{digits[:-scale]}.{digits[-scale:]}"


def format_trimmed(mantissa: int, scale: int) -> str:
    """Decimal text without trailing zeros, and without a point when the value is whole."""
    text = format_fixed(mantissa, scale)
    return text.rstrip("0").rstrip(".") if scale else text


def divide(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Numerator / denominator rounded once. Any integers; ZeroDivisionError when the denominator is 0."""
    quotient, rest = divmod(numerator, denominator)
    if not rest or rounding is Rounding.FLOOR:
        return quotient
    # From here the exact value lies strictly between `quotient` and `quotient + 1`.
    if rounding is Rounding.CEILING:
        return quotient + 1
    if rounding is Rounding.TOWARD_ZERO:
        return quotient + (quotient < 0)
    if rounding is Rounding.AWAY_FROM_ZERO:
        return quotient + (quotient >= 0)
    above_half = abs(rest) * 2 - abs(denominator)
    return quotient + (above_half > 0 or (above_half == 0 and quotient % 2 == 1))


def multiply(a: int, b: int, drop_scale: int, rounding: Rounding) -> int:
    """A * b / 10**drop_scale, rounded once from the exact product.

    Price times size at scales p and s gives money at scale m with `drop_scale = p + s - m`; a negative one
    adds decimals. Raises DataError when the result does not fit in 64 bits.
    """
    if drop_scale < 0:
        return _checked(a * b * _POWERS[-drop_scale])
    return _checked(divide(a * b, _POWERS[drop_scale], rounding))


def rescale(mantissa: int, from_scale: int, to_scale: int, rounding: Rounding) -> int:
    """The same value at another scale. Raises DataError when it does not fit in 64 bits there."""
    return multiply(mantissa, 1, from_scale - to_scale, rounding)


def _parse_rare(text: str, scale: int) -> int:
    """Whole and negative numbers, and what is no number at all."""
    if text.isdigit() and text.isascii() and len(text) < TEXT_MAX:
        return parse_fixed(text + ".0", scale)
    if text[:1] == "-" and text[1:2].isdigit():
        return -parse_fixed(text[1:], scale)
    raise _not_decimal(text)


def _checked(value: int) -> int:
    if -MANTISSA_MAX <= value <= MANTISSA_MAX:
        return value
    raise DataError(f"expected a result within ±{MANTISSA_MAX}, was {value}: it does not fit in 64 bits")


def _not_decimal(text: str) -> DecodeError:
    return DecodeError(f"expected a decimal number of at most {TEXT_MAX} characters, was {text[:TEXT_MAX]!r}")


def _too_large(text: str, scale: int) -> DecodeError:
    return DecodeError(f"expected a number that fits in 64 bits with {scale} decimals, was {text}")


def _finer(text: str, scale: int) -> DecodeError:
    """FinerThanScale when some scale up to 18 holds the value, else why none does."""
    needed = decimals(text)
    if needed > SCALE_MAX:
        return DecodeError(f"expected at most {SCALE_MAX} decimals, was {text}")
    if int(text.replace(".", "")) // _POWERS[len(text.partition(".")[2]) - needed] > MANTISSA_MAX:
        return _too_large(text, needed)
    return FinerThanScale(f"expected at most {scale} decimals, was {text}", needed)
