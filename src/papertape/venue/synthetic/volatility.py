"""What all symbols have in common: moments at which values move, by how much, and how restless the times are.

Volatility is a product of components that each switch between a calm and a lively state, some several times a second,
some once an hour (the Markov-switching multifractal of Calvet and Fisher, "How to forecast long-run volatility", 2004):
so it clusters at every time scale, and returns have heavy tails that thin out with the horizon.
"""

from typing import NamedTuple

from papertape.core.draws import purpose_id
from papertape.venue.synthetic.tables import EXPONENTIAL, NORMAL, ROW, ROWS_BITS, Draws

PULSE_EVERY_NS = 10_000_000
"""Mean time between two moves of the values. They come at random, so no clock ticks in the data."""
PULSES_PER_S_ROOT = 10
"""Square root of the pulses in one second: the move of a second is so many times that of a pulse."""
LEVEL_ONE = 1 << 10
"""What a volatility level counts in."""
MOVE_PPB = 60_000
"""The typical common move in one second, in parts per billion."""

_COMMON = purpose_id("venue.synthetic.common")
_SWITCH = purpose_id("venue.synthetic.switch")
_SECOND_NS = 1_000_000_000
_COMMON_SWITCH_NS = tuple(_SECOND_NS * tenths // 10 for tenths in (4, 15, 60, 210, 750, 2_600, 9_000, 32_000))
_JUMP_ONE_IN = 1 << 13
_JUMP_TIMES = 14
_CALM, _LIVELY = 759, 1_237
"""Square roots of 0.55 and 1.45 in `LEVEL_ONE`: their squares are 1 on average."""


class Volatility:
    """A level that wanders: the product of components, each drawn anew after exponential times of its own mean."""

    def __init__(self, seed: int, key: int, switch_every_ns: tuple[int, ...]) -> None:
        self.level = LEVEL_ONE
        self._draws = Draws(seed, _SWITCH, key)
        self._every_ns = switch_every_ns
        self._lively = [False] * len(switch_every_ns)
        self._switch_ns = [0] * len(switch_every_ns)
        self._next_ns = 0

    def at(self, now_ns: int) -> int:
        """The level at a time not before the last one asked for."""
        if now_ns >= self._next_ns:
            for place, switch_ns in enumerate(self._switch_ns):
                if now_ns >= switch_ns:
                    bits = self._draws.bits()
                    self._lively[place] = bool(bits & 1)
                    wait_ns = self._every_ns[place] * EXPONENTIAL[bits >> 1 & ROW] >> 16
                    self._switch_ns[place] = now_ns + wait_ns
            self._next_ns = min(self._switch_ns)
            self.level = LEVEL_ONE
            for lively in self._lively:
                self.level = self.level * (_LIVELY if lively else _CALM) // LEVEL_ONE
        return self.level


class Pulse(NamedTuple):
    """A moment at which values move: the common move in parts per billion, times 65,536, and the common level."""

    at_ns: int
    move: int
    level: int


class Pulses:
    """The common moments, one after the other."""

    def __init__(self, seed: int) -> None:
        self.next_ns = 0
        self._draws = Draws(seed, _COMMON, 0)
        self._volatility = Volatility(seed, 0, _COMMON_SWITCH_NS)

    def take(self) -> Pulse:
        """The pulse that is due at `next_ns`; the one after it becomes the next."""
        now_ns, bits = self.next_ns, self._draws.bits()
        level = self._volatility.at(now_ns)
        move = moved(MOVE_PPB, level, bits)
        self.next_ns += 1 + (PULSE_EVERY_NS * EXPONENTIAL[bits >> 40 & ROW] >> 16)
        return Pulse(now_ns, move, level)


def moved(move_ppb: int, level: int, bits: int) -> int:
    """One random move, in parts per billion times 65,536; now and then it is a jump."""
    move = move_ppb * level * NORMAL[bits & ROW] // (LEVEL_ONE * PULSES_PER_S_ROOT)
    return move * _JUMP_TIMES if (bits >> ROWS_BITS) % _JUMP_ONE_IN == 0 else move
