"""Checks of what records say, over all whole blocks of a segment at once."""

from typing import Any, NamedTuple

import numpy as np

from papertape.core.records import FIRST_MARKET_KIND, INSTRUMENTS_MAX, Flag, Kind

Array = np.ndarray[Any, np.dtype[Any]]

_KNOWN = np.zeros(256, dtype=bool)
_KNOWN[[kind for kind in Kind if kind >= Kind.INSTRUMENT]] = True
_TOLD_LATER = Flag.REPEAT | Flag.BACKFILL
"""Records that may carry an earlier arrival than the one before them."""


class Fault(NamedTuple):
    """A record that says what it may not: its position among the records given."""

    code: str
    position: int
    detail: str


class Contents:
    """What the records of a tape have said so far: which instruments are listed."""

    def __init__(self) -> None:
        self._listed = np.zeros(INSTRUMENTS_MAX, dtype=bool)
        self.is_complete = True
        """False once records were lost: then an instrument may have been listed in one of them."""

    def check(self, records: Array, starts: Array) -> list[Fault]:
        """Faults of the records of one segment; `starts` are the positions where blocks begin."""
        if len(records) == 0:
            return []
        faults = [_open_events(records, starts), _unknown_kinds(records), _backward_times(records)]
        return [fault for fault in faults if fault is not None] + self._unlisted(records)

    def _unlisted(self, records: Array) -> list[Fault]:
        instruments = records["instrument"]
        heads = np.flatnonzero((records["kind"] == Kind.INSTRUMENT) & (records["flags"] & Flag.FIRST != 0))
        listed_at = np.where(self._listed, -1, len(records))
        np.minimum.at(listed_at, instruments[heads], heads)
        used = records["kind"] >= FIRST_MARKET_KIND
        wrong = np.flatnonzero(used & (np.arange(len(records)) < listed_at[instruments]))
        self._listed[instruments[heads]] = True
        if not self.is_complete or len(wrong) == 0:
            return []
        unlisted, firsts = np.unique(instruments[wrong], return_index=True)
        self._listed[unlisted] = True  # told once
        return [
            Fault("unlisted_instrument", int(wrong[first]), f"no INSTRUMENT event listed index {index} before")
            for index, first in zip(unlisted.tolist(), firsts.tolist(), strict=True)
        ]


def _open_events(records: Array, starts: Array) -> Fault | None:
    flags = records["flags"]
    is_first, is_last = (flags & Flag.FIRST) != 0, (flags & Flag.LAST) != 0
    expected_first = np.empty(len(records), dtype=bool)
    expected_first[0] = True
    expected_first[1:] = is_last[:-1]
    wrong = is_first != expected_first
    wrong[starts] |= ~is_first[starts]
    ends = np.append(starts[1:], len(records)) - 1
    wrong[ends] |= ~is_last[ends]
    return _fault("open_event", wrong, "events are not closed inside their block")


def _unknown_kinds(records: Array) -> Fault | None:
    return _fault("unknown_kind", ~_KNOWN[records["kind"]], "records have a kind that this version does not know")


def _backward_times(records: Array) -> Fault | None:
    at = np.flatnonzero((records["flags"] & _TOLD_LATER) == 0)
    wrong = np.zeros(len(records), dtype=bool)
    wrong[at[1:]] = np.diff(records["ts_recv_ns"][at]) < 0
    return _fault("time_backwards", wrong, "records arrived before the one in front of them")


def _fault(code: str, wrong: Array, detail: str) -> Fault | None:
    found = np.flatnonzero(wrong)
    return Fault(code, int(found[0]), f"{len(found)} {detail}, the first one here") if len(found) else None
