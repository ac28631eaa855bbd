"""What the bytes of a control track mean: one file per session of a run, a header, then framed msgpack records."""

import struct
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from papertape.tape.layout import Problem

CONTROL_VERSION = 1
CONTROL_HEADER_BYTES = 64
CONTROL_MAGIC = b"PTAPERUN"
RECORD_BYTES_MAX = 16 << 20
RUNS = "runs"

_HEADER = struct.Struct("<8sII16sq")
_FRAME = struct.Struct("<IIq")
_INDEX = struct.Struct("<q")
_CRC = struct.Struct("<I")
_ARRAY_OF_THREE = b"\x93"
"""First byte of every record's msgpack."""


class ControlRecord(msgspec.Struct, frozen=True, array_like=True):
    """One recorded input or fact of a run, at the engine's cursor in the market track (the Seq it had not yet read)."""

    cursor_seq: int
    kind: str
    body: Any


class ControlHeader(NamedTuple):
    """Head of a session's file: which session of which run, and the number of records before it."""

    session: int
    run_id: str
    first_index: int


class Framed(NamedTuple):
    """A record with its number in the run, its offset and the offset behind it."""

    number: int
    record: ControlRecord
    start: int
    end: int


_DECODER = msgspec.msgpack.Decoder(ControlRecord)


def session_path(run: Path, session: int) -> Path:
    """Where a session's records stand."""
    return run / f"{session:06d}.log"


def pack_control_header(header: ControlHeader) -> bytes:
    """The 64 bytes that open a session's file."""
    raw = _HEADER.pack(CONTROL_MAGIC, CONTROL_VERSION, header.session, header.run_id.encode(), header.first_index)
    body = raw.ljust(CONTROL_HEADER_BYTES - _CRC.size, b"\0")
    return body + _CRC.pack(zlib.crc32(body))


def parse_control_header(data: bytes) -> ControlHeader | Problem:
    """The header of a session's file, or what is wrong with it."""
    head = data[:CONTROL_HEADER_BYTES]
    if len(head) < CONTROL_HEADER_BYTES:
        return Problem("truncated", f"expected a header of {CONTROL_HEADER_BYTES} bytes, was {len(head)}")
    magic, version, session, run_id, first_index = _HEADER.unpack_from(head)
    if magic != CONTROL_MAGIC:
        return Problem("run_magic", f"expected a file that begins with {CONTROL_MAGIC!r}, was {magic!r}")
    if _CRC.pack(zlib.crc32(head[: -_CRC.size])) != head[-_CRC.size :]:
        return Problem("run_header_crc", "the header does not match its CRC")
    if version != CONTROL_VERSION:
        return Problem("run_version", f"expected version {CONTROL_VERSION}, was {version}")
    return ControlHeader(session, run_id.rstrip(b"\0").decode(), first_index)


def pack_record(index: int, payload: bytes) -> bytes:
    """One framed record: length, CRC over number and payload, number, payload."""
    return _FRAME.pack(len(payload), zlib.crc32(payload, zlib.crc32(_INDEX.pack(index))), index) + payload


def parse_record(data: bytes, offset: int) -> Framed | Problem:
    """The record at `offset`, or what is wrong with it."""
    if len(data) - offset < _FRAME.size:
        return Problem("truncated", f"expected a record, the file ends after {len(data) - offset} bytes of it")
    length, crc, index = _FRAME.unpack_from(data, offset)
    start = offset + _FRAME.size
    payload = data[start : start + length]
    if len(payload) < length:
        return Problem("truncated", f"expected a record of {length} bytes, the file ends after {len(payload)} of them")
    if crc != zlib.crc32(payload, zlib.crc32(_INDEX.pack(index))):
        return Problem("record_crc", "the record does not match its CRC")
    try:
        return Framed(index, _DECODER.decode(payload), offset, start + length)
    except msgspec.MsgspecError as error:
        return Problem("record_content", f"expected [cursor, kind, body], {error}")


def next_whole_record(data: bytes, offset: int) -> int | None:
    """Offset of the first whole record that begins behind `offset`."""
    at = offset + 1 + _FRAME.size
    while (at := data.find(_ARRAY_OF_THREE, at)) >= 0:
        if isinstance(parse_record(data, at - _FRAME.size), Framed):
            return at - _FRAME.size
        at += 1
    return None
