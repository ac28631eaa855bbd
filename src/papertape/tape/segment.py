"""Reading one segment: which blocks are whole, where the first damage is, what stands behind it."""

import re
import zlib
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from papertape.core.errors import InputError, IntegrityError
from papertape.core.records import RECORD_BYTES
from papertape.tape import files
from papertape.tape.layout import (
    BLOCK_MAGIC,
    SEAL_MAGIC,
    SEGMENT_HEADER_BYTES,
    BlockHeader,
    Problem,
    Seal,
    SegmentHeader,
    next_chain,
    parse_block,
    parse_seal,
)

TRACK = "market"
"""Directory of the market track in that of its tape."""
SUFFIX = ".seg"
_NAME = re.compile(r"(\d{20})\.seg")


class Damage(NamedTuple):
    """The first thing wrong in a segment: at `offset` of the file, where the record `seq` was expected."""

    code: str
    offset: int
    seq: int
    detail: str


class Scan(NamedTuple):
    """What a walk over the blocks of a segment found, up to `end`, the offset behind the last whole block."""

    end: int
    next_seq: int
    chain: bytes
    blocks: int
    seal: Seal | None
    damage: Damage | None


def market_track(directory: Path) -> Path:
    """The market track of the tape `directory`; raises InputError when there is none."""
    track = directory / TRACK
    if not track.is_dir():
        raise InputError(f"expected a tape directory, which holds '{TRACK}', was {directory}")
    return track


def segment_path(track: Path, first_seq: int) -> Path:
    """Where the segment that begins with `first_seq` stands."""
    return track / f"{first_seq:020d}{SUFFIX}"


def list_segments(track: Path) -> list[tuple[int, Path]]:
    """First Seq (told by the name) and path of every segment of a track, in order."""
    try:
        found = [(_NAME.fullmatch(path.name), path) for path in track.iterdir()]
    except OSError as error:
        raise files.store_error(track, error) from error
    return sorted((int(match[1]), path) for match, path in found if match)


def read_segment(path: Path) -> bytes:
    """The whole file; raises StoreError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise files.store_error(path, error) from error


def check_block(
    data: bytes | memoryview, offset: int, next_seq: int, chain: bytes, *, records: bool = True
) -> BlockHeader | Problem:
    """The block at `offset`, if it is whole and follows `next_seq` and `chain`; else the first thing wrong.

    `records=False` leaves the records' CRC unchecked.
    """
    block = parse_block(data, offset)
    if isinstance(block, Problem):
        return block
    problem = order_problem(block, next_seq, chain)
    if problem is None and records:
        problem = records_problem(data, offset, block)
    return block if problem is None else problem


def order_problem(block: BlockHeader, next_seq: int, chain: bytes) -> Problem | None:
    """Why `block` cannot be the one that follows `next_seq` and `chain`; None if it is."""
    if block.first_seq != next_seq:
        return Problem("seq_discontinuity", f"expected a block that begins with seq {next_seq}, was {block.first_seq}")
    if block.chain != next_chain(chain, block.first_seq, block.records, block.records_crc, block.durable_seq):
        return Problem("chain_break", "the block does not follow the one before it: one is missing, swapped or foreign")
    return None


def records_problem(data: bytes | memoryview, offset: int, block: BlockHeader) -> Problem | None:
    """What is wrong with the records behind the header `block` at `offset`; None if nothing is."""
    body = data[offset + RECORD_BYTES : block_end(offset, block)]
    if len(body) < block.records * RECORD_BYTES:
        return Problem("truncated", f"expected {block.records} records, the file ends after {len(body)} bytes of them")
    if zlib.crc32(body) != block.records_crc:
        return Problem("record_crc", f"{block.records} records do not match the CRC of their block")
    return None


def block_end(offset: int, block: BlockHeader) -> int:
    """Offset behind the block whose header stands at `offset`."""
    return offset + (1 + block.records) * RECORD_BYTES


def scan_segment(data: bytes | memoryview, header: SegmentHeader, *, records: bool = True) -> Scan:
    """Walk over the blocks of a whole segment file until its seal, its clean end or the first damage.

    Nothing but zeros behind the last block is a clean end: room that was reserved.
    """
    offset, next_seq, chain, blocks = SEGMENT_HEADER_BYTES, header.first_seq, header.chain, 0
    while offset < len(data):
        block = check_block(data, offset, next_seq, chain, records=records)
        if isinstance(block, Problem):
            seal = parse_seal(data, offset)
            if seal is not None and (seal.next_seq, seal.blocks) == (next_seq, blocks):
                behind = len(data) - offset - RECORD_BYTES
                trailing = Damage(
                    "trailing_garbage", offset + RECORD_BYTES, next_seq, f"{behind} bytes behind the seal"
                )
                return Scan(offset, next_seq, chain, blocks, seal, trailing if behind else None)
            if block.code == "zero_filled" and not any_set(data, offset):
                break
            return Scan(offset, next_seq, chain, blocks, None, Damage(block.code, offset, next_seq, block.detail))
        offset, next_seq, chain, blocks = block_end(offset, block), next_seq + block.records, block.chain, blocks + 1
    return Scan(offset, next_seq, chain, blocks, None, None)


def records_hash(data: bytes | memoryview, end: int) -> bytes:
    """blake2b-32 over all records of the whole blocks before `end`."""
    whole = blake2b(digest_size=32)
    for offset, block in iterate_blocks(data, end):
        whole.update(data[offset + RECORD_BYTES : block_end(offset, block)])
    return whole.digest()


def iterate_blocks(
    data: bytes | memoryview, end: int, offset: int = SEGMENT_HEADER_BYTES
) -> Iterator[tuple[int, BlockHeader]]:
    """Offset and header of every block from `offset` to `end`, where a scan found whole blocks only."""
    while offset < end:
        block = parse_block(data, offset)
        if isinstance(block, Problem):
            raise IntegrityError(f"expected a whole block at {offset}, was: {block.detail}")
        yield offset, block
        offset = block_end(offset, block)


def any_set(data: bytes | memoryview, offset: int) -> bool:
    """Whether anything but zeros stands from `offset` on."""
    return bytes(data[offset:]).count(0) != len(data) - offset


def next_whole_block(data: bytes, offset: int) -> tuple[int, BlockHeader] | None:
    """The first block from `offset` on that is whole in itself, wherever it belongs: (its offset, its header)."""
    while (offset := data.find(BLOCK_MAGIC, offset)) >= 0:
        block = parse_block(data, offset) if offset % RECORD_BYTES == 0 else None
        if isinstance(block, BlockHeader) and records_problem(data, offset, block) is None:
            return offset, block
        offset += 1
    return None


def find_seal(data: bytes, offset: int) -> int | None:
    """Offset of a seal from `offset` on."""
    while (offset := data.find(SEAL_MAGIC, offset)) >= 0:
        if offset % RECORD_BYTES == 0 and parse_seal(data, offset) is not None:
            return offset
        offset += 1
    return None
