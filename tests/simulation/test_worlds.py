"""One seed, one world: a recorder lives through every fault of a venue and of its network, without sockets and without waiting.

`python3 x.py soak` runs a thousand of them; these are the first.
"""

from pathlib import Path

import pytest

from papertape.testing.world import run_world

WORLDS = 50


@pytest.mark.parametrize("seed", range(WORLDS))
def test_world_is_good(seed: int, tmp_path: Path) -> None:
    report = run_world(seed, tmp_path)
    assert not report.findings, "\n".join((report.text, *report.log))
    assert report.books_compared
    assert report.prints


def test_the_same_seed_is_the_same_world(tmp_path: Path) -> None:
    first, again = (run_world(7, tmp_path / name) for name in ("first", "again"))
    assert first == again
    assert run_world(8, tmp_path / "other").tape_hash != first.tape_hash
