"""Group commit: one thread that brings what was written to disk, soon and for all at once."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

from papertape.core.errors import StoreError
from papertape.tape import files

_START_SHARE = 0.8
"""Share of the allowed delay after which the thread wakes; the rest is for waking up."""


class GroupSync:
    """Syncs one file after another on behalf of a writer.

    The writer tells `wrote(seq)` after each write; a sync starts within `delay_s` of the first
    write that is not on disk yet. `durable_seq` rises after the sync returned: everything below
    it is on disk. `before` is called first at each sync: what must be on disk earlier. The first
    error is kept and raised at every later call, since after a failed sync nobody can tell what
    is on disk.
    """

    def __init__(self, delay_s: float, seq: int, before: Callable[[], None] | None = None) -> None:
        self.durable_seq = seq
        self._delay_s = delay_s * _START_SHARE
        self._written = seq
        self._before = before
        self._fd = -1
        self._path = Path()
        self._error: StoreError | None = None
        self._closed = False
        self._io = threading.Lock()
        self._state = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="tape-sync", daemon=True)
        self._thread.start()

    def attach(self, fd: int, path: Path) -> None:
        """From now on `fd` is the file to sync."""
        with self._io:
            self._fd, self._path = fd, path

    def detach(self) -> None:
        """Close the file; everything in it must be on disk, or given up after an error."""
        with self._io:
            if self._fd >= 0:
                os.close(self._fd)
            self._fd = -1

    def wrote(self, seq: int) -> None:
        """Everything below `seq` has been written to the attached file."""
        with self._state:
            first = self._written == self.durable_seq
            self._written = seq
            if first:
                self._state.notify_all()

    def fail(self, error: StoreError) -> None:
        """Keep `error` (the first one wins) and wake who waits."""
        with self._state:
            if self._error is None:
                self._error = error
            self._state.notify_all()

    def raise_error(self) -> None:
        """Raise the error that was kept, if any."""
        if self._error is not None:
            raise self._error

    def flush(self) -> None:
        """Bring everything written so far to disk; raises StoreError or DiskFull when that fails."""
        with self._io:
            self.raise_error()
            with self._state:
                target = self._written
            if target == self.durable_seq:
                return
            try:
                if self._before is not None:
                    self._before()
                files.sync_data(self._fd)
            except StoreError as error:
                self.fail(error)
                raise
            except OSError as error:
                self.fail(files.store_error(self._path, error))
                self.raise_error()
            with self._state:
                self.durable_seq = target
                self._state.notify_all()

    def wait(self, seq: int, timeout_s: float | None) -> bool:
        """Wait until everything below `seq` is on disk; False when `timeout_s` passed first."""
        with self._state:
            done = self._state.wait_for(lambda: self._error is not None or self.durable_seq >= seq, timeout_s)
        if self.durable_seq < seq:
            self.raise_error()
        return done

    def close(self) -> None:
        """End the thread and close the file. Nothing is synced here: call `flush` first."""
        with self._state:
            self._closed = True
            self._state.notify_all()
        self._thread.join()
        self.detach()

    def _run(self) -> None:
        while True:
            with self._state:
                self._state.wait_for(lambda: self._closed or self._is_due())
                if self._closed:
                    return
                self._state.wait_for(lambda: self._closed or not self._is_due(), self._delay_s)
            try:
                self.flush()
            except StoreError:
                continue  # kept by `flush`; the writer meets it at its next call

    def _is_due(self) -> bool:
        return self._error is None and self._written > self.durable_seq
