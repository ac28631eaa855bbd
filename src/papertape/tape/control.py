"""The control track of a run: what the engine was told and what it decided, each at its place in the market track."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import msgspec
from filelock import FileLock

from papertape.core.errors import InputError, StoreError
from papertape.tape import files
from papertape.tape.control_layout import (
    CONTROL_HEADER_BYTES,
    RECORD_BYTES_MAX,
    RUNS,
    ControlHeader,
    ControlRecord,
    pack_control_header,
    pack_record,
    session_path,
)
from papertape.tape.control_recovery import RunEnd, list_sessions, recover_run_files, scan_session
from papertape.tape.lock import take_lock
from papertape.tape.market_writer import SYNC_DELAY_S
from papertape.tape.segment_view import corrupt
from papertape.tape.sync import GroupSync

RUN_STARTED = "run_started"
"""Kind of the first record of every run: configuration, versions and seeds."""


class RunWriter:
    """The only writer of one run's control track; use it from one thread.

    As with the market track, `append` hands over to the system and a thread brings it to disk;
    each sync calls `market_sync` first, so that no record on disk names a market position that
    is not. `recovery` says what was cut when the run was opened again, if anything.
    """

    def __init__(self, run: Path, lock: FileLock, end: RunEnd, market_sync: Callable[[], None], delay_s: float) -> None:
        self.run_id = run.name
        self.recovery = end.report
        self._lock = lock
        self._index = end.next_index
        self._cursor_seq = end.cursor_seq
        self._path = session_path(run, end.session + 1)
        self._offset = CONTROL_HEADER_BYTES
        self._sync = GroupSync(delay_s, self._index, market_sync)
        self._closed = False
        try:
            self._fd = files.create(self._path)
            files.write_at(self._fd, pack_control_header(ControlHeader(end.session + 1, run.name, self._index)), 0)
            self._sync.attach(self._fd, self._path)
            files.sync_data(self._fd)
            files.sync_directory(run)
        except OSError as error:
            self._sync.close()
            raise files.store_error(self._path, error) from error

    @classmethod
    def create(
        cls,
        directory: Path,
        body: Any,
        market_sync: Callable[[], None],
        *,
        cursor_seq: int = 0,
        sync_delay_s: float = SYNC_DELAY_S,
    ) -> "RunWriter":
        """Begin the next run of the tape `directory`; its first record holds `body`: configuration, versions, seeds.

        Raises StoreError or DiskFull.
        """
        runs = directory / RUNS
        try:
            files.make_directory(runs)
            number = max((int(run_id) for run_id in list_runs(directory)), default=0) + 1
            run = runs / f"{number:04d}"
            run.mkdir()
            files.sync_directory(runs)
        except OSError as error:
            raise files.store_error(runs, error) from error
        writer = cls._open(run, market_sync, 0, sync_delay_s)
        writer.append(cursor_seq, RUN_STARTED, body)
        writer.sync()
        return writer

    @classmethod
    def resume(
        cls,
        directory: Path,
        run_id: str,
        market_sync: Callable[[], None],
        market_next_seq: int,
        *,
        sync_delay_s: float = SYNC_DELAY_S,
    ) -> "RunWriter":
        """Go on with a run: what is torn, or names a market position from behind `market_next_seq`, is cut first.

        Raises InputError for an unknown run, TapeLocked, TapeCorrupt, StoreError or DiskFull.
        """
        return cls._open(run_path(directory, run_id), market_sync, market_next_seq, sync_delay_s)

    @classmethod
    def _open(cls, run: Path, market_sync: Callable[[], None], market_next_seq: int, delay_s: float) -> "RunWriter":
        lock = take_lock(run)
        try:
            return cls(run, lock, recover_run_files(run, market_next_seq), market_sync, delay_s)
        except BaseException:
            lock.release()
            raise

    @property
    def next_index(self) -> int:
        """The number that the next record gets."""
        return self._index

    @property
    def durable_index(self) -> int:
        """All records of the run with a smaller number are on disk."""
        return self._sync.durable_seq

    def append(self, cursor_seq: int, kind: str, body: Any) -> int:
        """Append one record and return its number in the run, counted from 0.

        `cursor_seq` is the market position it belongs to: the Seq that the engine has not yet read.
        Raises StoreError when it goes backwards or the record is too large, and when the store fails.
        """
        self._sync.raise_error()
        if self._closed:
            raise StoreError(f"expected an open writer of run {self.run_id}, was closed")
        if cursor_seq < self._cursor_seq:
            raise StoreError(f"expected a cursor of at least {self._cursor_seq} in run {self.run_id}, was {cursor_seq}")
        payload = msgspec.msgpack.encode(ControlRecord(cursor_seq, kind, body))
        if len(payload) > RECORD_BYTES_MAX:
            raise StoreError(f"expected a record of at most {RECORD_BYTES_MAX} bytes, was {len(payload)} ({kind})")
        raw = pack_record(self._index, payload)
        try:
            files.write_at(self._fd, raw, self._offset)
        except OSError as error:
            self._give_up(error)
        index = self._index
        self._offset, self._index, self._cursor_seq = self._offset + len(raw), index + 1, cursor_seq
        self._sync.wrote(self._index)
        return index

    def sync(self) -> None:
        """Return when the market track and then everything appended here is on disk."""
        self._sync.flush()

    def wait_durable(self, index: int, timeout_s: float | None = None) -> bool:
        """Wait until all records numbered below `index` are on disk; False when `timeout_s` passed first."""
        return self._sync.wait(index, timeout_s)

    def close(self) -> None:
        """Bring everything to disk and give the run free."""
        if self._closed:
            return
        self._closed = True
        try:
            self._sync.flush()
        finally:
            self._sync.close()
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _give_up(self, error: OSError) -> NoReturn:
        failure = files.store_error(self._path, error)
        self._sync.fail(failure)
        try:
            os.ftruncate(self._fd, self._offset)
        except OSError as second:
            failure.add_note(f"the half record could not be cut off: {second}")
        raise failure from error


class RunReader:
    """Reads the control track of one run as it stands; it may have a writer."""

    def __init__(self, run: Path) -> None:
        self.run_id = run.name
        self._run = run

    @classmethod
    def open(cls, directory: Path, run_id: str) -> "RunReader":
        """The reader of the run `run_id` of the tape `directory`; raises InputError when there is none."""
        return cls(run_path(directory, run_id))

    def records(self) -> Iterator[ControlRecord]:
        """All records in order; raises TapeCorrupt at the first damage. A torn tail of the last session ends it."""
        sessions = list_sessions(self._run)
        next_index = 0
        for position, path in enumerate(sessions):
            scan = scan_session(path, next_index, is_last=position == len(sessions) - 1)
            yield from (framed.record for framed in scan.records)
            if scan.damage is not None:
                raise corrupt(path, scan.damage)
            next_index = scan.next_index

    def __iter__(self) -> Iterator[ControlRecord]:
        return self.records()


def list_runs(directory: Path) -> list[str]:
    """Ids of all runs of the tape `directory`, in order."""
    runs = directory / RUNS
    if not runs.is_dir():
        return []
    try:
        return sorted(path.name for path in runs.iterdir() if path.is_dir() and path.name.isdigit())
    except OSError as error:
        raise files.store_error(runs, error) from error


def is_run(path: Path) -> bool:
    """Whether `path` is the directory of a run: TAPE/runs/0001."""
    whole = path.resolve()
    return whole.parent.name == RUNS and whole.name.isdigit() and whole.is_dir()


def run_path(directory: Path, run_id: str) -> Path:
    """The directory of a run; raises InputError, naming the runs there are, for an unknown one."""
    known = list_runs(directory)
    if run_id not in known:
        raise InputError(f"expected a run of {directory}, which has {', '.join(known) or 'none'}, was {run_id!r}")
    return directory / RUNS / run_id
