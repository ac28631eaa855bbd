"""The way onto a tape: records that gathered are written as one block, and then applied. The order is fixed.

Whatever listens to a venue packs its judged records into `gate`, one venue or several, and says when a block is through.
"""

import asyncio
from collections import Counter
from collections.abc import Callable

from papertape.core.book.rows import Book, Books
from papertape.core.clock import Clock
from papertape.core.errors import PapertapeError
from papertape.core.records import FIRST_MARKET_KIND, HEAD_STRUCT, RECORD_BYTES, WHOLE, Flag, Kind
from papertape.core.silence import CLOCK_STEP_NS, SilenceFiller
from papertape.data.quality.gate import Gate
from papertape.runtime.latency import LatencyHistogram
from papertape.tape.market_writer import MarketWriter

BATCH_RECORDS_MAX = 1_024
"""Records gathered before they are written, however busy the socket is."""
_BATCH_BYTES_MAX = BATCH_RECORDS_MAX * RECORD_BYTES


class TapeIntake:
    """The only way onto one tape. A failure to write ends it: `failed` holds the error, and nothing is written any more.

    `after_flush` is called once per block that was written, when whoever listens may have new wishes.
    """

    def __init__(self, gate: Gate, writer: MarketWriter, clock: Clock) -> None:
        self.gate = gate
        self.market = Books(Book)
        self.latency = LatencyHistogram()
        """From arrival to being written."""
        self.venue_latency = LatencyHistogram()
        """From the venue's stamp to arrival by the venue's clock, of the last record of each block, where both are known."""
        self._offset_ns: int | None = None
        self.after_flush: Callable[[], None] = lambda: None
        self.apply: Callable[[int, bytes], None] = lambda _, data: self.market.apply(data)
        """What takes each block once it is written, with the Seq of its first record."""
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._writer = writer
        self._clock = clock
        self._silence = SilenceFiller(gate.buffer)
        self._arrivals: list[int] = []
        self._read_ns = 0
        self._flush_is_due = False

    @property
    def next_seq(self) -> int:
        """Seq of the next record that is written."""
        return self._writer.next_seq

    def now_ns(self) -> int:
        """The time now, nothing else."""
        return self._clock.now_ns()

    def fill_silence(self, now_ns: int) -> None:
        """Something arrives at `now_ns`: what lies between it and what came before is told."""
        self._silence.fill(now_ns)

    def arrival_ns(self) -> int:
        """Arrival of what is being read at once: one time for all its parts, with the silence before it told.

        `end_read` must follow for each part.
        """
        if not self._read_ns:
            self._read_ns = self._clock.now_ns()
            self._silence.fill(self._read_ns)
        return self._read_ns

    def arrived(self, ts_recv_ns: int) -> None:
        """Something that came then has been taken: how long it takes to be written counts as latency."""
        self._arrivals.append(ts_recv_ns)

    def fact(self, now_ns: int, kind: Kind, x: int, y: int, ident: int) -> None:
        """Pack a fact of our own: no data of the venue, and of no instrument."""
        self._silence.fill(now_ns)
        if kind is Kind.CLOCK_OFFSET:
            self._offset_ns = x
        self.gate.buffer.pack(0, now_ns, kind, WHOLE, 0, 0, 0, 0, x, y, ident)

    def end_read(self, is_last: bool) -> None:
        """A part of what was read at once is through; `is_last` ends the block, and so does the end of the read.

        A read may end in a ping or a part of a message, and then no part of it was told to be the last.
        """
        if is_last or len(self.gate.buffer.data) >= _BATCH_BYTES_MAX:
            self.flush()
        elif not self._flush_is_due:
            self._flush_is_due = True
            asyncio.get_running_loop().call_soon(self._flush_due)

    def _flush_due(self) -> None:
        self._flush_is_due = False
        self._read_ns = 0
        if self.gate.buffer.count:
            self.flush()

    async def tell_time(self, is_quiet: Callable[[], bool]) -> None:
        """Tell the time that passes while nothing arrives, until cancelled; not while `is_quiet` is False."""
        while True:
            await asyncio.sleep((CLOCK_STEP_NS - self._clock.now_ns() % CLOCK_STEP_NS) / 1e9)
            if is_quiet():
                self._silence.fill(self._clock.now_ns())
            if self.gate.buffer.count:
                self.flush()

    def flush(self) -> None:
        """Write what has gathered as one block, then apply it."""
        self._read_ns = 0
        if self.failed.done():
            return
        data = self.gate.buffer.take()
        try:
            if data:
                first_seq = self._writer.next_seq
                self._writer.append(data)
                self.apply(first_seq, data)
                if self._offset_ns is not None:
                    self._count_venue_latency(data, self._offset_ns)
        except PapertapeError as error:
            self.fail(error)
            return
        if self._arrivals:
            self._count_latency(self._arrivals)
            self._arrivals.clear()
        self.after_flush()

    def _count_latency(self, arrivals: list[int]) -> None:
        """What was read at once arrived at one time, and is counted at once."""
        written_ns = self._clock.now_ns()
        for arrived_ns, count in Counter(arrivals).items():
            self.latency.add((written_ns - arrived_ns) // 1000, count)

    def _count_venue_latency(self, data: bytes, offset_ns: int) -> None:
        ts_event_ns, ts_recv_ns, kind, flags, *_ = HEAD_STRUCT.unpack_from(data, len(data) - RECORD_BYTES)
        if kind >= FIRST_MARKET_KIND and ts_event_ns and not flags & Flag.BACKFILL:
            self.venue_latency.add((ts_recv_ns + offset_ns - ts_event_ns) // 1000)

    def fail(self, error: PapertapeError) -> None:
        """End it with this error."""
        self.failed.set_exception(error)
        self.failed.exception()  # seen: the loop need not tell of it when the writer's own end raises it first
