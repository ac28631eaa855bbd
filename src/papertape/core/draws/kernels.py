"""Counter-based draws for kernels: the same numbers as `rows.py`."""

from papertape.core.draws import rows
from papertape.core.jit import njit

_MASK = 0xFFFFFFFF
_HALF_MASK = (1 << 31) - 1
_threefry = njit(rows.threefry)


@njit
def draw_bits(run_seed: int, purpose: int, key: int, n: int) -> int:
    """Draw number `n` for `key`: 63 random bits, as an int64 of 0 or more."""
    high, low, _, _ = _threefry(
        run_seed & _MASK,
        run_seed >> 32 & _MASK,
        purpose & _MASK,
        purpose >> 32 & _MASK,
        key & _MASK,
        key >> 32 & _MASK,
        n & _MASK,
        n >> 32 & _MASK,
    )
    return high >> 1 << 32 | low


@njit
def draw_below(bound: int, run_seed: int, purpose: int, key: int, n: int) -> int:
    """A draw from 0 to `bound` - 1, for a bound from 1 to 2**62."""
    bits = draw_bits(run_seed, purpose, key, n) >> 1
    # The upper 62 bits of a product of 124, by halves of 31 bits.
    high, low, bound_high, bound_low = bits >> 31, bits & _HALF_MASK, bound >> 31, bound & _HALF_MASK
    middle = high * bound_low + (low * bound_low >> 31)
    return high * bound_high + (middle >> 31) + (low * bound_high + (middle & _HALF_MASK) >> 31)


@njit
def draw_unit(run_seed: int, purpose: int, key: int, n: int) -> int:
    """A draw from [0, 1), counted in 2**-53."""
    return draw_bits(run_seed, purpose, key, n) >> 10
