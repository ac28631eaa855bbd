"""Verification: reads every byte of a tape and says exactly what is wrong and where."""

from pathlib import Path

import msgspec

from papertape.tape.market_reader import market_track
from papertape.tape.sealed import NAME, read_sealed
from papertape.tape.segment import list_segments, read_segment
from papertape.tape.verify_records import Contents
from papertape.tape.verify_segment import Finding, SegmentCheck


class VerifyReport(msgspec.Struct, frozen=True):
    """The result: `ok` means that there are no findings.

    `records` counts those in whole blocks; `last_seq` is -1 on an empty tape; `sealed` tells
    whether the last segment is sealed, which a tape in use, or of a killed writer, is not.
    """

    ok: bool
    segments: int
    blocks: int
    records: int
    first_seq: int
    last_seq: int
    sealed: bool
    findings: list[Finding]


def verify_tape(directory: Path) -> VerifyReport:
    """Check the tape `directory`: CRCs, chain, order, continuity, seals, events, instruments, times.

    Damaged content is a finding, never an error. Raises InputError when the directory is no
    tape, StoreError when files cannot be read.
    """
    track = market_track(directory)
    findings: list[Finding] = []
    segments = list_segments(track)
    listed, rest = read_sealed(track)
    if rest:
        findings.append(
            Finding("sealed_list", NAME, 0, -1, f"{len(rest)} bytes behind line {len(listed)} cannot be read")
        )
    lines = {line.first_seq: line for line in listed}
    contents = Contents()
    blocks = records = 0
    first_seq = next_seq = segments[0][0] if segments else 0
    chain: bytes | None = None
    sealed = not segments
    for position, (seq, path) in enumerate(segments):
        if seq != next_seq:
            detail = f"expected the segment to begin with seq {next_seq}, the one before it ends there"
            findings.append(Finding("seq_discontinuity", path.name, 0, seq, detail))
            chain = None
        is_last = position == len(segments) - 1
        check = SegmentCheck(path.name, read_segment(path), seq, chain, lines.get(seq), is_last)
        findings += check.run(contents)
        blocks, records = blocks + check.blocks, records + check.records
        next_seq, chain, sealed = check.next_seq, check.chain, check.is_sealed
    present = {seq for seq, _ in segments}
    for line in listed:
        if line.first_seq not in present:
            detail = f"the sealed segment with the records {line.first_seq} to {line.last_seq} is missing"
            findings.append(Finding("missing_segment", f"{line.first_seq:020d}.seg", 0, line.first_seq, detail))
    return VerifyReport(not findings, len(segments), blocks, records, first_seq, next_seq - 1, sealed, findings)
