"""Kernels: the ladder and its far table against a dictionary, and the sources that name their cache."""

import ast
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import papertape
from papertape.core.book import kernels as untyped
from papertape.core.book.compiled import SIZE_CLASSES, _empty_books, _levels

kernels: Any = untyped
PRICES = st.one_of(st.integers(1, 100), st.integers(1, 1 << 40), st.just(1 << 62))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(PRICES, st.sampled_from([0, 0, 1, 2])), max_size=60), st.sampled_from([0, 1]))
def test_a_side_holds_what_a_dictionary_holds(steps: list[tuple[int, int]], side: int) -> None:
    book, expected = _empty_books(1, 0)[0], dict[int, int]()
    kernels.clear_side(book, side)
    for price, size in steps:
        key = price if side == 0 else -price
        assert kernels.set_level(book, side, key, size)
        expected[key] = size
        expected = {known: amount for known, amount in expected.items() if amount}
        assert kernels._best(book, side)
        best = max(expected, default=0)
        assert int(book["top"][2 * side]) == (best if side == 0 else -best)
        assert int(book["top"][2 * side + 1]) == expected.get(best, 0)
    assert dict(_levels(book, side)) == expected


def test_the_far_table_refuses_before_it_is_full() -> None:
    book = _empty_books(1, 0)[0]
    kernels.clear_side(book, 0)
    assert kernels.set_level(book, 0, 1 << 50, 1)
    room = SIZE_CLASSES[0][1] * 3 // 4
    taken = [kernels.set_level(book, 0, -number * 1_000_003, 1) for number in range(1, room + 2)]
    assert taken == [True] * room + [False]
    assert len(_levels(book, 0)) == room + 1


def test_every_source_of_kernel_constants_names_the_kernel_cache() -> None:
    """numba sees edits of a kernel's own file only; what it imports must be in the cache directory's name."""
    source = Path(str(untyped.__file__))
    imported = {
        f"{node.module.rpartition('.')[2]}.py"
        for node in ast.parse(source.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("papertape.")
    }
    assert imported - {"jit.py"} <= set(papertape.KERNEL_SOURCES)
