"""Checkpoints as files: read back, damaged, too many, and without a place to be."""

from pathlib import Path

import pytest

from papertape.core.errors import StoreError
from papertape.tape.checkpoint import KEPT, Checkpoint, read_checkpoints, write_checkpoint

OLD, NEW = Checkpoint(40, 7, b"old" * 100), Checkpoint(90, 12, bytes(range(256)))


def test_checkpoints_are_read_back_the_latest_first(tmp_path: Path) -> None:
    for one in (OLD, NEW):
        write_checkpoint(tmp_path, one)
    assert list(read_checkpoints(tmp_path)) == [NEW, OLD]


def test_only_the_latest_are_kept_and_no_scratch_file(tmp_path: Path) -> None:
    paths = [write_checkpoint(tmp_path, Checkpoint(10 * n, n, b"state")) for n in (8, 9, 10, 11)]
    assert sorted(tmp_path.iterdir()) == paths[-KEPT:]
    assert [one.next_index for one in read_checkpoints(tmp_path)] == [11, 10]


def test_one_with_any_byte_changed_is_passed_over(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, OLD)
    path = write_checkpoint(tmp_path, NEW)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        assert list(read_checkpoints(tmp_path)) == [OLD], f"byte {place}"


def test_one_that_was_cut_off_is_passed_over(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, OLD)
    path = write_checkpoint(tmp_path, NEW)
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        assert list(read_checkpoints(tmp_path)) == [OLD], f"{size} bytes"


def test_what_a_crash_left_behind_does_not_stand_in_the_way(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path, NEW)
    path.rename(path.with_suffix(".tmp"))
    assert not list(read_checkpoints(tmp_path))
    write_checkpoint(tmp_path, NEW)
    assert list(read_checkpoints(tmp_path)) == [NEW]
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"000000000012\.checkpoint cannot be read or written"):
        write_checkpoint(tmp_path / "gone", NEW)
