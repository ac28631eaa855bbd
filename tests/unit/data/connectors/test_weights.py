"""The budget: one process, several, and what is left of it after a restart."""

import subprocess
import sys
from pathlib import Path

import pytest

from papertape.core.errors import StoreError
from papertape.data.connectors.weights import BAN_MAX_NS, BAN_UNSAID_NS, MINUTE_NS, WeightGovernor

NOW_NS = 1_000 * MINUTE_NS + 20_000_000_000


class Clock:
    def __init__(self) -> None:
        self.now_ns = NOW_NS

    def __call__(self) -> int:
        return self.now_ns


def test_four_fifths_are_used_and_the_rest_waits_for_the_next_minute() -> None:
    clock = Clock()
    governor = WeightGovernor(None, 1000, clock)
    assert [governor.reserve(250).wait_ns for _ in range(3)] == [0, 0, 0]
    assert governor.reserve(250).wait_ns == 40_000_000_000
    assert governor.reserve(50).wait_ns == 0, "what still fits is not held back"
    clock.now_ns += 40_000_000_000
    assert governor.reserve(250).wait_ns == 0


def test_the_venues_count_is_the_truth() -> None:
    clock = Clock()
    governor = WeightGovernor(None, 1000, clock)
    governor.answered(governor.reserve(250), 5)
    assert governor.state().used == 5, "we thought too much"
    governor.answered(governor.reserve(1), 790)
    assert governor.reserve(50).wait_ns, "others behind our address used it"
    late = governor.reserve(1)
    clock.now_ns += MINUTE_NS
    governor.answered(late, 791)
    assert governor.state().used == 0, "an answer of the minute before"


def test_what_was_not_answered_counts_in_full_and_a_question_that_costs_more_than_all_is_asked_alone() -> None:
    governor = WeightGovernor(None, 100, Clock())
    governor.answered(governor.reserve(250), None)
    assert governor.state().used == 250
    assert governor.reserve(1).wait_ns
    governor.set_limit(1000)
    assert governor.reserve(1).wait_ns == 0


@pytest.mark.parametrize(
    ("is_ban", "said_s", "until_ms", "waits_ns"),
    [
        (False, 7.0, None, 7_000_000_000),
        (False, None, None, 40_000_000_000),
        (True, None, None, BAN_UNSAID_NS),
        (True, None, (NOW_NS + 5 * MINUTE_NS) // 1_000_000, 5 * MINUTE_NS),
        (True, 1e9, None, BAN_MAX_NS),
    ],
)
def test_a_refusal_holds_everybody_back(
    is_ban: bool, said_s: float | None, until_ms: int | None, waits_ns: int
) -> None:
    clock = Clock()
    governor = WeightGovernor(None, 1000, clock)
    assert governor.refused(is_ban, said_s, until_ms) * 1e9 == waits_ns
    assert governor.reserve(1).wait_ns == waits_ns
    assert governor.state().banned is is_ban
    clock.now_ns += waits_ns
    assert governor.reserve(1).wait_ns == 0
    assert not governor.state().banned


def test_a_ban_outlives_the_process(tmp_path: Path) -> None:
    file = tmp_path / "weights" / "venue.json"
    WeightGovernor(file, 1000, Clock()).refused(True, 600.0, None)
    again = WeightGovernor(file, 1000, Clock())
    assert again.reserve(1).wait_ns == 600_000_000_000
    assert again.state().banned


ASKER = """
import sys
from pathlib import Path
from papertape.data.connectors.weights import WeightGovernor
governor = WeightGovernor(Path(sys.argv[1]), 1000, lambda: 60_000_000_000)
print(sum(not governor.reserve(10).wait_ns for _ in range(60)))
"""


def test_processes_share_one_budget(tmp_path: Path) -> None:
    """Three that want 600 each get 800 together, whoever comes first."""
    file = tmp_path / "venue.json"
    command = [sys.executable, "-c", ASKER, str(file)]
    askers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    got = [int(asker.communicate(timeout=60)[0]) for asker in askers]
    assert sum(got) == 80


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="PAPERTAPE_HOME"):
        WeightGovernor(tmp_path / "file" / "venue.json", 1, Clock())
    with pytest.raises(StoreError, match="remove it"):
        WeightGovernor(tmp_path / "file", 1, Clock()).reserve(1)
