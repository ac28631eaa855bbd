"""`papertape replay` through the command line: answers, and every kind of bad input with its exit code."""

import gzip
import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import zstandard

from papertape.cli import main
from papertape.core.records import RecordBuffer
from papertape.data.connectors.reel_connector import ReelConnector
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import SPOT
from papertape.tape.market_writer import MarketWriter
from tests.binance_frames import TS, combined, depth, snapshot, ticker, trade

FRAMES = [
    depth(9, 11, [["10.5", "1"]]),
    snapshot(10),
    ticker(12, "10.5", "11"),
    depth(12, 12, [["10.5", "1"]]),
    trade(1),
    combined("ethusdt@avgPrice", {}),
]


def reel(folder: Path, frames: list[bytes], name: str = "reel") -> Path:
    file = folder / name
    text = b"".join(b"%d %b\n" % (TS, frame) for frame in frames)
    packers: dict[str, Any] = {".gz": gzip.compress, ".zst": zstandard.compress}
    file.write_bytes(packers.get(file.suffix, bytes)(text))
    return file


def replay(*arguments: object) -> tuple[int, Any, str]:
    """Exit code, answer, last line on standard error."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = main(["replay", *map(str, arguments), "--json"])
    answer = json.loads(out.getvalue()) if out.getvalue() else None
    return code, answer, (err.getvalue().splitlines() or [""])[-1]


def of_reel(*files: Path, symbol: str = "ETHUSDT", venue: str = "binance-spot") -> tuple[int, Any, str]:
    return replay("--reel", *files, "--venue", venue, "--symbol", symbol)


def test_a_small_reel_is_answered_in_full(tmp_path: Path) -> None:
    code, answer, _ = of_reel(reel(tmp_path, FRAMES, "reel.zst"))
    assert code == 0
    assert answer.pop("elapsed_s") >= 0
    assert len(answer.pop("state_hash")) == 32
    assert answer == {
        "market_records": 6,
        "prints": 1,
        "synced": True,
        "book_checks": 1,
        "book_mismatches": 0,
        "ignored": 1,
        "sequence_breaks": 0,
        "crossed": 0,
        "verdicts": {},
        "orders": 0,
        "fills": 0,
        "accounts": [],
        "run": None,
        "difference": None,
    }


def test_as_a_process_it_says_the_same(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "papertape", "replay", "--reel", str(reel(tmp_path, [*FRAMES, b"{"]))]
    command += ["--venue", "binance-spot", "--symbol", "ETHUSDT", "--json"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert "line 7" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_reel_without_a_snapshot_is_not_synced_and_no_error(tmp_path: Path) -> None:
    code, answer, _ = of_reel(reel(tmp_path, [frame for frame in FRAMES if frame != FRAMES[1]]))
    assert (code, answer["synced"], answer["book_checks"]) == (0, False, 0)


def test_a_tape_gives_the_hash_of_its_reel(tmp_path: Path) -> None:
    file = reel(tmp_path, FRAMES)
    machine = BinanceMachine(SPOT, {"ETHUSDT": 0}, Gate(RecordBuffer()))
    with MarketWriter.open(tmp_path / "tape") as writer:
        for data in ReelConnector(machine, [file]).batches():
            writer.append(data)
    code, answer, _ = replay(tmp_path / "tape")
    assert code == 0
    assert answer["state_hash"] == of_reel(file)[1]["state_hash"]


def test_a_damaged_tape_is_told_with_exit_code_5(tmp_path: Path) -> None:
    one = BinanceMachine(SPOT, {"ETHUSDT": 0}, Gate(RecordBuffer()))
    with MarketWriter.open(tmp_path) as writer:
        for data in ReelConnector(one, [reel(tmp_path, [trade(number) for number in range(5_000)])]).batches():
            writer.append(data)
    segment = max(
        (path for path in tmp_path.rglob("*") if path.is_file() and path.name != "reel"),
        key=lambda path: path.stat().st_size,
    )
    content = bytearray(segment.read_bytes())
    content[len(content) // 3] ^= 0xFF
    segment.write_bytes(content)
    code, answer, said = replay(tmp_path)
    assert (code, answer) == (5, None)
    assert segment.name in said


@pytest.mark.parametrize(
    ("frames", "symbol", "expected"),
    [
        ([], "ETHUSDT", "was nothing"),
        ([*FRAMES, b"{broken"], "ETHUSDT", "line 7"),
        ([*FRAMES, trade(2, "1e30")], "ETHUSDT", "line 7"),
        ([*FRAMES, trade(2, "1" + "0" * 30)], "ETHUSDT", "line 7"),
        (FRAMES, "BTCUSDT", "expected streams of BTCUSDT"),
        ([FRAMES[0]], "BTCUSDT", "expected streams of BTCUSDT"),
        ([b'{"symbols":[]}', *FRAMES], "ETHUSDT", "does not list ETHUSDT"),
    ],
)
def test_bad_content_is_told_with_exit_code_3(tmp_path: Path, frames: list[bytes], symbol: str, expected: str) -> None:
    code, answer, said = of_reel(reel(tmp_path, frames), symbol=symbol)
    assert (code, answer) == (3, None)
    assert expected in said


@pytest.mark.parametrize("name", ["reel.gz", "reel.zst"])
def test_a_cut_reel_is_told(tmp_path: Path, name: str) -> None:
    file = reel(tmp_path, FRAMES, name)
    file.write_bytes(file.read_bytes()[:-6])
    code, _, said = of_reel(file)
    assert code == 3
    assert f"{name} is cut off or damaged" in said


def test_wrong_places_and_options(tmp_path: Path) -> None:
    file = reel(tmp_path, FRAMES)
    assert of_reel(tmp_path / "none.gz")[0] == 3
    assert replay(tmp_path)[0] == 3
    assert replay(tmp_path / "none")[0] == 3
    assert replay()[0] == 2
    assert replay(tmp_path, "--reel", file)[0] == 2
    assert replay("--reel", file)[0] == 2
    assert replay(tmp_path, "--symbol", "ETHUSDT")[0] == 2
    code, _, said = of_reel(file, venue="nasdaq")
    assert code == 2
    assert "binance-spot" in said


def test_the_rules_of_the_other_market_show_as_breaks_not_as_an_error(tmp_path: Path) -> None:
    frames = [snapshot(10), depth(10, 12), depth(13, 14), depth(15, 16)]
    code, answer, _ = of_reel(reel(tmp_path, frames), venue="binance-usdm")
    assert (code, answer["synced"], answer["sequence_breaks"]) == (0, False, 1)
