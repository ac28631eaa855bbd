import os

import pytest

from papertape.core.errors import StoreError
from papertape.tape import files
from papertape.tape.sync import GroupSync


@pytest.fixture
def synced(tmp_path):
    """A group sync with a file attached, and the list of its calls to `before`."""
    calls = []
    sync = GroupSync(0.005, 10, lambda: calls.append(sync.durable_seq))
    sync.attach(files.create(tmp_path / "file"), tmp_path / "file")
    yield sync, calls
    sync.close()


def test_what_was_written_becomes_durable_by_itself(synced):
    sync, calls = synced
    assert sync.durable_seq == 10
    sync.wrote(12)
    assert sync.wait(12, 10)
    assert sync.durable_seq == 12
    assert calls == [10]


def test_flush_brings_all_to_disk_at_once(tmp_path):
    sync = GroupSync(3600, 0)
    sync.attach(files.create(tmp_path / "file"), tmp_path / "file")
    sync.wrote(5)
    assert not sync.wait(5, 0)
    sync.flush()
    assert sync.durable_seq == 5
    assert sync.wait(5, 0)
    sync.close()


def test_nothing_new_needs_no_sync(synced):
    sync, calls = synced
    sync.flush()
    assert calls == []


def test_the_first_error_is_kept(tmp_path):
    sync = GroupSync(0.001, 0)
    fd = files.create(tmp_path / "file")
    read_end, write_end = os.pipe()
    os.dup2(write_end, fd)  # a pipe cannot be synced
    sync.attach(fd, tmp_path / "file")
    sync.wrote(1)
    with pytest.raises(StoreError, match="file cannot be read or written"):
        sync.wait(1, 10)
    with pytest.raises(StoreError):
        sync.flush()
    with pytest.raises(StoreError):
        sync.raise_error()
    assert sync.durable_seq == 0
    sync.close()
    os.close(read_end)
    os.close(write_end)


def test_an_error_of_what_must_come_first_stops_the_sync(tmp_path):
    def fail():
        raise StoreError("the market track is broken")

    sync = GroupSync(3600, 0, fail)
    sync.attach(files.create(tmp_path / "file"), tmp_path / "file")
    sync.wrote(1)
    with pytest.raises(StoreError, match="market track is broken"):
        sync.flush()
    assert sync.durable_seq == 0
    sync.close()
