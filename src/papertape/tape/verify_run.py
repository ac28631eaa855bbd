"""Verification of the control track of one run."""

from pathlib import Path

from papertape.tape.control import run_path
from papertape.tape.control_recovery import SessionScan, list_sessions, scan_session
from papertape.tape.verify_segment import Finding


def verify_run(directory: Path, run_id: str, market_next_seq: int) -> list[Finding]:
    """All findings of a run; `seq` in them is the number of the record in the run."""
    run = run_path(directory, run_id)
    sessions = list_sessions(run)
    findings: list[Finding] = []
    next_index, cursor_seq = 0, 0
    for position, path in enumerate(sessions):
        name = path.relative_to(directory).as_posix()
        is_last = position == len(sessions) - 1
        scan = scan_session(path, next_index, is_last=is_last)
        while scan.torn and (again := scan_session(path, next_index, is_last=is_last)).end != scan.end:
            scan = again  # a writer was just finishing what looked torn
        if scan.damage is not None:
            damage = scan.damage
            findings.append(Finding(damage.code, name, damage.offset, damage.seq, damage.detail))
        if scan.torn:
            detail = f"{len(scan.torn)} bytes stand behind the last whole record"
            findings.append(Finding("torn_tail", name, scan.end, scan.next_index, detail))
        findings += _cursors(name, scan, cursor_seq, market_next_seq)
        next_index = scan.next_index
        cursor_seq = scan.records[-1].record.cursor_seq if scan.records else cursor_seq
    return findings


def _cursors(name: str, scan: SessionScan, cursor_seq: int, market_next_seq: int) -> list[Finding]:
    """Records whose place in the market track goes backwards or does not exist."""
    findings: list[Finding] = []
    for framed in scan.records:
        if framed.record.cursor_seq < cursor_seq:
            detail = f"expected a cursor of at least {cursor_seq}, was {framed.record.cursor_seq}"
            findings.append(Finding("cursor_backwards", name, framed.start, framed.number, detail))
        cursor_seq = framed.record.cursor_seq
        if cursor_seq > market_next_seq:
            detail = f"names the market position {cursor_seq}, the market track ends at {market_next_seq}"
            findings.append(Finding("cursor_missing", name, framed.start, framed.number, detail))
    return findings
