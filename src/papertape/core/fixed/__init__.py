"""Fixed point: a number is an `int64` mantissa at a decimal scale. The kernels' twin stands in `kernels.py` (imports numba)."""

from papertape.core.fixed.rows import (
    MANTISSA_MAX,
    SCALE_MAX,
    VALUE_MAX,
    Rounding,
    decimals,
    divide,
    format_fixed,
    format_trimmed,
    multiply,
    parse_fixed,
    rescale,
)

__all__ = [
    "MANTISSA_MAX",
    "SCALE_MAX",
    "VALUE_MAX",
    "Rounding",
    "decimals",
    "divide",
    "format_fixed",
    "format_trimmed",
    "multiply",
    "parse_fixed",
    "rescale",
]
