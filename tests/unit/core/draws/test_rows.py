import pytest

from papertape.core.draws import draw_below, draw_bits, draw_unit, purpose_id
from papertape.core.draws.rows import BOUND_MAX, UNIT, threefry

SEED, LATENCY, SLIPPAGE = 42, purpose_id("latency"), purpose_id("slippage")
DRAWS = 5_000


@pytest.mark.parametrize(
    ("key", "counter", "answer"),
    [
        (
            "00000000 00000000 00000000 00000000",
            "00000000 00000000 00000000 00000000",
            "9c6ca96a e17eae66 fc10ecd4 5256a7d8",
        ),
        (
            "ffffffff ffffffff ffffffff ffffffff",
            "ffffffff ffffffff ffffffff ffffffff",
            "2a881696 57012287 f6c7446e a16a6732",
        ),
        (
            "a4093822 299f31d0 082efa98 ec4e6c89",
            "243f6a88 85a308d3 13198a2e 03707344",
            "59cd1dbb b8879579 86b5d00c ac8b6d84",
        ),
    ],
)
def test_threefry_gives_its_authors_known_answers(key: str, counter: str, answer: str) -> None:
    words = [int(word, 16) for word in f"{key} {counter}".split()]
    assert " ".join(f"{word:08x}" for word in threefry(*words)) == answer


def test_a_draw_is_a_function_of_all_its_arguments_and_nothing_else() -> None:
    base = (SEED, LATENCY, 7, 3)
    assert draw_bits(*base) == draw_bits(*base)
    others = [(SEED + 1, LATENCY, 7, 3), (SEED, SLIPPAGE, 7, 3), (SEED, LATENCY, 8, 3), (SEED, LATENCY, 7, 4)]
    wide = [(SEED + (1 << 32), LATENCY, 7, 3), (SEED, LATENCY, 7 + (1 << 32), 3), (SEED, LATENCY, 7, -3)]
    assert len({draw_bits(*case) for case in [base, *others, *wide]}) == 8


def test_draws_stay_the_same_between_versions() -> None:
    assert (draw_bits(1, 2, 3, 4), draw_below(1000, 1, 2, 3, 4), draw_unit(1, 2, 3, 4)) == (
        8645918577954122057,
        937,
        8443279861283322,
    )
    assert purpose_id("latency") == -9130206907136216864


def test_draws_keep_their_ranges() -> None:
    for n in range(DRAWS):
        assert 0 <= draw_bits(SEED, LATENCY, -1, n) < 1 << 63
        assert 0 <= draw_unit(SEED, LATENCY, -1, n) < UNIT
        assert 0 <= draw_below(3, SEED, LATENCY, -1, n) < 3
        assert draw_below(1, SEED, LATENCY, -1, n) == 0
        assert 0 <= draw_below(BOUND_MAX, SEED, LATENCY, -1, n) < BOUND_MAX
