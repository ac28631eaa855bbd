import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from papertape.core.errors import DiskFull, StoreError
from papertape.tape import files


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT])
def test_no_room_is_disk_full(number):
    error = files.store_error(Path("/some/file"), OSError(number, os.strerror(number)))
    assert isinstance(error, DiskFull)
    assert "/some/file" in str(error)


def test_another_error_names_path_and_reason(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        files.open_read(tmp_path / "none")
    error = files.store_error(tmp_path / "none", caught.value)
    assert type(error) is StoreError
    assert str(error).startswith(f"{tmp_path / 'none'} cannot be read or written: No such file or directory; choose")


def test_write_and_read_at_an_offset(tmp_path):
    fd = files.create(tmp_path / "file")
    files.write_at(fd, memoryview(b"abc"), 10)
    files.sync_data(fd)
    assert files.read_at(fd, 100, 8) == b"\0\0abc"
    assert files.read_at(fd, 2, 11) == b"bc"
    assert files.read_at(fd, 5, 50) == b""
    os.close(fd)


def test_create_never_takes_an_old_file(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        files.create(tmp_path / "file")


def test_reserved_room_reads_as_zeros(tmp_path):
    fd = files.create(tmp_path / "file")
    files.preallocate(fd, 0, 1000)
    assert files.read_at(fd, 1000, 0) == bytes(1000 if hasattr(os, "posix_fallocate") else 0)
    os.close(fd)
    files.sync_directory(tmp_path)


def test_directories_are_made_with_those_above(tmp_path):
    files.make_directory(tmp_path / "a" / "b")
    files.make_directory(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        files.make_directory(tmp_path / "file" / "c")


def test_files_are_opened_as_bytes_where_the_system_tells_them_from_text():
    code = "import os; os.O_BINARY = 0x8000; from papertape.tape import files; print(files.BINARY)"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    said = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert int(said.stdout) == 0x8000
