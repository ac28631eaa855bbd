"""Chance without a generator: a draw is a function of the run's seed, its purpose, a key and a counter.

Adding a consumer never shifts another one's draws, and the arms of an experiment share theirs. The kernels' twin stands
in `kernels.py` (imports numba).
"""

from papertape.core.draws.rows import draw_below, draw_bits, draw_unit, purpose_id

__all__ = ["draw_below", "draw_bits", "draw_unit", "purpose_id"]
