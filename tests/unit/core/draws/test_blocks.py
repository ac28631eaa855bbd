import pytest

from papertape.core.draws import draw_bits
from papertape.core.draws.blocks import draw_block


@pytest.mark.parametrize("seed", [0, 7, -1, (1 << 63) - 1])
@pytest.mark.parametrize("first", [0, 5, (1 << 32) - 2])
def test_a_block_is_the_single_draws(seed: int, first: int) -> None:
    assert draw_block(seed, -3, 1 << 40, first, 5) == [draw_bits(seed, -3, 1 << 40, n) for n in range(first, first + 5)]
