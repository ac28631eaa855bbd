"""Records on their way to a reader that may be slow: bounded, and what does not fit is told as a Gap."""

import asyncio
from collections import deque

from papertape.core.errors import DataError
from papertape.core.records import (
    FIRST_MARKET_KIND,
    RECORD_BYTES,
    GapCause,
    Kind,
    RecordBuffer,
    as_records,
)

_DEPTH = (int(Kind.DEPTH_DELTA), int(Kind.DEPTH_SNAPSHOT), int(Kind.DEPTH_PARTIAL))
KEPT_MAX = 10_000
"""Records of papertape's own that are kept for a reader while its queue is full."""


class RecordQueue:
    """Batches of whole events, at most `limit` records, or one batch of any size.

    While it is full a batch loses its market data; what papertape says itself stays, and a GAP of cause READER_BEHIND stands
    where an instrument begins to lose a kind. `shed` counts the records lost. A reader that stands still until
    more than `KEPT_MAX` of what stays has gathered gets DataError.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._batches: deque[bytes] = deque()
        self._waiting = 0
        self._losing: dict[tuple[int, int], None] = {}
        self._lost_depth: dict[int, None] = {}
        self._news = asyncio.Event()
        self._ended = False
        self._failure: DataError | None = None
        self._kept = 0
        self.shed = 0

    def __len__(self) -> int:
        return self._waiting

    def put(self, data: bytes) -> None:
        """Add one batch."""
        count = len(data) // RECORD_BYTES
        if self._ended or not count:
            return
        if not self._waiting or self._waiting + count <= self._limit:
            self._losing.clear()
            self._kept = 0
        else:
            data = self._shed(data)
            count = len(data) // RECORD_BYTES
            self._kept += count
            if self._kept > KEPT_MAX:
                self._fail()
                return
        if count:
            self._batches.append(data)
            self._waiting += count
            self._news.set()

    def take_lost_depth(self) -> list[int]:
        """Instruments whose book the reader has lost, once half of the queue is free again: their books must be told anew."""
        if not self._lost_depth or 2 * self._waiting > self._limit:
            return []
        numbers = list(self._lost_depth)
        self._lost_depth.clear()
        return numbers

    async def get(self) -> bytes | None:
        """The next batch; None at the end. Raises DataError when the reader fell too far behind."""
        while not self._batches:
            if self._failure is not None:
                raise self._failure
            if self._ended:
                return None
            self._news.clear()
            await self._news.wait()
        data = self._batches.popleft()
        self._waiting -= len(data) // RECORD_BYTES
        return data

    def end(self) -> None:
        """Nothing more comes; what waits can still be read."""
        self._ended = True
        self._news.set()

    def _shed(self, data: bytes) -> bytes:
        """What stays of a batch that does not fit: facts, and a GAP for each instrument and kind that begins to lose."""
        records = as_records(data)
        is_market = records["kind"] >= FIRST_MARKET_KIND
        lost = records[is_market]
        self.shed += len(lost)
        buffer = RecordBuffer()
        buffer.extend(records[~is_market].tobytes())
        ts_recv_ns = int(records["ts_recv_ns"][-1])  # behind what stays of the batch
        for number, kind in lost[["instrument", "kind"]].tolist():
            missed = int(Kind.DEPTH_DELTA) if kind in _DEPTH else kind
            if (number, missed) in self._losing:
                continue
            self._losing[number, missed] = None
            if missed == Kind.DEPTH_DELTA:
                self._lost_depth[number] = None
            buffer.gap(ts_recv_ns, number, GapCause.READER_BEHIND, missed)
        return buffer.take()

    def _fail(self) -> None:
        self._failure = DataError(
            f"expected a reader that keeps up, was one that left {self._waiting} records unread; "
            "read faster, subscribe to less or set a larger buffer_size"
        )
        self.end()
