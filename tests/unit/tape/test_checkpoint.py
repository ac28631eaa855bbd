import subprocess
import sys
from pathlib import Path

import pytest

from papertape.core.errors import StoreError
from papertape.tape.checkpoint import KEPT, Checkpoint, read_checkpoints, write_checkpoint

FILL = """
import os, resource, sys
from pathlib import Path
from papertape.core.errors import DiskFull
from papertape.tape.checkpoint import Checkpoint, write_checkpoint
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_checkpoint(Path(sys.argv[1]), Checkpoint(2, 2, os.urandom(65536)))
except DiskFull as error:
    print(error)
"""
"""Writes a checkpoint larger than a file may be."""


def test_the_latest_come_first_and_older_ones_go(tmp_path: Path) -> None:
    for number in range(4):
        write_checkpoint(tmp_path, Checkpoint(number * 10, number, b"state" * number))
    found = list(read_checkpoints(tmp_path))
    assert [one.next_index for one in found] == [3, 2]
    assert found[0] == Checkpoint(30, 3, b"state" * 3)
    assert len(list(tmp_path.iterdir())) == KEPT


@pytest.mark.parametrize("damage", [lambda raw: raw[:-3], lambda raw: raw[:40] + b"x" + raw[41:], lambda raw: b""])
def test_a_damaged_one_is_passed_over(tmp_path: Path, damage) -> None:
    write_checkpoint(tmp_path, Checkpoint(1, 1, b"older" * 9))
    path = write_checkpoint(tmp_path, Checkpoint(2, 2, b"newer" * 9))
    path.write_bytes(damage(path.read_bytes()))
    assert [one.next_index for one in read_checkpoints(tmp_path)] == [1]


def test_a_place_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        write_checkpoint(tmp_path / "gone", Checkpoint(1, 1, b""))


def test_no_byte_can_be_changed_or_lost_unnoticed(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, Checkpoint(1, 1, b""))
    path = write_checkpoint(tmp_path, Checkpoint(2, 2, b"newer" * 9))
    raw = path.read_bytes()
    damaged = [raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :] for place in range(len(raw))]
    for told in (*damaged, *(raw[:place] for place in range(len(raw))), raw + b"\0"):
        path.write_bytes(told)
        assert list(read_checkpoints(tmp_path)) == [Checkpoint(1, 1, b"")]


def test_what_a_crash_left_half_written_is_no_checkpoint_and_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "000000000002.tmp").write_bytes(b"PTAPECKP")
    assert list(read_checkpoints(tmp_path)) == []
    write_checkpoint(tmp_path, Checkpoint(2, 2, b"state"))
    assert [path.name for path in tmp_path.iterdir()] == ["000000000002.checkpoint"]


def test_one_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "000000000002.checkpoint").mkdir()
    with pytest.raises(StoreError, match="cannot be read"):
        list(read_checkpoints(tmp_path))


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_without_room_nothing_of_it_stays_and_the_older_one_does(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, Checkpoint(1, 1, b"older"))
    answer = subprocess.run([sys.executable, "-c", FILL, str(tmp_path)], capture_output=True, text=True, check=False)
    assert answer.stdout.startswith("no room left"), answer.stderr
    assert list(read_checkpoints(tmp_path)) == [Checkpoint(1, 1, b"older")]
    assert len(list(tmp_path.iterdir())) == 1
