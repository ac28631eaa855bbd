"""Ticks of a MetaTrader 5 terminal as rows, and reading them piece by piece so that none is lost and none comes twice.

A terminal is asked for ticks from a whole second on, and several ticks share a millisecond, even exact duplicates of
each other; so what was read already is told by its place: the cursor holds the last millisecond and how many ticks of it
were read. A duplicate in the source is a tick of its own and stays one: broker and terminal count it too.
"""

from typing import Any, NamedTuple

import numpy as np

TICK_DTYPE = np.dtype(
    [
        ("time", "<i8"),
        ("bid", "<f8"),
        ("ask", "<f8"),
        ("last", "<f8"),
        ("volume", "<u8"),
        ("time_msc", "<i8"),
        ("flags", "<u4"),
        ("volume_real", "<f8"),
    ]
)
"""The terminal's own layout: `time` in s and `time_msc` in ms of the broker's wall clock."""

COPY_TICKS_ALL = -1

Rows = np.ndarray[Any, np.dtype[Any]]


class TickCursor(NamedTuple):
    """Ticks read so far: all before `time_msc` (broker's clock, ms), and `seen` of that millisecond."""

    time_msc: int = 0
    seen: int = 0

    @property
    def from_s(self) -> int:
        """The second from which on to ask the terminal."""
        return self.time_msc // 1000

    def unread(self, rows: Rows) -> Rows | None:
        """The rows behind the cursor, of rows that begin at `from_s` and are in the order of time.

        None when ticks that were read are not there: the terminal's history is incomplete, and nothing may be taken.
        """
        start = int(np.searchsorted(rows["time_msc"], self.time_msc))
        stop = start + self.seen
        if stop > len(rows) or (self.seen and int(rows["time_msc"][stop - 1]) != self.time_msc):
            return None
        return rows[stop:]

    def after(self, rows: Rows) -> "TickCursor":
        """The cursor behind `rows`, the unread ones from their first on."""
        if not len(rows):
            return self
        stamps = rows["time_msc"]
        last = int(stamps[-1])
        seen = len(rows) - int(np.searchsorted(stamps, last))
        return TickCursor(last, seen + self.seen if last == self.time_msc else seen)
