"""Checkpoints of a run: its whole state at one place of its tape, so that recovery reads only what came after.

A file per checkpoint beside the run's sessions: magic, version, CRC, the run's next record number, then zstd. The
latest two are kept; one that is damaged is passed over, since everything in it can be made again from the tape.
"""

import contextlib
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import zstandard

from papertape.tape import files

CHECKPOINT_MAGIC = b"PTAPECKP"
CHECKPOINT_VERSION = 1
KEPT = 2
_HEADER = struct.Struct("<8sIIqq")
"""Magic, version, CRC of what follows the CRC, the market's next Seq, the run's next record number."""
_CRC_OFFSET = 16


class Checkpoint(NamedTuple):
    """A run's state before the market record `cursor_seq`, and before its own record `next_index`."""

    cursor_seq: int
    next_index: int
    data: bytes


def write_checkpoint(run: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint into the run's directory, whole or not at all; older ones but the latest are removed.

    Raises StoreError or DiskFull.
    """
    packed = zstandard.ZstdCompressor(level=1).compress(checkpoint.data)
    path = run / f"{checkpoint.next_index:012d}.checkpoint"
    raw = _pack(checkpoint, packed)
    scratch = path.with_suffix(".tmp")
    try:
        scratch.unlink(missing_ok=True)
        fd = files.create(scratch)
        try:
            files.write_at(fd, raw, 0)
            files.sync_data(fd)
        finally:
            os.close(fd)
        scratch.replace(path)
        files.sync_directory(run)
        for old in _paths(run)[KEPT:]:
            old.unlink()
    except OSError as error:
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)
        raise files.store_error(path, error) from error
    return path


def read_checkpoints(run: Path) -> Iterator[Checkpoint]:
    """The whole checkpoints of a run, the latest first. Raises StoreError when one cannot be read at all."""
    for path in _paths(run):
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise files.store_error(path, error) from error
        found = _unpack(raw)
        if found is not None:
            yield found


def _paths(run: Path) -> list[Path]:
    return sorted(run.glob("*.checkpoint"), reverse=True)


def _pack(checkpoint: Checkpoint, packed: bytes) -> bytes:
    ends = (checkpoint.cursor_seq, checkpoint.next_index)
    body = _HEADER.pack(CHECKPOINT_MAGIC, CHECKPOINT_VERSION, 0, *ends)[_CRC_OFFSET:] + packed
    return _HEADER.pack(CHECKPOINT_MAGIC, CHECKPOINT_VERSION, zlib.crc32(body), *ends) + packed


def _unpack(raw: bytes) -> Checkpoint | None:
    if len(raw) < _HEADER.size:
        return None
    magic, version, crc, cursor_seq, next_index = _HEADER.unpack_from(raw)
    if (magic, version) != (CHECKPOINT_MAGIC, CHECKPOINT_VERSION) or zlib.crc32(raw[_CRC_OFFSET:]) != crc:
        return None
    return Checkpoint(cursor_seq, next_index, zstandard.ZstdDecompressor().decompress(raw[_HEADER.size :]))
