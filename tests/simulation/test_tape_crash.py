"""The writer is killed at random moments: nothing it acknowledged is lost, and the tape is whole again.

The rounds run in a process of their own (this file as a script), which forks the writers it kills.
"""

import os
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from papertape.core.records import RECORD_DTYPE, Flag, Kind
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter
from papertape.tape.recovery import recover
from papertape.tape.verify import verify_tape

ROUNDS = 200
ROUNDS_PER_TAPE = 20
SEGMENT_BYTES = 96 << 10


def mixed(at):
    """A scrambled number for every Seq."""
    number = (at + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    return number ^ (number >> np.uint64(29))


def closes_event(at):
    return (mixed(at) % np.uint64(5) == 0) | (at == 0)


def stream(seq, count):
    """The records `seq` to `seq + count` of an endless stream in which each record follows from its Seq."""
    at = np.arange(seq, seq + count, dtype=np.uint64)
    opens = (at == 0) | closes_event(at - np.uint64(1))
    records = np.zeros(count, RECORD_DTYPE)
    records["flags"] = np.where(closes_event(at), Flag.LAST, 0) | np.where(opens, Flag.FIRST, 0)
    records["kind"] = np.where(at == 0, Kind.INSTRUMENT, Kind.DEPTH_DELTA)
    records["ts_recv_ns"] = at * np.uint64(1000)
    for field, shift in (("price", 1), ("size", 7), ("x", 13), ("y", 19), ("id", 25)):
        records[field] = (mixed(at) >> np.uint64(shift)).astype(np.int64)
    return records


def whole_events(seq, count):
    """About `count` records from `seq` on, up to the end of an event."""
    records = stream(seq, count + 200)
    ends = np.flatnonzero(records["flags"] & Flag.LAST)
    return records[: ends[np.searchsorted(ends, count)] + 1]


def write_until_killed(directory, seed, acknowledge):
    """Append for ever; tell every acknowledged Seq through the descriptor `acknowledge`."""
    dice = random.Random(seed)
    writer = MarketWriter.open(directory, segment_bytes=SEGMENT_BYTES)
    while True:
        writer.append(whole_events(writer.next_seq, dice.choice((1, 3, 20, 100, 900))))
        if dice.random() < 0.1:
            writer.sync()
        elif dice.random() < 0.1:
            writer.wait_durable(writer.next_seq)
        os.write(acknowledge, b"%d\n" % writer.next_seq)


def kill_one_writer(directory, dice):
    """Fork a writer, kill it at a random moment and return the last Seq it acknowledged."""
    receive, acknowledge = os.pipe()
    seed, delay_s = dice.random(), dice.choice((0.005, 0.04, 0.2)) * dice.random()
    child = os.fork()
    if child == 0:
        write_until_killed(directory, seed, acknowledge)  # an error ends this process with a traceback, not by a signal
    os.close(acknowledge)
    deadline = time.monotonic() + delay_s
    told = b""
    while (left_s := deadline - time.monotonic()) > 0:
        if select.select([receive], [], [], left_s)[0]:
            told += os.read(receive, 1 << 16)
    os.kill(child, signal.SIGKILL)
    while more := os.read(receive, 1 << 16):
        told += more
    os.close(receive)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, f"the writer ended by itself: {status}"
    lines = told.split(b"\n")
    return int(lines[-2]) if len(lines) > 1 else 0


def read_all(directory, start):
    found = [batch.records for batch in MarketReader.open(directory).blocks(start)]
    return np.concatenate(found) if found else np.empty(0, RECORD_DTYPE)


def check_round(directory, dice, acknowledged, checked):
    """All that was acknowledged must stand, before and after recovery; returns where the tape ends."""
    if not (directory / "market").is_dir():
        assert acknowledged == 0
        return 0
    before = verify_tape(directory)
    assert {finding.code for finding in before.findings} <= {"sealed_list"}, before
    records = read_all(directory, checked)
    assert checked + len(records) >= acknowledged, (checked, len(records), acknowledged)
    if dice.random() < 0.5:
        recover(directory)
        after = verify_tape(directory)
        assert after.ok and after.sealed, after
        records = read_all(directory, checked)
        assert checked + len(records) == after.last_seq + 1 >= acknowledged
    if len(records):
        assert np.array_equal(records, stream(checked, len(records)))
        assert records["flags"][-1] & Flag.LAST
    return checked + len(records)


def run_rounds(root, seed, rounds):
    dice = random.Random(seed)
    total = 0
    for number in range(rounds):
        directory = root / f"tape{number // ROUNDS_PER_TAPE}"
        if number % ROUNDS_PER_TAPE == 0:
            checked = 0
        acknowledged = kill_one_writer(directory, dice)
        checked = check_round(directory, dice, acknowledged, checked)
        total += acknowledged > 0
    for directory in root.iterdir():
        recover(directory)
        records = read_all(directory, 0)
        assert np.array_equal(records, stream(0, len(records))) and verify_tape(directory).ok
    return total


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks the writers it kills; this system has no fork")
def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path):
    seed = 20240808
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path), str(seed), str(ROUNDS)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, f"seed {seed}:\n{done.stdout}{done.stderr}"
    assert f"{ROUNDS} writers killed" in done.stdout


if __name__ == "__main__":
    acknowledged = run_rounds(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    sys.stdout.write(f"{sys.argv[3]} writers killed, {acknowledged} after an acknowledgement\n")
