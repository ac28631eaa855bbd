"""The reader of the market track: every record in order, whole blocks only, nothing behind damage."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from papertape.core.errors import TapeCorrupt
from papertape.core.records import RECORD_BYTES, RECORD_DTYPE
from papertape.tape.sealed import read_sealed
from papertape.tape.segment import Damage, iterate_blocks, list_segments, market_track
from papertape.tape.segment_view import SegmentView, corrupt, view_segment


class Batch(NamedTuple):
    """Consecutive records; `first_seq` is the Seq of the first one. The array is read-only."""

    first_seq: int
    records: np.ndarray[Any, np.dtype[Any]]


class MarketReader:
    """Reads a market track as it stands; it may have a writer, then the records committed so far are read."""

    def __init__(self, track: Path) -> None:
        self._track = track

    @classmethod
    def open(cls, directory: Path) -> "MarketReader":
        """The reader of the tape `directory`; raises InputError when that is no tape."""
        return cls(market_track(directory))

    @property
    def first_seq(self) -> int:
        """Seq of the first record kept; equals `next_seq` on an empty tape."""
        segments = list_segments(self._track)
        return segments[0][0] if segments else 0

    @property
    def next_seq(self) -> int:
        """Seq behind the last record that stands on the tape now; raises TapeCorrupt as `batches` does."""
        segments = list_segments(self._track)
        if not segments:
            return 0
        first_seq, path = segments[-1]
        view = view_segment(path, first_seq, check=False, is_last=True)
        return first_seq if view is None else view.scan.next_seq

    def batches(self, start_seq: int = 0, *, check: bool = True) -> Iterator[Batch]:
        """All records from the block that holds `start_seq` on, a segment at a time, with block headers and seal.

        Those framing records (kinds below `Kind.INSTRUMENT`) carry no Seq; kernels skip them, and
        `blocks` gives records only. A sealed segment is a view of the mapped file. `check` verifies
        every CRC and the chain; without it only the order of the segments is watched. Raises
        TapeCorrupt at the first damage, after everything before it was given out. The torn tail of
        an unsealed last segment ends the tape.
        """
        for view in self._views(start_seq, check):
            start, seq = view.start_of(start_seq)
            end = view.scan.end + (RECORD_BYTES if view.scan.seal else 0)
            if start < view.scan.end:
                yield Batch(seq, np.frombuffer(view.data, RECORD_DTYPE, (end - start) // RECORD_BYTES, start))
            view.raise_damage()

    def blocks(self, start_seq: int = 0, *, check: bool = True) -> Iterator[Batch]:
        """As `batches`, but a block at a time, without framing, and from exactly `start_seq` on.

        Record `i` of a batch has the Seq `first_seq + i`.
        """
        for view in self._views(start_seq, check):
            start, _ = view.start_of(start_seq)
            for offset, block in iterate_blocks(view.data, view.scan.end, start):
                records = np.frombuffer(view.data, RECORD_DTYPE, block.records, offset + RECORD_BYTES)
                skip = max(start_seq - block.first_seq, 0)
                yield Batch(block.first_seq + skip, records[skip:])
            view.raise_damage()

    def _views(self, start_seq: int, check: bool) -> Iterator[SegmentView]:
        """The segments that hold something from `start_seq` on, each proven to follow the one before it."""
        listed, _ = read_sealed(self._track)  # before the names: a writer may seal more meanwhile
        segments = list_segments(self._track)
        next_seq = segments[0][0] if segments else 0
        chain: bytes | None = None
        for position, (first_seq, path) in enumerate(segments):
            if first_seq != next_seq:
                raise missing_segment(self._track, next_seq, first_seq)
            behind = segments[position + 1][0] if position + 1 < len(segments) else None
            if behind is not None and behind <= start_seq:
                next_seq, chain = behind, None
                continue
            view = view_segment(path, first_seq, check=check, is_last=behind is None)
            if view is None:
                break
            if check and chain not in (None, view.header.chain):
                raise corrupt(
                    path, Damage("chain_break", 0, first_seq, "the segment does not follow the one before it")
                )
            yield view
            next_seq, chain = view.scan.next_seq, view.scan.chain
        if listed and listed[-1].last_seq >= next_seq:
            raise missing_segment(self._track, next_seq, listed[-1].last_seq + 1)


def missing_segment(track: Path, seq: int, next_seq: int) -> TapeCorrupt:
    """The error that tells of a missing segment, from `seq` to `next_seq` exclusive."""
    return TapeCorrupt(f"{track}: the segment with the records {seq} to {next_seq - 1} is missing", seq, 0)
