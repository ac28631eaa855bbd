"""The writer of the market track: appends events, group commit, one segment after another."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import numpy as np
from filelock import FileLock

from papertape.core.errors import StoreError
from papertape.core.records import RECORD_BYTES, RECORD_DTYPE, Flag, Kind
from papertape.tape import files
from papertape.tape.layout import BLOCK_RECORDS_MAX
from papertape.tape.lock import take_lock
from papertape.tape.recovery import TrackEnd, recover_track
from papertape.tape.segment import TRACK, segment_path
from papertape.tape.segment_writer import SegmentWriter
from papertape.tape.sync import GroupSync

SEGMENT_BYTES = 64 << 20
SYNC_DELAY_S = 0.005

_KIND_AT, _FLAGS_AT = 16, 17
"""Bytes of a record; `append` is the hot path of a recorder and looks at raw bytes, which is faster than arrays."""
_FIRST, _LAST, _KIND_MIN = int(Flag.FIRST), int(Flag.LAST), int(Kind.INSTRUMENT)

Records = bytes | bytearray | memoryview | np.ndarray[Any, np.dtype[Any]]


class MarketWriter:
    """The only writer of a tape's market track; use it from one thread.

    `append` hands the records to the system and returns: a killed process loses nothing of it.
    Within `sync_delay_s` a thread starts to bring them to disk; `durable_seq` says how far it
    came: all records below it survive a power cut. After an error of the store the writer
    takes no more; what was appended before can still be read.
    """

    def __init__(self, track: Path, lock: FileLock, end: TrackEnd, segment_bytes: int, sync_delay_s: float) -> None:
        self.next_seq = end.next_seq
        self.recovery = end.report
        self._track = track
        self._lock = lock
        self._chain = end.chain
        self._segment_bytes = segment_bytes
        self._segment: SegmentWriter | None = None
        self._sync = GroupSync(sync_delay_s, end.next_seq)
        self._closed = False

    @classmethod
    def open(
        cls, directory: Path, *, segment_bytes: int = SEGMENT_BYTES, sync_delay_s: float = SYNC_DELAY_S
    ) -> "MarketWriter":
        """Open the tape `directory` for writing, made if it does not exist, and recover it.

        `recovery` then says what was recovered, if anything. Raises TapeLocked when it has a writer,
        TapeCorrupt when it is damaged, StoreError or DiskFull when files cannot be made.
        """
        track = directory / TRACK
        try:
            files.make_directory(track)
        except OSError as error:
            raise files.store_error(track, error) from error
        lock = take_lock(track)
        try:
            return cls(track, lock, recover_track(track), segment_bytes, sync_delay_s)
        except BaseException:
            lock.release()
            raise

    @property
    def durable_seq(self) -> int:
        """All records below it are on disk."""
        return self._sync.durable_seq

    def append(self, records: Records) -> int:
        """Append whole events and return the Seq of their first record.

        Raises StoreError when the records do not begin and end with whole events or an event is larger
        than a block (nothing is written then), and StoreError or DiskFull when the store fails, now or in an
        earlier sync.
        """
        self._sync.raise_error()
        if self._closed:
            raise StoreError(f"expected an open writer of {self._track}, was closed")
        raw = _as_bytes(records)
        first_seq = self.next_seq
        if len(raw) <= BLOCK_RECORDS_MAX * RECORD_BYTES:
            if len(raw):
                self._append_block(raw)
            return first_seq
        for start, stop in list(_split(raw)):
            self._append_block(raw[start * RECORD_BYTES : stop * RECORD_BYTES])
        return first_seq

    def sync(self) -> None:
        """Return when everything appended is on disk; raises StoreError or DiskFull when that fails."""
        self._sync.flush()

    def wait_durable(self, seq: int, timeout_s: float | None = None) -> bool:
        """Wait until all records below `seq` are on disk; False when `timeout_s` passed first."""
        return self._sync.wait(seq, timeout_s)

    def close(self) -> None:
        """Seal the open segment and give the track free. After an error of the store nothing is sealed."""
        if self._closed:
            return
        self._closed = True
        try:
            self._end_segment()
        finally:
            self._sync.close()
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _append_block(self, records: memoryview) -> None:
        if self._segment is not None and not self._segment.has_room(len(records)):
            self._end_segment()
        try:
            if self._segment is None:
                self._segment = SegmentWriter(self._track, self.next_seq, self._chain, self._segment_bytes)
                self._sync.attach(self._segment.fd, self._segment.path)
            self._segment.write(records, self._sync.durable_seq)
        except OSError as error:
            self._give_up(error)
        self.next_seq = self._segment.next_seq
        self._sync.wrote(self.next_seq)

    def _end_segment(self) -> None:
        self._sync.raise_error()
        if self._segment is None:
            return
        self._sync.flush()
        try:
            self._segment.seal()
        except OSError as error:
            self._give_up(error)
        self._chain = self._segment.chain
        self._sync.detach()
        self._segment = None

    def _give_up(self, error: OSError) -> NoReturn:
        """Take no more records; what a failed write left behind the last whole block is cut off."""
        segment = self._segment
        path = segment.path if segment else segment_path(self._track, self.next_seq)
        failure = files.store_error(path, error)
        self._sync.fail(failure)
        if segment is not None:
            try:
                segment.trim()
            except OSError as second:
                failure.add_note(f"the room behind the last whole block could not be given back: {second}")
        raise failure from error


def _as_bytes(records: Records) -> memoryview:
    """The bytes of `records`, checked to be whole events of record kinds."""
    if isinstance(records, np.ndarray):
        if records.dtype != RECORD_DTYPE:
            raise StoreError(f"expected records of the dtype RECORD_DTYPE, was {records.dtype}")
        raw = memoryview(np.ascontiguousarray(records).view(np.uint8).data)
    else:
        raw = memoryview(records).cast("B")
    if len(raw) % RECORD_BYTES:
        raise StoreError(f"expected records of {RECORD_BYTES} bytes, was {len(raw)} bytes")
    if len(raw):
        first, last = raw[_FLAGS_AT], raw[_FLAGS_AT - RECORD_BYTES]
        if not (first & _FIRST and last & _LAST):
            raise StoreError(f"expected whole events, from FIRST to LAST, was flags {first} to {last}")
        lowest = min(raw[_KIND_AT::RECORD_BYTES].tobytes())
        if lowest < _KIND_MIN:
            raise StoreError(f"expected record kinds from {_KIND_MIN} on, was {lowest}, a kind of the tape's own")
    return raw


def _split(raw: memoryview) -> Iterator[tuple[int, int]]:
    """Ranges of records that are whole events, each as large as a block may be."""
    is_last = (np.frombuffer(raw[_FLAGS_AT::RECORD_BYTES].tobytes(), np.uint8) & _LAST) != 0
    start = 0
    while len(is_last) - start > BLOCK_RECORDS_MAX:
        ends = np.flatnonzero(is_last[start : start + BLOCK_RECORDS_MAX])
        if len(ends) == 0:
            raise StoreError(f"expected an event of at most {BLOCK_RECORDS_MAX} records, one is larger")
        stop = start + int(ends[-1]) + 1
        yield start, stop
        start = stop
    yield start, len(is_last)
