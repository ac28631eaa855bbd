"""Waiting until something in a directory changes: inotify where the system has it, else short sleeps."""

import ctypes
import os
import select
import sys
import time
from pathlib import Path

_SLEEP_S = 0.001
_IN_MODIFY, _IN_MOVED_TO, _IN_CREATE = 0x2, 0x80, 0x100


class DirectoryWatch:
    """Wakes up when a file of the directory is written to or made, sometimes for nothing: look, `wait`, look again."""

    def __init__(self, directory: Path) -> None:
        self._fd = _inotify(directory)

    def wait(self, timeout_s: float) -> None:
        """Return at the first change since the last call, or after `timeout_s`. Without inotify: after 1 ms at most."""
        if self._fd is None:
            time.sleep(min(_SLEEP_S, timeout_s))
        elif self._is_ready(self._fd, timeout_s):
            os.read(self._fd, 1 << 16)

    @staticmethod
    def _is_ready(fd: int, timeout_s: float) -> bool:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        return bool(poll.poll(timeout_s * 1000))

    def close(self) -> None:
        """Give the watch back."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _inotify(directory: Path) -> int | None:
    """Descriptor of an inotify watch on `directory`; None where the system has none, or no more of them."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    fd: int = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if fd < 0:
        return None
    if libc.inotify_add_watch(fd, os.fsencode(directory), _IN_MODIFY | _IN_MOVED_TO | _IN_CREATE) < 0:
        os.close(fd)
        return None
    return fd
