"""`sealed.jsonl`: the list of sealed segments, one line each, so that a missing segment is missed."""

import os
from pathlib import Path

import msgspec

from papertape.tape import files

NAME = "sealed.jsonl"


class SealedSegment(msgspec.Struct, frozen=True):
    """One sealed segment: `records_hash` is blake2b-32 over its records, `chain_end` the chain after its last block."""

    first_seq: int
    last_seq: int
    blocks: int
    records_hash: str
    chain_end: str


_DECODER = msgspec.json.Decoder(SealedSegment)


def append_sealed(track: Path, segment: SealedSegment) -> None:
    """Add one line and return when it is on disk; raises OSError, and no half line is left then."""
    fd = os.open(track / NAME, os.O_RDWR | os.O_CREAT | files.BINARY, 0o644)
    try:
        end = os.fstat(fd).st_size
        try:
            files.write_at(fd, msgspec.json.encode(segment) + b"\n", end)
            files.sync_data(fd)
        except OSError:
            os.ftruncate(fd, end)
            raise
    finally:
        os.close(fd)


def read_sealed(track: Path) -> tuple[list[SealedSegment], bytes]:
    """All lines, and what follows the last readable one (b"" if nothing does). A missing file is an empty list."""
    path = track / NAME
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return [], b""
    except OSError as error:
        raise files.store_error(path, error) from error
    lines: list[SealedSegment] = []
    start = 0
    while (end := raw.find(b"\n", start)) >= 0:
        try:
            lines.append(_DECODER.decode(raw[start:end]))
        except msgspec.MsgspecError:
            break
        start = end + 1
    return lines, raw[start:]


def replace_sealed(track: Path, lines: list[SealedSegment]) -> None:
    """Write the whole list anew, in one step as a reader sees it; raises OSError."""
    fresh = track / (NAME + ".new")
    with fresh.open("wb") as stream:
        stream.write(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
        stream.flush()
        files.sync_data(stream.fileno())
    fresh.replace(track / NAME)
    files.sync_directory(track)
