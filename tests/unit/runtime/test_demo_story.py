import sys
from pathlib import Path

import pytest

from papertape.core.actions import DemoResult, LatencyUs
from papertape.runtime.demo_story import own_command, story


def result(**changes) -> DemoResult:
    fields = {
        "venue": "binance-spot",
        "symbol": "BTCUSDT",
        "seed": 7,
        "frames": 40,
        "market_records": 90,
        "prints": 12,
        "sequence_breaks": 0,
        "book_checks": 5,
        "book_mismatches": 0,
        "latency_us": LatencyUs(p50=1, p99=2),
        "verified": True,
        "live_hash": "a" * 32,
        "replay_hash": "a" * 32,
        "same": True,
        "tape": "/some where/0001",
    }
    return DemoResult(**{**fields, **changes})


def test_it_says_what_happened_where_the_tape_is_and_what_to_do():
    told = story(result(), "papertape")
    for part in ("seed 7", "40 frames", "90 market records", "12 trades", "compared 5 times", "/some where/0001"):
        assert part in told
    assert "papertape replay '/some where/0001'" in told
    assert "WRONG" not in told
    assert "Reels were played" in story(result(seed=None), "papertape")


@pytest.mark.parametrize(
    "changes",
    [{"book_mismatches": 1}, {"sequence_breaks": 2}, {"verified": False}, {"same": False, "replay_hash": "b" * 32}],
)
def test_what_is_wrong_is_called_so(changes):
    assert story(result(**changes), "papertape").count("WRONG") == 1


def test_the_command_is_one_that_a_shell_here_finds(monkeypatch):
    monkeypatch.setenv("PATH", "")
    script = Path(sys.executable).with_name("papertape")
    assert own_command() == f"{sys.executable} -m papertape" or script.exists()
