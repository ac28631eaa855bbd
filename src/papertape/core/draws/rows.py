"""Counter-based draws in plain Python: Threefry-4x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as
1, 2, 3", 2011), which needs only 32-bit additions, rotations and exclusive ors, and so never leaves int64.
"""

import hashlib

BOUND_MAX = 1 << 62
UNIT = 1 << 53
"""What `draw_unit` counts in: a draw is in [0, UNIT)."""

_MASK = 0xFFFFFFFF
_PARITY = 0x1BD11BDA
_ROUNDS = 20
_ROTATE_FIRST = (10, 11, 13, 23, 6, 17, 25, 18)
_ROTATE_SECOND = (26, 21, 27, 5, 20, 11, 10, 20)


def purpose_id(name: str) -> int:
    """The purpose named `name` as the number that draws take; computed once, where the purpose is declared."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little", signed=True)


def threefry(  # noqa: PLR0913 - a 128-bit key and a 128-bit counter in words
    k0: int, k1: int, k2: int, k3: int, x0: int, x1: int, x2: int, x3: int
) -> tuple[int, int, int, int]:
    """Threefry-4x32-20 of the counter x under the key k, all words of 32 bits. The kernel is this very function, compiled."""
    keys = (k0, k1, k2, k3, _PARITY ^ k0 ^ k1 ^ k2 ^ k3)
    x0, x1, x2, x3 = (x0 + k0) & _MASK, (x1 + k1) & _MASK, (x2 + k2) & _MASK, (x3 + k3) & _MASK
    for step in range(_ROUNDS):
        first, second = _ROTATE_FIRST[step % 8], _ROTATE_SECOND[step % 8]
        x0, x2 = (x0 + x1) & _MASK, (x2 + x3) & _MASK
        # Odd words change places in every round, which pairs them as the paper's permutation does.
        x1, x3 = (
            ((x3 << second) & _MASK | x3 >> (32 - second)) ^ x2,
            ((x1 << first) & _MASK | x1 >> (32 - first)) ^ x0,
        )
        if step % 4 == 3:
            turn = step // 4 + 1
            x0, x1 = (x0 + keys[turn % 5]) & _MASK, (x1 + keys[(turn + 1) % 5]) & _MASK
            x2, x3 = (x2 + keys[(turn + 2) % 5]) & _MASK, (x3 + keys[(turn + 3) % 5] + turn) & _MASK
    return x0, x1, x2, x3


def draw_bits(run_seed: int, purpose: int, key: int, n: int) -> int:
    """Draw number `n` for `key`: 63 random bits, as an int64 of 0 or more. All arguments are int64."""
    high, low, _, _ = threefry(
        *(run_seed & _MASK, run_seed >> 32 & _MASK, purpose & _MASK, purpose >> 32 & _MASK),
        *(key & _MASK, key >> 32 & _MASK, n & _MASK, n >> 32 & _MASK),
    )
    return high >> 1 << 32 | low


def draw_below(bound: int, run_seed: int, purpose: int, key: int, n: int) -> int:
    """A draw from 0 to `bound` - 1, for a bound from 1 to 2**62; no value is likelier than another by more than bound / 2**62."""
    return (draw_bits(run_seed, purpose, key, n) >> 1) * bound >> 62


def draw_unit(run_seed: int, purpose: int, key: int, n: int) -> int:
    """A draw from [0, 1), counted in 2**-53: from 0 to `UNIT` - 1."""
    return draw_bits(run_seed, purpose, key, n) >> 10
