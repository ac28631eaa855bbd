"""Verification: reads every byte of a tape and says exactly what is wrong and where."""

from pathlib import Path
from typing import NamedTuple

import msgspec

from papertape.tape.control import list_runs
from papertape.tape.layout import Problem, parse_segment_header
from papertape.tape.sealed import NAME, SealedSegment, read_sealed
from papertape.tape.segment import list_segments, market_track, read_segment, scan_segment
from papertape.tape.verify_records import Contents
from papertape.tape.verify_run import verify_run
from papertape.tape.verify_segment import Finding, Place, SegmentCheck


class VerifyReport(msgspec.Struct, frozen=True):
    """The result: `ok` means that there are no findings.

    `records` counts those in whole blocks; `last_seq` is -1 on an empty tape; `sealed` tells
    whether the last segment is sealed, which a tape in use, or of a killed writer, is not, and
    `uncommitted_bytes` what such a writer left behind the last whole block: records without the
    header that commits them, which nobody was told of and the next writer cuts off.
    """

    ok: bool
    segments: int
    blocks: int
    records: int
    first_seq: int
    last_seq: int
    sealed: bool
    uncommitted_bytes: int
    runs: int
    findings: list[Finding]


def verify_tape(directory: Path) -> VerifyReport:
    """Check the tape `directory`: CRCs, chain, order, continuity, seals, events, instruments, times.

    Damaged content is a finding, never an error. Raises InputError when the directory is no
    tape, StoreError when files cannot be read.
    """
    findings, counted = _verify_market(market_track(directory))
    runs = list_runs(directory)
    for run_id in runs:
        findings += verify_run(directory, run_id, counted.next_seq)
    return VerifyReport(
        ok=not findings,
        segments=counted.segments,
        blocks=counted.blocks,
        records=counted.records,
        first_seq=counted.first_seq,
        last_seq=counted.next_seq - 1,
        sealed=counted.sealed,
        uncommitted_bytes=counted.uncommitted_bytes,
        runs=len(runs),
        findings=findings,
    )


class _Counted(NamedTuple):
    segments: int
    blocks: int
    records: int
    first_seq: int
    next_seq: int
    sealed: bool
    uncommitted_bytes: int


def _verify_market(track: Path) -> tuple[list[Finding], _Counted]:
    listed, rest = read_sealed(track)
    segments = list_segments(track)
    findings = _verify_list(segments, listed, rest)
    lines = {line.first_seq: line for line in read_sealed(track)[0]}  # a writer may have sealed more meanwhile
    contents = Contents()
    blocks = records = uncommitted_bytes = 0
    first_seq = next_seq = segments[0][0] if segments else 0
    contents.is_complete = first_seq == 0
    chain: bytes | None = None
    sealed = not segments
    for position, (seq, path) in enumerate(segments):
        if seq != next_seq:
            detail = f"expected a segment that begins with seq {next_seq}, where the one before it ends"
            findings.append(Finding("seq_discontinuity", path.name, 0, seq, detail))
            chain, contents.is_complete = None, False
        is_last = position == len(segments) - 1
        place = Place(path.name, seq, chain, lines.get(seq), is_last)
        check = SegmentCheck(place, _read_settled(path) if is_last else read_segment(path))
        findings += check.run(contents)
        blocks, records = blocks + check.blocks, records + check.records
        next_seq, chain, sealed = check.next_seq, check.chain, check.is_sealed
        uncommitted_bytes = check.uncommitted_bytes
    return findings, _Counted(len(segments), blocks, records, first_seq, next_seq, sealed, uncommitted_bytes)


def _read_settled(path: Path) -> bytes:
    """The last segment, read again while a writer is just finishing what looks torn."""
    seen = -1
    while True:
        data = read_segment(path)
        header = parse_segment_header(data)
        damage = None if isinstance(header, Problem) else scan_segment(data, header).damage
        if damage is None or damage.offset == seen:
            return data
        seen = damage.offset


def _verify_list(segments: list[tuple[int, Path]], listed: list[SealedSegment], rest: bytes) -> list[Finding]:
    """What `sealed.jsonl` tells by itself: lines that cannot be read, segments that are not there."""
    findings = []
    if rest:
        findings.append(
            Finding("sealed_list", NAME, 0, -1, f"{len(rest)} bytes behind line {len(listed)} are unreadable")
        )
    present = {seq for seq, _ in segments}
    for line in listed:
        if line.first_seq not in present:
            detail = f"the sealed segment with the records {line.first_seq} to {line.last_seq} is missing"
            findings.append(Finding("missing_segment", f"{line.first_seq:020d}.seg", 0, line.first_seq, detail))
    return findings
