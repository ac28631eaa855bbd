"""The demo as a person runs it: one command, in a process of its own."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from papertape.runtime.demo import SYMBOLS
from tests.made_tape import SYMBOL, made_market

DEMO = [sys.executable, "-m", "papertape", "demo"]
pty = pytest.importorskip("pty", reason="needs pseudo-terminals")


def environment(home: Path) -> dict[str, str]:
    return os.environ | {
        "PAPERTAPE_HOME": str(home),
        "PYTHONUTF8": "1",
        "TERM": "xterm",
        "COLUMNS": "100",
        "LINES": "24",
    }


def demo(home: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*DEMO, *args], env=environment(home), capture_output=True, text=True, check=False)


def check(result: dict[str, Any]) -> None:
    assert (result["same"], result["difference"]) == (True, None)
    assert result["live_hash"] == result["replay_hash"]
    assert result["verified"] is True
    assert result["prints"] > 0
    assert result["book_checks"] > 0
    assert (result["book_mismatches"], result["sequence_breaks"]) == (0, 0)
    assert result["fills"] == sum(one["fills"] for one in result["accounts"])
    assert [(one["id"], one["stopped"]) for one in result["accounts"]] == [("trend", None), ("quoter", None)]


def test_market_from_a_seed_is_traded_and_comes_out_again(tmp_path: Path) -> None:
    done = demo(tmp_path, "--seconds", "6", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    check(result)
    assert (result["symbols"], result["seed"]) == (list(SYMBOLS), 7)
    assert result["fills"] > 0
    assert result["orders"] > 0
    assert all(float(one["fees"]) > 0 for one in result["accounts"] if one["fills"])
    tape = tmp_path / "demo" / "0001"
    assert (Path(result["tape"]), result["run"]) == (tape, "0001")
    assert "frames" in done.stderr, "without a terminal, progress comes in lines"
    assert "\x1b" not in done.stderr
    for options in ([], ["--rerun"]):
        command = [sys.executable, "-m", "papertape", "replay", str(tape / "runs" / "0001"), *options, "--json"]
        again = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=False)
        assert again.returncode == 0, again.stderr
        replayed = json.loads(again.stdout)
        assert replayed["state_hash"] == result["live_hash"]
        assert replayed["accounts"] == result["accounts"]


def test_a_reel_is_played_and_the_story_names_the_tape(tmp_path: Path) -> None:
    made_market(tmp_path, 20)
    reel = ["--reel", str(tmp_path / "made.reel"), "--venue", "binance-spot", "--symbol", SYMBOL.lower()]
    (tmp_path / "home" / "demo" / "0001").mkdir(parents=True)
    done = demo(tmp_path / "home", *reel, "--seconds", "2")
    assert done.returncode == 0, done.stderr
    tape = tmp_path / "home" / "demo" / "0002"
    assert f"The tape is kept: {tape}\n" in done.stdout
    assert "Reels were played" in done.stdout
    assert re.search(rf"papertape replay {re.escape(str(tape))}/runs/0001 --rerun$", done.stdout, re.MULTILINE)
    assert "WRONG" not in done.stdout


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["--reel", "x.gz"], 2, "--venue and --symbol"),
        (["--symbol", "ETHUSDT"], 2, "belong to --reel"),
        (["--reel", "no-such.gz", "--venue", "binance-spot", "--symbol", "ETHUSDT"], 3, "no-such.gz"),
        (["--seconds", "0"], 2, "--seconds"),
        (["--seed", "-1"], 2, "--seed"),
    ],
)
def test_what_cannot_be_played_is_said_in_one_line(tmp_path: Path, args: list[str], code: int, says: str) -> None:
    done = demo(tmp_path, *args)
    assert done.returncode == code
    assert says in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_data_directory_without_rights_to_write(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file stands where the folder should be")
    done = demo(tmp_path / "home", "--seconds", "1")
    assert done.returncode == 5
    assert "PAPERTAPE_HOME" in done.stderr.splitlines()[-1]


def test_interrupt_on_a_terminal_ends_with_the_story(tmp_path: Path) -> None:
    """A person watches, and presses Ctrl-C once the book is in step and something was traded."""
    master, slave = pty.openpty()
    command = [*DEMO, "--seconds", "60", "--json"]
    with subprocess.Popen(
        command, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=slave, text=True
    ) as running:
        os.close(slave)
        screen = b""
        while b"in step with the venue" not in screen or b"bought" not in screen:
            screen += os.read(master, 65536)
        running.send_signal(signal.SIGINT)
        rest = drain(master)
        assert running.stdout is not None
        result = json.loads(running.stdout.read())
    assert running.returncode == 130, screen + rest
    check(result)
    assert result["fills"] > 0
    for word in (*SYMBOLS, "last fills", "equity", "trend", "quoter", "book against the venue"):
        assert word in screen.decode()


def drain(master: int) -> bytes:
    """What still comes until the other side is closed."""
    told = b""
    while True:
        try:
            more = os.read(master, 65536)
        except OSError:  # how Linux tells that nobody has the terminal open
            return told
        if not more:
            return told
        told += more
