"""Reading a session's file of a run, and cutting what a killed writer or a power cut left of it."""

import os
import re
from pathlib import Path
from typing import NamedTuple

import msgspec

from papertape.tape import files
from papertape.tape.control_layout import (
    CONTROL_HEADER_BYTES,
    ControlHeader,
    Framed,
    next_whole_record,
    parse_control_header,
    parse_record,
)
from papertape.tape.layout import Problem
from papertape.tape.recovery import keep_torn
from papertape.tape.segment import Damage
from papertape.tape.segment_view import corrupt

_SESSION_NAME = re.compile(r"(\d{6})\.log")


class RunRecovery(msgspec.Struct, frozen=True):
    """What was cut from a run's last session: bytes from `offset` on, now in the file `kept_in`.

    `records_cut` were whole, but named a market position that is missing.
    """

    session: str
    offset: int
    bytes_kept: int
    records_cut: int
    kept_in: str
    detail: str


class RunEnd(NamedTuple):
    """Where the next session of a run begins."""

    session: int
    next_index: int
    cursor_seq: int
    report: RunRecovery | None


class SessionScan(NamedTuple):
    """Whole records of a session's file, up to `end`; behind them `torn` bytes, or `damage` that is no torn tail."""

    records: list[Framed]
    end: int
    next_index: int
    torn: bytes
    damage: Damage | None


def list_sessions(run: Path) -> list[Path]:
    """The files of a run's sessions, in order."""
    try:
        return sorted(path for path in run.iterdir() if _SESSION_NAME.fullmatch(path.name))
    except OSError as error:
        raise files.store_error(run, error) from error


def scan_session(path: Path, first_index: int, *, is_last: bool) -> SessionScan:
    """Read one session's file, whose first record should have the number `first_index`; raises StoreError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise files.store_error(path, error) from error
    empty = SessionScan([], 0, first_index, b"", None)
    header = parse_control_header(data)
    if isinstance(header, Problem):
        return _ended(data, empty, header, is_last)
    expected = ControlHeader(int(path.stem), path.parent.name, first_index)
    if header != expected:
        return _damaged(empty, Problem("index_discontinuity", f"expected {expected}, was {header}"))
    records: list[Framed] = []
    offset, index = CONTROL_HEADER_BYTES, first_index
    while offset < len(data):
        framed = parse_record(data, offset)
        if isinstance(framed, Problem):
            return _ended(data, SessionScan(records, offset, index, b"", None), framed, is_last)
        if framed.number != index:
            problem = Problem("index_discontinuity", f"expected record {index}, was {framed.number}")
            return _damaged(SessionScan(records, offset, index, b"", None), problem)
        records.append(framed)
        offset, index = framed.end, index + 1
    return SessionScan(records, offset, index, b"", None)


def _ended(data: bytes, scan: SessionScan, problem: Problem, is_last: bool) -> SessionScan:
    """`scan`, which met `problem`: a torn tail if it is the last session's and no whole record stands behind it."""
    if is_last and next_whole_record(data, scan.end) is None:
        return scan._replace(torn=data[scan.end :])
    return _damaged(scan, problem)


def _damaged(scan: SessionScan, problem: Problem) -> SessionScan:
    return scan._replace(damage=Damage(problem.code, scan.end, scan.next_index, problem.detail))


def recover_run_files(run: Path, market_next_seq: int) -> RunEnd:
    """Cut the last session at its last whole record that names a market position below or at `market_next_seq`.

    Raises TapeCorrupt, with nothing changed, when the run is damaged elsewhere; StoreError or DiskFull.
    """
    sessions = list_sessions(run)
    next_index, cursor_seq = 0, 0
    report = None
    for position, path in enumerate(sessions):
        is_last = position == len(sessions) - 1
        scan = scan_session(path, next_index, is_last=is_last)
        if scan.damage is not None:
            raise corrupt(path, scan.damage)
        standing = [framed for framed in scan.records if framed.record.cursor_seq <= market_next_seq]
        if len(standing) < len(scan.records) and not is_last:
            detail = (
                f"a record names the market position {scan.records[len(standing)].record.cursor_seq}, which is missing"
            )
            raise corrupt(path, Damage("cursor_missing", 0, next_index + len(standing), detail))
        if is_last and (scan.torn or len(standing) < len(scan.records)):
            report = _cut(run, path, scan, standing)
        next_index += len(standing)
        cursor_seq = standing[-1].record.cursor_seq if standing else cursor_seq
    left = list_sessions(run)
    return RunEnd(int(left[-1].stem) if left else 0, next_index, cursor_seq, report)


def _cut(run: Path, path: Path, scan: SessionScan, standing: list[Framed]) -> RunRecovery:
    end = standing[-1].end if standing else min(CONTROL_HEADER_BYTES, scan.end)
    try:
        torn = path.read_bytes()[end:]
        kept = keep_torn(run, f"{path.name}.{end}", torn)
        if end == 0:
            path.unlink()
            files.sync_directory(run)
        else:
            _truncate(path, end)
    except OSError as error:
        raise files.store_error(path, error) from error
    cut = len(scan.records) - len(standing)
    detail = f"a torn tail of {len(scan.torn)} bytes and {cut} records that name a missing market position were cut off"
    return RunRecovery(path.name, end, len(torn), cut, kept.relative_to(run).as_posix(), detail)


def _truncate(path: Path, end: int) -> None:
    fd = files.open_write(path)
    try:
        os.ftruncate(fd, end)
        os.fsync(fd)
    finally:
        os.close(fd)
