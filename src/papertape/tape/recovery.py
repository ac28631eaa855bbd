"""Recovery: what a killed writer or a power cut left is brought back to a tape that ends with a whole block."""

import os
from pathlib import Path
from typing import NamedTuple

import msgspec

from papertape.core.errors import TapeCorrupt
from papertape.core.records import RECORD_BYTES
from papertape.tape import files
from papertape.tape.layout import CHAIN_START, Problem, SegmentHeader, pack_seal, parse_segment_header
from papertape.tape.lock import take_lock
from papertape.tape.sealed import SealedSegment, append_sealed, read_sealed, replace_sealed
from papertape.tape.segment import (
    Damage,
    Scan,
    find_seal,
    list_segments,
    market_track,
    next_whole_block,
    read_segment,
    records_hash,
    scan_segment,
)

TORN = "torn"


class RecoveryReport(msgspec.Struct, frozen=True):
    """What recovery did to the last segment.

    `offset` is where the segment was cut, `last_seq` the last record that stands (-1: none),
    `bytes_kept` how many cut bytes now stand in the file `kept_in` (None: nothing was cut).
    """

    segment: str
    offset: int
    last_seq: int
    bytes_kept: int
    kept_in: str | None
    detail: str


class TrackEnd(NamedTuple):
    """Where the next segment of a track begins."""

    next_seq: int
    chain: bytes
    report: RecoveryReport | None


def recover(directory: Path) -> RecoveryReport | None:
    """Recover the market track of the tape `directory`; None when there was nothing to do.

    Raises InputError when the directory is no tape, TapeLocked when a writer is at work, TapeCorrupt when the tape is damaged elsewhere
    than in its torn tail (then nothing is changed), StoreError when files cannot be read or written.
    """
    track = market_track(directory)
    lock = take_lock(track)
    try:
        return recover_track(track).report
    finally:
        lock.release()


def recover_track(track: Path) -> TrackEnd:
    """Recover a track whose lock is held. Errors as for `recover`."""
    try:
        return _recover(track)
    except OSError as error:
        raise files.store_error(track, error) from error


def _recover(track: Path) -> TrackEnd:
    listed, rest = read_sealed(track)
    segments = list_segments(track)
    expected = listed[-1].first_seq if listed else 0
    if listed and (not segments or segments[-1][0] < expected):
        raise TapeCorrupt(f"expected the sealed segment {expected} in {track}, it is missing", expected, 0)
    if not segments:
        _mend_list(track, listed, rest)
        return TrackEnd(0, CHAIN_START, None)
    path = segments[-1][1]
    data = read_segment(path)
    header = parse_segment_header(data)
    is_listed = segments[-1][0] == expected and bool(listed)
    if isinstance(header, Problem):
        damage = Damage(header.code, 0, segments[-1][0], header.detail)
        _refuse_unless_torn(path, data, damage, is_listed or next_whole_block(data, 0) is not None)
        return _set_aside(track, path, data)
    if header.first_seq != segments[-1][0]:
        raise TapeCorrupt(f"{path} holds the segment of seq {header.first_seq}; rename it", segments[-1][0], 0)
    scan = scan_segment(data, header)
    if scan.damage is not None:
        _refuse_unless_torn(path, data, scan.damage, is_listed or scan.seal is not None)
    if scan.seal is None and is_listed:
        raise TapeCorrupt(f"{path}, offset {scan.end}: expected the seal of a sealed segment", scan.next_seq, scan.end)
    _mend_list(track, listed, rest)
    if scan.blocks == 0:
        return _set_aside(track, path, data)
    if scan.seal is not None:
        if not is_listed:
            _sync_file(path)
            append_sealed(track, _line(data, header, scan))
        return TrackEnd(scan.next_seq, scan.chain, None)
    return TrackEnd(scan.next_seq, scan.chain, _cut_and_seal(track, path, data, header, scan))


def _mend_list(track: Path, listed: list[SealedSegment], rest: bytes) -> None:
    """Keep aside, and remove, what stands behind the last readable line of `sealed.jsonl`."""
    if rest:
        keep_torn(track, "sealed.jsonl", rest)
        replace_sealed(track, listed)


def _refuse_unless_torn(path: Path, data: bytes, damage: Damage, was_durable: bool) -> None:
    """Raise TapeCorrupt unless `damage` can be what a power cut leaves of an append.

    A power cut may lose any block that was not known to be durable, also one before others that
    reached the disk. So a later block proves damage of another kind only if it says that the
    damaged place was durable before it was written; a seal proves it always.
    """
    torn = not was_durable and damage.code not in ("seq_discontinuity", "chain_break", "segment_version")
    if torn and find_seal(data, damage.offset) is None:
        offset = damage.offset
        while (found := next_whole_block(data, offset)) is not None:
            if found[1].durable_seq > damage.seq:
                break
            offset = found[0] + 1
        else:
            return
    raise TapeCorrupt(
        f"{path}, offset {damage.offset}: {damage.detail} (seq {damage.seq}); this is no torn tail, "
        "nothing was changed; restore the segment from a backup or move it away",
        damage.seq,
        damage.offset,
    )


def _set_aside(track: Path, path: Path, data: bytes) -> TrackEnd:
    """Keep the bytes of a segment without a whole block aside; the track then ends with the one before."""
    torn = _without_reserve(data)
    kept = keep_torn(track, f"{path.name}.0", torn)
    path.unlink()
    files.sync_directory(track)
    end = _recover(track)
    detail = "the segment held no whole block and was set aside"
    return end._replace(report=RecoveryReport(path.name, 0, end.next_seq - 1, len(torn), _shown(track, kept), detail))


def _cut_and_seal(track: Path, path: Path, data: bytes, header: SegmentHeader, scan: Scan) -> RecoveryReport:
    torn = _without_reserve(data[scan.end :])
    kept = keep_torn(track, f"{path.name}.{scan.end}", torn) if torn else None
    line = _line(data, header, scan)
    fd = files.open_write(path)
    try:
        os.ftruncate(fd, scan.end)
        files.write_at(fd, pack_seal(scan.next_seq, scan.blocks, bytes.fromhex(line.records_hash)), scan.end)
        os.fsync(fd)
    finally:
        os.close(fd)
    append_sealed(track, line)
    detail = "a torn tail was cut off" if torn else "the segment ended with a whole block"
    shown = _shown(track, kept) if kept else None
    return RecoveryReport(path.name, scan.end, scan.next_seq - 1, len(torn), shown, f"{detail}; it is sealed now")


def _sync_file(path: Path) -> None:
    fd = files.open_write(path)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _line(data: bytes, header: SegmentHeader, scan: Scan) -> SealedSegment:
    digest = records_hash(data, scan.end)
    return SealedSegment(header.first_seq, scan.next_seq - 1, scan.blocks, digest.hex(), scan.chain.hex())


def _without_reserve(tail: bytes) -> bytes:
    """`tail` up to its last record that is not zero: what follows is room that was reserved."""
    return tail[: -(-len(tail.rstrip(b"\0")) // RECORD_BYTES) * RECORD_BYTES]


def keep_torn(track: Path, name: str, torn: bytes) -> Path:
    """Write cut bytes to a file of their own, on disk when this returns; raises OSError."""
    path = free_name(track, name)
    with path.open("xb") as stream:
        stream.write(torn)
        stream.flush()
        files.sync_data(stream.fileno())
    files.sync_directory(path.parent)
    return path


def free_name(track: Path, name: str) -> Path:
    """A path for `name` among the torn bytes, numbered when the same place was torn before."""
    folder = track / TORN
    folder.mkdir(exist_ok=True)
    path, number = folder / name, 1
    while path.exists():
        number += 1
        path = folder / f"{name}.{number}"
    return path


def _shown(track: Path, path: Path) -> str:
    return path.relative_to(track).as_posix()
