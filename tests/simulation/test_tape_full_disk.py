"""A disk that fills up: the writer says so, takes no more, and the tape still verifies and can be read."""

import os
import subprocess
import sys
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from papertape.core.errors import DiskFull, StoreError
from papertape.core.records import RECORD_DTYPE, Flag, Kind
from papertape.tape.control import RunReader, RunWriter
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter
from papertape.tape.verify import verify_tape

LIMIT_BYTES = 3 << 20


def records_from(seq, count):
    records = np.zeros(count, RECORD_DTYPE)
    at = np.arange(seq, seq + count)
    records["kind"] = np.where(at == 0, Kind.INSTRUMENT, Kind.QUOTE)
    records["flags"] = Flag.FIRST | Flag.LAST
    records["ts_recv_ns"] = at * 1000
    records["id"] = at
    return records


def append_for_ever(writer):
    while True:
        writer.append(records_from(writer.next_seq, 700))


def fill(directory, segment_bytes):
    """Append until the disk is full, then prove what is left; runs where space is limited."""
    writer = MarketWriter.open(directory, segment_bytes=segment_bytes)
    with pytest.raises(DiskFull, match=r"no room left to write .*\.seg"):
        append_for_ever(writer)
    accepted = writer.next_seq
    assert accepted > 0
    with pytest.raises(StoreError):
        writer.append(records_from(accepted, 1))
    with pytest.raises(DiskFull):
        writer.close()
    report = verify_tape(directory)
    assert report.ok, report
    assert report.records == accepted
    found = np.concatenate([batch.records for batch in MarketReader.open(directory).blocks()])
    assert np.array_equal(found, records_from(0, accepted))
    return accepted


def fill_and_free(directory, ballast):
    """As `fill` with small segments; once there is room again the tape goes on where it stopped."""
    accepted = fill(directory, 300_000)
    ballast.unlink()
    with MarketWriter.open(directory) as writer:
        assert writer.next_seq == accepted
        writer.append(records_from(accepted, 5))
    report = verify_tape(directory)
    assert report.ok
    assert report.records == accepted + 5


def fill_run(directory):
    run = RunWriter.create(directory, {"seed": 1}, lambda: None)
    numbers = []
    with pytest.raises(DiskFull, match=r"000001\.log"):
        numbers.extend(run.append(0, "command", "x" * 10_000) for _ in count())
    with pytest.raises(DiskFull):
        run.close()
    assert len(list(RunReader.open(directory, "0001"))) == numbers[-1] + 1


def in_a_limited_process(tmp_path, case):
    """Run `case` in a process whose files may not grow beyond the limit."""
    done = subprocess.run(
        [sys.executable, __file__, case, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
@pytest.mark.parametrize("case", ["segment", "run"])
def test_a_file_that_may_not_grow(tmp_path, case):
    in_a_limited_process(tmp_path, case)


@pytest.fixture
def small_disk(tmp_path):
    """A mounted file system of 3 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if not sys.platform.startswith("linux"):
        pytest.skip("mounts a small file system, which is done here for Linux only")
    command = ["mount", "-t", "tmpfs", "-o", f"size={LIMIT_BYTES}", "tmpfs", str(disk)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"may not mount a small file system: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("ballast_bytes", [16_384, 20_480, 40_960, 299_008, 1_200_128])
def test_a_full_disk(small_disk, ballast_bytes):
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(ballast_bytes))
    fill_and_free(small_disk / "tape", ballast)


if __name__ == "__main__":
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, LIMIT_BYTES))
    if sys.argv[1] == "segment":
        fill(Path(sys.argv[2]) / "tape", 64 << 20)
    else:
        fill_run(Path(sys.argv[2]))
