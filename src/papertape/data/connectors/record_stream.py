"""Streams of a connector: async iterators, bounded, each with the policy of its name for a consumer that is slow."""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple, Self

import numpy as np

from papertape.core.book.rows import Market
from papertape.core.errors import SessionClosed
from papertape.core.records import RECORD_BYTES, as_records

Records = np.ndarray[Any, np.dtype[Any]]
BUFFER_RECORDS = 65_536
"""4 MiB of records wait for a consumer at most."""


class Policy(StrEnum):
    """What becomes of records for which there is no room."""

    LOSSLESS = "lossless"
    """Nothing is lost in silence: the stream ends with SessionClosed, which says so."""
    SHED_WITH_COUNT = "shed_with_count"
    """The oldest are let go, and counted."""
    CONFLATE = "conflate"
    """Only the latest state is kept."""


class _Stream:
    """The end that all streams have in common."""

    def __init__(self) -> None:
        self._close: Callable[[], object] = lambda: None
        self._ready = asyncio.Event()
        self._error: BaseException | None = None
        self._is_closed = False

    def feed(self, close: Callable[[], object]) -> None:
        """Something feeds the stream; `close` ends it."""
        self._close = close

    def end(self, error: BaseException | None) -> None:
        """Nothing more comes, because of `error` if there is one."""
        self._is_closed = True
        self._error = self._error or error
        self._ready.set()

    async def aclose(self) -> None:
        """Leave the stream; its connections end."""
        self._close()
        self.end(None)

    def __aiter__(self) -> Self:
        return self

    def _stop(self) -> BaseException:
        return self._error or StopAsyncIteration()


class WebSocketStream(_Stream):
    """Judged records in the order of arrival, as arrays of RECORD_DTYPE that hold whole events.

    `shed` counts records that were let go under SHED_WITH_COUNT.
    """

    def __init__(self, policy: Policy, capacity: int = BUFFER_RECORDS) -> None:
        super().__init__()
        self.policy = policy
        self.shed = 0
        self._capacity = capacity
        self._waiting: deque[bytes] = deque()
        self._records = 0

    def put(self, data: bytes) -> None:
        """Take packed records, whole events."""
        if self._is_closed:
            return
        self._waiting.append(data)
        self._records += len(data) // RECORD_BYTES
        while self._records > self._capacity and len(self._waiting) > 1:
            if self.policy is Policy.LOSSLESS:
                self._close()
                self.end(SessionClosed(f"more than {self._capacity} records waited to be read: read faster"))
                return
            gone = len(self._waiting.popleft()) // RECORD_BYTES
            self._records -= gone
            self.shed += gone
        self._ready.set()

    async def __anext__(self) -> Records:
        while not self._waiting:
            if self._is_closed:
                raise self._stop()
            self._ready.clear()
            await self._ready.wait()
        data = self._waiting.popleft()
        self._records -= len(data) // RECORD_BYTES
        return as_records(data)


class OrderBook(NamedTuple):
    """The best levels of a synchronised book: (price, size) mantissas at these scales, best first."""

    symbol: str
    update_id: int
    price_scale: int
    size_scale: int
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]


class OrderBookStream(_Stream):
    """The best `depth` levels of one book each time that it has changed. CONFLATE: who is slow sees the latest only.

    A book that is not synchronised is not shown.
    """

    policy = Policy.CONFLATE

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.depth = depth
        self._market = Market()
        self._seen = -1

    def put(self, data: bytes) -> None:
        """Take packed records, whole events."""
        if not self._is_closed:
            self._market.apply(data)
            self._ready.set()

    async def __anext__(self) -> OrderBook:
        while True:
            if self._is_closed:
                raise self._stop()
            for book in self._market.books.values():
                if book.synced and book.update_id != self._seen:
                    self._seen = book.update_id
                    instrument = book.instrument
                    return OrderBook(
                        instrument.symbol,
                        book.update_id,
                        instrument.price_scale,
                        instrument.size_scale,
                        heapq.nlargest(self.depth, book.bids.items()),
                        heapq.nsmallest(self.depth, book.asks.items()),
                    )
            self._ready.clear()
            await self._ready.wait()
