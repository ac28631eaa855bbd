"""Many draws at once with numpy: what `draw_bits` gives for n, n + 1, n + 2 and so on, forty times as fast."""

import numpy as np

from papertape.core.draws.rows import threefry

_MASK = 0xFFFFFFFF


def draw_block(run_seed: int, purpose: int, key: int, first_n: int, count: int) -> list[int]:
    """Draws `first_n` to `first_n + count - 1` for `key`: each 63 random bits, as `draw_bits` gives them one by one."""
    n = np.arange(first_n, first_n + count, dtype=np.int64)
    # The cipher is written with operators that take arrays as well.
    high, low, _, _ = threefry(
        *(run_seed & _MASK, run_seed >> 32 & _MASK, purpose & _MASK, purpose >> 32 & _MASK),
        *(key & _MASK, key >> 32 & _MASK, n & _MASK, n >> 32 & _MASK),  # type: ignore[arg-type]
    )
    block: list[int] = np.asarray(high >> 1 << 32 | low).tolist()
    return block
