"""The few file operations a tape needs, alike on every system, with errors in papertape's words."""

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

from papertape.core.errors import DiskFull, StoreError

_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
BINARY = getattr(os, "O_BINARY", 0)


def store_error(path: Path, error: OSError) -> StoreError:
    """`error` as DiskFull or StoreError, naming `path`."""
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return DiskFull(f"no room left to write {path}: {reason}; free some space and start again")
    return StoreError(f"{path} cannot be read or written: {reason}; choose another place or mend its rights")


def create(path: Path) -> int:
    """Descriptor of a new file for reading and writing; the file must not exist."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | BINARY, 0o644)


def open_read(path: Path) -> int:
    """Descriptor of an existing file for reading."""
    return os.open(path, os.O_RDONLY | BINARY)


def open_write(path: Path) -> int:
    """Descriptor of an existing file for reading and writing."""
    return os.open(path, os.O_RDWR | BINARY)


if sys.platform == "win32":

    def write_at(fd: int, data: bytes | memoryview, offset: int) -> None:
        """Write all of `data` at `offset`."""
        os.lseek(fd, offset, os.SEEK_SET)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]

    def read_at(fd: int, size: int, offset: int) -> bytes:
        """Up to `size` bytes from `offset`; fewer only at the end of the file."""
        os.lseek(fd, offset, os.SEEK_SET)
        return _read_all(lambda done: os.read(fd, size - done), size)

else:

    def write_at(fd: int, data: bytes | memoryview, offset: int) -> None:
        """Write all of `data` at `offset`."""
        done = os.pwrite(fd, data, offset)
        while done < len(data):
            done += os.pwrite(fd, memoryview(data)[done:], offset + done)

    def read_at(fd: int, size: int, offset: int) -> bytes:
        """Up to `size` bytes from `offset`; fewer only at the end of the file."""
        return _read_all(lambda done: os.pread(fd, size - done, offset + done), size)


def _read_all(read: Callable[[int], bytes], size: int) -> bytes:
    data = read(0)
    while len(data) < size:
        more = read(len(data))
        if not more:
            break
        data += more
    return data


def preallocate(fd: int, offset: int, size: int) -> None:
    """Reserve `size` zero bytes from `offset`, where the system can; a full disk shows here, before a write."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, offset, size)


def sync_data(fd: int) -> None:
    """Return when the file's data, and what is needed to find it, is on disk."""
    getattr(os, "fdatasync", os.fsync)(fd)


def sync_directory(path: Path) -> None:
    """Return when the names in the directory `path` are on disk. Windows keeps them by itself."""
    if sys.platform == "win32":
        return
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_directory(path: Path) -> None:
    """Make `path` and the directories above it; what was made is on disk when this returns."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        sync_directory(folder.parent)
