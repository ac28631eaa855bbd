"""What the bytes of a market segment mean. `docs/reference/tape-format.md` tells the same as a page.

A segment is a header of 512 bytes, then blocks, then, when it is sealed, one SEAL. A block is a
64-byte header with the kind BLOCK where a record has its kind, followed by its records. All is
little-endian and stands at multiples of 64 bytes, so that everything behind the segment header
can be viewed as records.
"""

import json
import struct
import zlib
from hashlib import blake2b
from typing import NamedTuple

from papertape.core.records import EVENT_RECORDS_MAX, RECORD_BYTES, RECORD_DTYPE, Kind

LAYOUT_VERSION = 1
SEGMENT_HEADER_BYTES = 512
BLOCK_RECORDS_MAX = EVENT_RECORDS_MAX
"""Records in one block; an event may not be larger. A snapshot of 5,000 + 5,000 levels has 10,000."""
CHAIN_BYTES = 16
CHAIN_START = bytes(CHAIN_BYTES)
"""Chain value before the first block of a tape."""

SEGMENT_MAGIC = b"PTAPEMKT"
BLOCK_MAGIC = b"PTBLOCK\n"
SEAL_MAGIC = b"PTSEAL\n\n"

_SEGMENT = struct.Struct("<8sIIq16sI")
_BLOCK = struct.Struct("<8sqBxHI16sIq8xI")
_SEAL = struct.Struct("<8sqBxHI32s4xI")
_CHAINED = struct.Struct("<qIIq")
_CRC = struct.Struct("<I")
_KIND_BLOCK, _KIND_SEAL = int(Kind.BLOCK), int(Kind.SEAL)
_DTYPE_TEXT = json.dumps(RECORD_DTYPE.descr, separators=(",", ":")).encode()


class Problem(NamedTuple):
    """Bytes that are not what they should be: a code for programs, a sentence for people."""

    code: str
    detail: str


class SegmentHeader(NamedTuple):
    """The first 512 bytes of a segment: Seq of its first record and the chain value it goes on from."""

    first_seq: int
    chain: bytes


class BlockHeader(NamedTuple):
    """One block: `durable_seq` is what the writer knew to be on disk (all below it) when it wrote the block."""

    first_seq: int
    records: int
    chain: bytes
    records_crc: int
    durable_seq: int


class Seal(NamedTuple):
    """End of a segment: Seq after its last record, number of blocks, blake2b-32 over all its records."""

    next_seq: int
    blocks: int
    records_hash: bytes


def pack_segment_header(first_seq: int, chain: bytes) -> bytes:
    """The 512 bytes that open a segment."""
    head = _SEGMENT.pack(SEGMENT_MAGIC, LAYOUT_VERSION, RECORD_BYTES, first_seq, chain, len(_DTYPE_TEXT)) + _DTYPE_TEXT
    body = head.ljust(SEGMENT_HEADER_BYTES - _CRC.size, b"\0")
    return body + _CRC.pack(zlib.crc32(body))


def parse_segment_header(raw: bytes | memoryview) -> SegmentHeader | Problem:
    """The header in the first 512 bytes of `raw`, or what is wrong with it."""
    if len(raw) < SEGMENT_HEADER_BYTES:
        return Problem("truncated", f"expected a segment header of {SEGMENT_HEADER_BYTES} bytes, was {len(raw)}")
    head = bytes(raw[:SEGMENT_HEADER_BYTES])
    magic, version, record_bytes, first_seq, chain, text_bytes = _SEGMENT.unpack_from(head)
    if magic != SEGMENT_MAGIC:
        return Problem("segment_magic", f"expected a segment that begins with {SEGMENT_MAGIC!r}, was {magic!r}")
    if zlib.crc32(head[: -_CRC.size]) != _CRC.unpack_from(head, SEGMENT_HEADER_BYTES - _CRC.size)[0]:
        return Problem("segment_header_crc", "the segment header does not match its CRC")
    text = head[_SEGMENT.size : _SEGMENT.size + text_bytes]
    if (version, record_bytes, text) != (LAYOUT_VERSION, RECORD_BYTES, _DTYPE_TEXT):
        return Problem("segment_version", f"expected layout {LAYOUT_VERSION} with this dtype, was layout {version}")
    return SegmentHeader(first_seq, chain)


def pack_block(block: BlockHeader) -> bytes:
    """The 64 bytes in front of the records of a block."""
    raw = _BLOCK.pack(
        BLOCK_MAGIC,
        block.first_seq,
        _KIND_BLOCK,
        0,
        block.records,
        block.chain,
        block.records_crc,
        block.durable_seq,
        0,
    )
    return raw[: -_CRC.size] + _CRC.pack(zlib.crc32(raw[: -_CRC.size]))


def next_chain(previous_chain: bytes, first_seq: int, count: int, records_crc: int, durable_seq: int) -> bytes:
    """Chain value of a block: a missing, swapped or foreign block cannot have it."""
    fields = _CHAINED.pack(first_seq, count, records_crc, durable_seq)
    return blake2b(previous_chain + fields, digest_size=CHAIN_BYTES).digest()


def parse_block(raw: bytes | memoryview, offset: int = 0) -> BlockHeader | Problem:
    """The block header at `offset`, or what is wrong with it. The records are not looked at."""
    head = bytes(raw[offset : offset + RECORD_BYTES])
    if len(head) < RECORD_BYTES:
        return Problem("truncated", f"expected a block header of {RECORD_BYTES} bytes, was {len(head)}")
    magic, first_seq, _, _, count, chain, records_crc, durable_seq, crc = _BLOCK.unpack(head)
    if magic != BLOCK_MAGIC:
        code = "zero_filled" if not any(head) else "block_magic"
        return Problem(code, f"expected a block that begins with {BLOCK_MAGIC!r}, was {magic!r}")
    if crc != zlib.crc32(head[: -_CRC.size]):
        return Problem("block_header_crc", "the block header does not match its CRC")
    return BlockHeader(first_seq, count, chain, records_crc, durable_seq)


def pack_seal(next_seq: int, blocks: int, records_hash: bytes) -> bytes:
    """The 64 bytes that end a segment."""
    raw = _SEAL.pack(SEAL_MAGIC, next_seq, _KIND_SEAL, 0, blocks, records_hash, 0)
    return raw[: -_CRC.size] + _CRC.pack(zlib.crc32(raw[: -_CRC.size]))


def parse_seal(raw: bytes | memoryview, offset: int = 0) -> Seal | None:
    """The seal at `offset`; None when no valid one stands there."""
    head = bytes(raw[offset : offset + RECORD_BYTES])
    if len(head) < RECORD_BYTES or not head.startswith(SEAL_MAGIC):
        return None
    _, next_seq, _, _, blocks, records_hash, crc = _SEAL.unpack(head)
    return Seal(next_seq, blocks, records_hash) if crc == zlib.crc32(head[: -_CRC.size]) else None
