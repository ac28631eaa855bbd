import hashlib
from collections.abc import Callable

import numpy as np
import pytest

from papertape.core.draws import kernels, purpose_id, rows

SEED, LATENCY, SLIPPAGE = 42, purpose_id("latency"), purpose_id("slippage")
INT64 = np.iinfo(np.int64)
CASES = [
    (seed, purpose, key, n)
    for seed in (0, -1, INT64.max)
    for purpose in (1, LATENCY)
    for key in (0, INT64.min)
    for n in range(5)
]
BOUNDS = [1, 2, 10, 1000, (1 << 31) - 1, 1 << 31, 10**9, 10**18, (1 << 62) - 1, 1 << 62]
DRAWS = 65_536


def results() -> list[int]:
    """What the kernels draw, given the numpy integers that kernels meet."""
    cases = [tuple(np.array(case, np.int64)) for case in CASES]
    plain = [draw(*case) for case in cases for draw in (kernels.draw_bits, kernels.draw_unit)]
    bounded = [kernels.draw_below(bound, *case) for case in cases for bound in np.array(BOUNDS, np.int64)]
    return [int(value) for value in plain + bounded]


def digest() -> str:
    return hashlib.blake2b(repr(results()).encode(), digest_size=16).hexdigest()


def test_kernels_draw_what_rows_draw() -> None:
    plain = [draw(*case) for case in CASES for draw in (rows.draw_bits, rows.draw_unit)]
    assert results() == plain + [rows.draw_below(bound, *case) for case in CASES for bound in BOUNDS]


def test_interpreted_the_kernels_give_the_same_without_a_warning(interpreted: Callable[[str, str], str]) -> None:
    assert interpreted(__file__, "digest") == digest()


@pytest.mark.parametrize("bins", [2, 10, 64, 100])
def test_draws_fill_their_range_evenly(bins: int) -> None:
    drawn = [kernels.draw_below(bins, SEED, LATENCY, 1, n) for n in range(DRAWS)]
    counts = np.bincount(drawn, minlength=bins)
    expected = DRAWS / bins
    chi_squared = float((((counts - expected) ** 2) / expected).sum())
    freedom = bins - 1
    # Chi-squared has the mean `freedom` and the variance 2 x `freedom`.
    assert abs(chi_squared - freedom) < 5 * (2 * freedom) ** 0.5


@pytest.mark.parametrize(
    "neighbour",
    [
        lambda n: (SEED, LATENCY, 1, n + 1),
        lambda n: (SEED, LATENCY, 2, n),
        lambda n: (SEED, SLIPPAGE, 1, n),
        lambda n: (SEED + 1, LATENCY, 1, n),
    ],
    ids=["counter", "key", "purpose", "seed"],
)
def test_neighbouring_draws_share_no_more_bits_than_chance(
    neighbour: Callable[[int], tuple[int, int, int, int]],
) -> None:
    pairs = [(kernels.draw_bits(SEED, LATENCY, 1, n), kernels.draw_bits(*neighbour(n))) for n in range(DRAWS)]
    differing = np.array([[(a ^ b) >> bit & 1 for bit in range(63)] for a, b in pairs[:8_192]])
    deviation = 0.5 / 8_192**0.5
    assert np.abs(differing.mean(axis=0) - 0.5).max() < 5 * deviation
    units = np.array(pairs, dtype=np.float64)
    assert abs(np.asarray(np.corrcoef(units.T))[0, 1]) < 5 / DRAWS**0.5
