"""One writer per track: a lock that the system releases when the process ends, however it ends."""

from pathlib import Path

from filelock import FileLock, Timeout

from papertape.core.errors import TapeLocked
from papertape.tape import files

NAME = "lock"


def take_lock(track: Path) -> FileLock:
    """The lock of `track`; raises TapeLocked when another writer holds it. `release()` gives it back."""
    lock = FileLock(track / NAME, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise TapeLocked(
            f"expected {track} to have no writer, but another one holds {track / NAME}; "
            "stop that one, or write to another tape directory"
        ) from error
    except OSError as error:
        raise files.store_error(track / NAME, error) from error
    return lock
