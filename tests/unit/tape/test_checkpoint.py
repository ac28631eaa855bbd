from pathlib import Path

import pytest

from papertape.core.errors import StoreError
from papertape.tape.checkpoint import KEPT, Checkpoint, read_checkpoints, write_checkpoint


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
