"""Following a market track that another process writes."""

import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from papertape.core.errors import TapeCorrupt
from papertape.core.records import RECORD_BYTES, RECORD_DTYPE
from papertape.tape import files
from papertape.tape.layout import (
    CHAIN_START,
    SEGMENT_HEADER_BYTES,
    BlockHeader,
    Problem,
    parse_block,
    parse_seal,
    parse_segment_header,
)
from papertape.tape.market_reader import Batch, missing_segment
from papertape.tape.segment import Damage, block_end, check_block, list_segments, market_track
from papertape.tape.segment_view import corrupt
from papertape.tape.watch import DirectoryWatch

READ_BYTES_MIN, READ_BYTES_MAX = 1 << 16, 1 << 20
"""Read at once: more while there is more to catch up. A block that is larger is read whole."""


class MarketFollower:
    """Gives out the records of a track as its writer commits them, whole blocks only.

    It reads the live segment with plain reads, never maps it, and goes over to the next segment
    behind a seal. `next_seq` is the Seq of the next record it will give out.
    """

    def __init__(self, track: Path, start_seq: int) -> None:
        self.next_seq = start_seq
        self._track = track
        self._start_seq = start_seq
        self._chain: bytes | None = None
        self._path: Path | None = None
        self._fd = -1
        self._offset = 0
        self._read_bytes = READ_BYTES_MIN
        self._names_changed_ns = 0
        self._watch = DirectoryWatch(track)

    @classmethod
    def open(cls, directory: Path, start_seq: int = 0) -> "MarketFollower":
        """Follow the tape `directory` from the block that holds `start_seq` on; raises InputError if it is no tape."""
        return cls(market_track(directory), start_seq)

    def poll(self) -> list[Batch]:
        """What was committed since the last call, up to 1 MiB or one block; empty when there is nothing new.

        The records are those of `MarketReader.batches`, block headers among them. Raises
        TapeCorrupt, naming the place, when the tape is damaged, StoreError when it cannot be read.
        """
        try:
            while self._open_segment():
                seq = self.next_seq
                batch = self._read_blocks()
                if batch is not None:
                    return [batch]
                if self.next_seq == seq and not self._leave_segment():
                    break
            return []
        except OSError as error:
            raise files.store_error(self._path or self._track, error) from error

    def wait(self, timeout_s: float) -> list[Batch]:
        """`poll`, but wait up to `timeout_s` for something to come."""
        deadline = time.monotonic() + timeout_s
        while not (batches := self.poll()) and (left := deadline - time.monotonic()) > 0:
            self._watch.wait(left)
        return batches

    def lag_records(self) -> int:
        """Records that are committed and not yet given out."""
        segments = list_segments(self._track)
        if not segments:
            return 0
        first_seq, path = segments[-1]
        if path == self._path:
            return _committed(self._fd, self._offset, self.next_seq) - self.next_seq
        try:
            fd = files.open_read(path)
        except OSError as error:
            raise files.store_error(path, error) from error
        try:
            return _committed(fd, SEGMENT_HEADER_BYTES, first_seq) - self.next_seq
        finally:
            os.close(fd)

    def close(self) -> None:
        """Give file and watch back."""
        self._close_segment()
        self._watch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open_segment(self) -> bool:
        """Make sure that a segment is open; False when the next one is not there yet."""
        if self._path is not None:
            return True
        found = self._next_segment()
        if found is None:
            return False
        seq, path = found
        fd = files.open_read(path)
        header = parse_segment_header(files.read_at(fd, SEGMENT_HEADER_BYTES, 0))
        if isinstance(header, Problem):
            os.close(fd)  # being made, or torn: then recovery sets it aside
            return False
        if self._chain not in (None, header.chain):
            os.close(fd)
            raise corrupt(path, Damage("chain_break", 0, seq, "the segment does not follow the one before it"))
        self._fd, self._path, self._offset = fd, path, SEGMENT_HEADER_BYTES
        self.next_seq, self._chain = seq, header.chain
        return True

    def _next_segment(self) -> tuple[int, Path] | None:
        segments = dict(list_segments(self._track))
        if self._chain is None:
            seq = max((seq for seq in segments if seq <= self._start_seq), default=min(segments, default=-1))
        else:
            seq = self.next_seq
            behind = min((other for other in segments if other > seq), default=None)
            if seq not in segments and behind is not None:
                raise missing_segment(self._track, seq, behind)
        return (seq, segments[seq]) if seq in segments else None

    def _read_blocks(self) -> Batch | None:
        """The whole blocks at the current place that reach beyond `start_seq`; None when there is none."""
        head = parse_block(files.read_at(self._fd, RECORD_BYTES, self._offset))
        if isinstance(head, Problem):
            return None
        # Only now the records: whoever reads them in one go with the header may catch them half written.
        data = files.read_at(self._fd, max(self._read_bytes, block_end(0, head)), self._offset)
        start = end = 0
        block = self._check(data, 0)
        if isinstance(block, Problem):
            raise self._corrupt(Damage(block.code, self._offset, self.next_seq, block.detail))
        first_seq = self.next_seq
        while isinstance(block, BlockHeader):
            end = block_end(end, block)
            self.next_seq, self._chain = block.first_seq + block.records, block.chain
            if self.next_seq <= self._start_seq:
                start, first_seq = end, self.next_seq
            block = self._check(data, end)
        has_more = block.code == "truncated"
        self._read_bytes = min(2 * self._read_bytes, READ_BYTES_MAX) if has_more else READ_BYTES_MIN
        self._offset += end
        records = np.frombuffer(data, RECORD_DTYPE, (end - start) // RECORD_BYTES, start)
        return Batch(first_seq, records) if len(records) else None

    def _check(self, data: bytes, offset: int) -> BlockHeader | Problem:
        return check_block(data, offset, self.next_seq, self._chain or CHAIN_START)

    def _leave_segment(self) -> bool:
        """Where no block follows: True when the segment is finished and the next one can be opened."""
        names_changed_ns = self._track.stat().st_mtime_ns
        head = files.read_at(self._fd, RECORD_BYTES, self._offset)
        seal = parse_seal(head)
        if seal is not None:
            if seal.next_seq != self.next_seq:
                detail = f"expected a seal at seq {self.next_seq}, was {seal.next_seq}"
                raise self._corrupt(Damage("seal_mismatch", self._offset, self.next_seq, detail))
            self._close_segment()
            return True
        if self._offset == SEGMENT_HEADER_BYTES:
            self._close_segment()  # without a block, recovery may set it aside: look at the name again
        elif names_changed_ns != self._names_changed_ns:
            self._names_changed_ns = names_changed_ns
            if list_segments(self._track)[-1][0] >= self.next_seq and isinstance(parse_block(head), Problem):
                self._look_again()
        return False

    def _look_again(self) -> None:
        """Another segment follows this one: then a block or the seal must stand here by now."""
        head = files.read_at(self._fd, RECORD_BYTES, self._offset)
        problem = parse_block(head)
        if isinstance(problem, Problem) and parse_seal(head) is None:
            raise self._corrupt(Damage(problem.code, self._offset, self.next_seq, problem.detail))

    def _corrupt(self, damage: Damage) -> TapeCorrupt:
        return corrupt(self._path or self._track, damage)

    def _close_segment(self) -> None:
        if self._path is not None:
            os.close(self._fd)
            self._path = None


def sync_track(directory: Path) -> None:
    """Bring to disk what another process has written onto the tape `directory` so far; sealed segments are there already.

    Raises StoreError when that fails.
    """
    segments = list_segments(market_track(directory))
    if not segments:
        return
    path = segments[-1][1]
    try:
        fd = files.open_read(path)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise files.store_error(path, error) from error


def _committed(fd: int, offset: int, seq: int) -> int:
    """Seq behind the last block that stands in the file from `offset` on, where `seq` begins."""
    while True:
        block = parse_block(files.read_at(fd, RECORD_BYTES, offset))
        if isinstance(block, Problem) or block.first_seq != seq:
            return seq
        offset, seq = block_end(offset, block), seq + block.records
