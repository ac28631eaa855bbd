"""Same tape, same state: live, replayed from its commands, and recovered from a checkpoint and the tail after SIGKILL."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORLDS, PARTS = 200, 10


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each world is a forked process")
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_any_write_a_run_comes_to_the_same_state(part: int) -> None:
    count = WORLDS // PARTS
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation.run_worlds", str(part * count), str(count)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])},
        capture_output=True,
        text=True,
        check=False,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told == [{"worlds": count}], done.stdout + done.stderr
