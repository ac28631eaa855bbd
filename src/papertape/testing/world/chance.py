"""Chance of a simulated world: streams of draws that depend on the world's seed and on what they are for, nothing else."""

from collections.abc import Sequence
from typing import TypeVar

from papertape.core.draws import purpose_id
from papertape.core.draws.blocks import draw_block

T = TypeVar("T")

_BLOCK = 256
_BITS = 63


class Chance:
    """One consumer's draws, in order. Another consumer, or another `key` of the same one, shifts nothing here."""

    def __init__(self, seed: int, purpose: str, key: int = 0) -> None:
        self._seed = seed
        self._purpose = purpose_id(f"papertape.testing.world.{purpose}")
        self._key = key
        self._next = 0
        self._block: list[int] = []

    def bits(self) -> int:
        """63 random bits."""
        place = self._next % _BLOCK
        if place == 0:
            self._block = draw_block(self._seed, self._purpose, self._key, self._next, _BLOCK)
        self._next += 1
        return self._block[place]

    def below(self, bound: int) -> int:
        """From 0 to `bound` - 1."""
        return self.bits() * bound >> _BITS

    def between(self, least: int, most: int) -> int:
        """From `least` to `most`, both included."""
        return least + self.below(most - least + 1)

    def seconds(self, least: float, most: float) -> float:
        """A duration, in whole microseconds."""
        return self.between(round(least * 1e6), round(most * 1e6)) / 1e6

    def happens(self, permille: int) -> bool:
        """Whether something that happens `permille` times in 1,000 does."""
        return self.below(1_000) < permille

    def pick(self, choices: Sequence[T]) -> T:
        """One of `choices`."""
        return choices[self.below(len(choices))]
