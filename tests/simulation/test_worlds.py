"""One seed, one world: a recorder lives through every fault of a venue and of its network, without sockets and without waiting.

`python3 x.py soak` runs a thousand of them; these are the first.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from papertape.data.connectors.weights import WeightGovernor
from papertape.testing.world import run, run_world
from papertape.testing.world.run import LoneGovernor

WORLDS = 50
BEGINS_UNDER_A_BAN = 32
"""A world in which a recorder is killed while REST answers 418, and the next one begins before that pause is over."""


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


def test_a_recorder_that_begins_while_the_venue_told_to_wait_asks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = run_world(BEGINS_UNDER_A_BAN, tmp_path / "kept")
    assert report.faults["begun while told to wait"]
    assert not report.findings, report.text
    # The same with a count that ends with its process: the oracle sees what comes too early.
    forgetful = type("Forgetful", (LoneGovernor,), {"__init__": forget})
    monkeypatch.setattr(run, "LoneGovernor", forgetful)
    assert any("as told" in finding for finding in run_world(BEGINS_UNDER_A_BAN, tmp_path / "forgotten").findings)


def forget(self: LoneGovernor, file: Path, limit: int, now_ns: Callable[[], int]) -> None:
    """As the governor is made, without its file."""
    WeightGovernor.__init__(self, None, limit, now_ns)
