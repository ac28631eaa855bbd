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

from papertape.venue.seeded_reel import SYMBOL, write_seeded_reel

DEMO = [sys.executable, "-m", "papertape", "demo"]
pty = pytest.importorskip("pty", reason="needs pseudo-terminals")


def environment(home: Path) -> dict[str, str]:
    return os.environ | {"PAPERTAPE_HOME": str(home), "PYTHONUTF8": "1", "TERM": "xterm", "COLUMNS": "100"}


def demo(home: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*DEMO, *args], env=environment(home), capture_output=True, text=True, check=False)


def check(result: dict[str, Any]) -> None:
    assert result["same"] is True
    assert result["live_hash"] == result["replay_hash"]
    assert result["verified"] is True
    assert result["prints"] > 0
    assert result["book_checks"] > 0
    assert (result["book_mismatches"], result["sequence_breaks"]) == (0, 0)


def test_market_from_a_seed(tmp_path: Path) -> None:
    for number in ("0001", "0002"):
        done = demo(tmp_path, "--seconds", "3", "--json")
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        check(result)
        assert (result["symbol"], result["seed"]) == (SYMBOL, 7)
        assert Path(result["tape"]) == tmp_path / "demo" / number
        assert Path(result["tape"]).is_dir()
    assert "frames" in done.stderr, "without a terminal, progress comes in lines"
    assert "\x1b" not in done.stderr


def test_a_reel_is_played(tmp_path: Path) -> None:
    reel = tmp_path / "given.reel"
    write_seeded_reel(reel, 3, 30)
    args = ["--reel", str(reel), "--venue", "binance-spot", "--symbol", SYMBOL.lower(), "--seconds", "3", "--json"]
    done = demo(tmp_path / "home", *args)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    check(result)
    assert result["seed"] is None
    assert result["frames"] < 2_000, "the reel is longer than the demo"


def test_story_names_the_tape(tmp_path: Path) -> None:
    done = demo(tmp_path, "--seconds", "2")
    assert done.returncode == 0, done.stderr
    assert f"The tape is kept: {tmp_path / 'demo' / '0001'}\n" in done.stdout
    assert re.search(r"papertape replay \S*0001$", done.stdout, re.MULTILINE)


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
    """A person watches, and presses Ctrl-C once the book is in step."""
    master, slave = pty.openpty()
    command = [*DEMO, "--seconds", "60", "--json"]
    with subprocess.Popen(
        command, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=slave, text=True
    ) as running:
        os.close(slave)
        screen = b""
        while b"in step with the venue" not in screen:
            screen += os.read(master, 65536)
        running.send_signal(signal.SIGINT)
        rest = drain(master)
        assert running.stdout is not None
        result = json.loads(running.stdout.read())
    assert running.returncode == 130, screen + rest
    assert result["same"] is True
    assert result["verified"] is True
    for word in ("last prints", "spread", "book checks"):
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
