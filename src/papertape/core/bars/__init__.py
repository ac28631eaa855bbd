"""Time bars from prints and quotes. The kernels' twin stands in `kernels.py` (imports numba)."""

from papertape.core.bars.rows import BAR_DTYPE, BAR_STATE_DTYPE, Bar, BarMaker, BarSource, bar_states, follow

__all__ = ["BAR_DTYPE", "BAR_STATE_DTYPE", "Bar", "BarMaker", "BarSource", "bar_states", "follow"]
