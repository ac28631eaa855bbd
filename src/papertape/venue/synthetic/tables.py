"""The distributions of the synthetic market as tables of whole numbers, and the draws that pick from them.

A table holds 4,096 quantiles, so 12 bits of a draw pick one. Quantiles are rounded when the tables are made, and
everything after that is exact: the same seed makes the same market on every machine.
"""

import math
from collections.abc import Callable
from statistics import NormalDist

from papertape.core.draws.blocks import draw_block

ROWS_BITS = 12
ROWS = 1 << ROWS_BITS
ROW = ROWS - 1
"""Mask of the bits that pick a row."""
ONE = 1 << 16
"""What a table counts in: 1.0 is 65,536."""

DISTANCE_MAX = 500

_BLOCK_DRAWS = 1024


class Draws:
    """The draws for one purpose and key, one after the other, of 63 random bits each."""

    def __init__(self, seed: int, purpose: int, key: int) -> None:
        self._of = seed, purpose, key
        self._taken = 0
        self._block: list[int] = []
        self._at = 0

    def bits(self) -> int:
        """The next draw."""
        if self._at == len(self._block):
            self._block = draw_block(*self._of, self._taken, _BLOCK_DRAWS)
            self._taken += _BLOCK_DRAWS
            self._at = 0
        self._at += 1
        return self._block[self._at - 1]


def _table(quantile: Callable[[float], float]) -> tuple[int, ...]:
    return tuple(round(quantile((row + 0.5) / ROWS) * ONE) for row in range(ROWS))


def _pareto(share: float, alpha: float) -> float:
    """The quantile of a Pareto distribution of values from 1 on: P(x > y) = y ** -alpha."""
    return float((1 - share) ** (-1 / alpha))


EXPONENTIAL = _table(lambda share: -math.log(1 - share))
"""Of mean 1: the time to the next event of a Poisson process."""
NORMAL = _table(NormalDist().inv_cdf)
DISTANCE = _table(lambda share: DISTANCE_MAX**share - 1)
"""How far from the best price an order is placed: as many from 1 to 2 as from 100 to 200."""
LIFETIME = _table(lambda share: 0.38 * (_pareto(share, 1.4) - 1) + 0.05)
"""How long an order stays when nothing meets it: of mean 1 and median 0.3, a hundredth stay for 10 or more."""
SIZE = _table(lambda share: math.exp(2.2 * NormalDist().inv_cdf(share)))
"""Sizes of limit orders: lognormal of median 1 and mean 11; a hundredth are 167 or more."""
TAKER_SIZE = _table(lambda share: 0.05 * math.exp(2.4 * NormalDist().inv_cdf(share)))
"""Sizes of market orders: half are below 0.05, a hundredth are 13 or more."""
_RUN = _table(lambda share: 1.5 * _pareto(share, 1.4))
RUN = tuple(length // ONE for length in _RUN)
"""How many market orders one large trader's split order makes: from 1 to hundreds, in whole orders."""
DECAY = tuple(round(2 ** -(step / 64) * ONE) for step in range(64))
"""What is left after so many 64ths of a half-life."""
