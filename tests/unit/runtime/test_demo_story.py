import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from papertape.core.action_parts import AccountResult, LatencyUs
from papertape.core.actions import DemoResult
from papertape.runtime.demo_story import own_command, story

ACCOUNT = AccountResult(
    id="trend", equity="99961.60528837", cash="5", realised="-12.5", fees="40.001", fills=10, stopped=None
)
RESULT = DemoResult(
    venue="binance-spot",
    symbols=["BTCUSDT", "ETHUSDT"],
    seed=7,
    frames=40,
    market_records=90,
    prints=12,
    orders=33,
    fills=22,
    accounts=[ACCOUNT, msgspec.structs.replace(ACCOUNT, id="quoter", fills=12)],
    sequence_breaks=0,
    book_checks=5,
    book_mismatches=0,
    latency_us=LatencyUs(p50=1, p99=2),
    verified=True,
    live_hash="a" * 32,
    replay_hash="a" * 32,
    same=True,
    difference=None,
    tape="/some where/0001",
    run="0003",
)


def told(**changes: Any) -> str:
    return story(msgspec.structs.replace(RESULT, **changes), "papertape")


def test_it_says_what_happened_where_the_tape_is_and_what_to_do() -> None:
    said = told()
    for part in ("seed 7", "BTCUSDT, ETHUSDT", "40 frames", "90 market records", "33 orders and 22 fills"):
        assert part in said
    for part in ("compared 5 times", "The tape is kept: /some where/0001"):
        assert part in said
    lines = [line.strip() for line in said.splitlines()]
    for command in (
        "papertape replay '/some where/0001/runs/0003'",
        "papertape replay '/some where/0001/runs/0003' --rerun",
        "papertape replay '/some where/0001'",
        "papertape verify '/some where/0001'",
        "papertape init",
    ):
        assert command in lines
    assert "WRONG" not in said
    assert "Reels were played" in told(seed=None)


def test_every_account_has_a_line_with_money_cut_to_cents() -> None:
    line = next(line for line in told().splitlines() if line.strip().startswith("trend"))
    assert line.split() == ["trend", "equity", "99,961.61", "realised", "-12.50", "fees", "40.00", "fills", "10"]
    assert any(line.strip().startswith("quoter") for line in told().splitlines())


@pytest.mark.parametrize(
    "changes",
    [{"book_mismatches": 1}, {"sequence_breaks": 2}, {"verified": False}, {"same": False, "replay_hash": "b" * 32}],
)
def test_what_is_wrong_is_called_so(changes: dict[str, Any]) -> None:
    assert told(**changes).count("WRONG") == 1


def test_the_command_is_one_that_a_shell_here_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    script = Path(sys.executable).with_name("papertape")
    assert own_command() == f"{sys.executable} -m papertape" or script.exists()
