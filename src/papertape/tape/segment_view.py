"""Opening one segment for reading, whether it is sealed, still written to, or torn."""

import mmap
from pathlib import Path
from typing import NamedTuple

from papertape.core.errors import TapeCorrupt
from papertape.core.records import RECORD_BYTES
from papertape.tape import files
from papertape.tape.layout import (
    SEGMENT_HEADER_BYTES,
    Problem,
    SegmentHeader,
    parse_seal,
    parse_segment_header,
)
from papertape.tape.segment import Damage, Scan, iterate_blocks, next_whole_block, scan_segment


class SegmentView(NamedTuple):
    """What of a segment can be read: whole blocks up to `scan.end`, then the seal, if there is one.

    `scan.damage` is what must be told after that; a torn tail of the last segment is not damage.
    """

    path: Path
    data: bytes | memoryview
    header: SegmentHeader
    scan: Scan

    def start_of(self, seq: int) -> tuple[int, int]:
        """Offset and first Seq of the block that holds `seq`."""
        if seq <= self.header.first_seq:
            return SEGMENT_HEADER_BYTES, self.header.first_seq
        for offset, block in iterate_blocks(self.data, self.scan.end):
            if seq < block.first_seq + block.records:
                return offset, block.first_seq
        return self.scan.end, self.scan.next_seq

    def raise_damage(self) -> None:
        """Raise TapeCorrupt, naming file, offset and Seq, if there is damage."""
        if self.scan.damage is not None:
            raise corrupt(self.path, self.scan.damage)


def corrupt(path: Path, damage: Damage) -> TapeCorrupt:
    """The error that tells `damage`."""
    return TapeCorrupt(
        f"{path}, offset {damage.offset}: {damage.detail} (seq {damage.seq}, {damage.code})", damage.seq, damage.offset
    )


def view_segment(path: Path, first_seq: int, *, check: bool, is_last: bool) -> SegmentView | None:
    """The segment at `path`; None when it is the last one and holds nothing yet.

    `check=False` trusts a seal without reading what is before it, and records without their CRC.
    Raises TapeCorrupt when the header of the segment is damaged.
    """
    seen = -1
    while True:
        data = _read(path)
        header = parse_segment_header(data)
        if isinstance(header, Problem) or header.first_seq != first_seq:
            if (
                is_last
                and isinstance(header, Problem)
                and isinstance(data, bytes)
                and next_whole_block(data, 0) is None
            ):
                return None
            detail = header.detail if isinstance(header, Problem) else f"the segment is that of seq {header.first_seq}"
            raise corrupt(path, Damage("segment_header", 0, first_seq, detail))
        view = SegmentView(path, data, header, _scan(data, header, check))
        if isinstance(data, memoryview):
            return view
        if not is_last:
            return _with_damage(view, view.scan.damage or _unsealed(view.scan))
        damage = view.scan.damage
        if damage is None or next_whole_block(data, damage.offset) is None:
            return _with_damage(view, None)
        if damage.offset == seen:
            return view
        seen = damage.offset  # a writer may have committed it since: look again


def _scan(data: bytes | memoryview, header: SegmentHeader, check: bool) -> Scan:
    if not check:
        end = len(data) - RECORD_BYTES
        seal = parse_seal(data, end) if end >= SEGMENT_HEADER_BYTES else None
        if seal is not None:
            return Scan(end, seal.next_seq, b"", seal.blocks, seal, None)
    return scan_segment(data, header, records=check)


def _unsealed(scan: Scan) -> Damage:
    return Damage("not_sealed", scan.end, scan.next_seq, "expected a seal, since another segment follows")


def _with_damage(view: SegmentView, damage: Damage | None) -> SegmentView:
    return view._replace(scan=view.scan._replace(damage=damage))


def _read(path: Path) -> bytes | memoryview:
    """The file: a memoryview of it, mapped, when it ends with a seal; else a copy of what it holds now."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            if size > SEGMENT_HEADER_BYTES and parse_seal(
                files.read_at(stream.fileno(), RECORD_BYTES, size - RECORD_BYTES)
            ):
                return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
            stream.seek(0)
            return stream.read()
    except OSError as error:
        raise files.store_error(path, error) from error
