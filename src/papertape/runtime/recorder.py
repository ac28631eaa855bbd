"""The recorder: everything that arrives goes through here, is judged, written to the tape, and then applied.

Frames gather until what was read from the socket at once is through; then their records are one
block of the tape. The order is fixed: write, then apply.
"""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from papertape.core.book.rows import Market
from papertape.core.clock import Clock
from papertape.core.errors import DecodeError, PapertapeError
from papertape.core.records import WHOLE, Kind, Link
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.runtime.latency import LatencyHistogram
from papertape.tape.market_writer import MarketWriter
from papertape.tape.reels import LINK_DOWN, ReelWriter, trades_until

BATCH_RECORDS_MAX = 16_384
"""Records gathered before they are written, however busy the socket is."""
_SECONDS_IN_DAY_NS = 86_400_000_000_000


class ReelOut:
    """Keeps raw frames, a reel per symbol and UTC day: `<folder>/<symbol>_<YYYYMMDD>.gz`.

    A file that is there is never appended to, as a killed recorder may have left it without its
    end: the name then goes on with `_2`, `_3`. The first reel of a symbol begins with the note
    that the connection was down, so that reels of several recordings in a row are one stream.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reels: dict[str, ReelWriter] = {}
        self._day = -1
        self._begun: set[str] = set()

    def write(self, symbol: str, ts_recv_ns: int, payload: bytes) -> None:
        """Append one frame of `symbol`."""
        day = ts_recv_ns // _SECONDS_IN_DAY_NS
        if day != self._day:
            self.close()
            self._day = day
        reel = self._reels.get(symbol)
        if reel is None:
            reel = self._reels[symbol] = ReelWriter(self._free_path(symbol, ts_recv_ns))
            if symbol not in self._begun:
                self._begun.add(symbol)
                reel.write(ts_recv_ns, LINK_DOWN)
        reel.write(ts_recv_ns, payload.replace(b"\n", b" ").strip())

    def _free_path(self, symbol: str, ts_recv_ns: int) -> Path:
        date = datetime.fromtimestamp(ts_recv_ns // 1_000_000_000, UTC).strftime("%Y%m%d")
        stem = f"{symbol.lower()}_{date}"
        names = itertools.chain((f"{stem}.gz",), (f"{stem}_{number}.gz" for number in itertools.count(2)))
        return next(path for name in names if not (path := self._folder / name).exists())

    def close(self) -> None:
        """End the files that are open."""
        for reel in self._reels.values():
            reel.close()
        self._reels.clear()


class Recorder:
    """`Intake` of a session. A failure to write ends it: `failed` holds the error.

    `after_take` is called once per batch, when the machine may have new wishes.
    """

    def __init__(
        self, machine: BinanceMachine, writer: MarketWriter, clock: Clock, reel: ReelOut | None, note: Callable[..., None]
    ) -> None:
        self.market = Market()
        self.latency = LatencyHistogram()
        self.resyncs = 0
        self.after_take: Callable[[], None] = lambda: None
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._machine = machine
        self._writer = writer
        self._clock = clock
        self._reel = reel
        self._note = note
        self._arrivals: list[int] = []
        self._flush_is_due = False
        self._synced_once: set[str] = set()

    def frame(self, payload: bytes, is_last: bool) -> None:
        """Take one frame; `is_last` ends the batch, and so does the end of the read that brought it.

        A read may end in a ping or a part of a message, and then no frame of it was told to be the last.
        """
        now_ns = self._clock.now_ns()
        try:
            self._machine.take(now_ns, payload)
        except DecodeError as error:
            self._note("frame cannot be read", error=str(error))
        else:
            self._arrivals.append(now_ns)
            if self._reel is not None:
                self._keep(now_ns, payload)
        if is_last or self._machine.gate.buffer.count >= BATCH_RECORDS_MAX:
            self.flush()
        elif not self._flush_is_due:
            self._flush_is_due = True
            asyncio.get_running_loop().call_soon(self._end_read)

    def _end_read(self) -> None:
        self._flush_is_due = False
        if self._machine.gate.buffer.count:
            self.flush()

    def snapshot(self, symbol: str, body: bytes) -> None:
        """Take a depth snapshot of `symbol`."""
        now_ns = self._clock.now_ns()
        self._machine.take_snapshot(now_ns, symbol, body)
        if self._machine.feeds[symbol].sync.synced:
            self.resyncs += symbol in self._synced_once
            self._synced_once.add(symbol)
        self._keep_for([symbol], now_ns, body)
        self.flush()

    def trades(self, symbol: str, body: bytes) -> None:
        """Take REST trades of `symbol`."""
        now_ns = self._clock.now_ns()
        self._machine.take_trades(now_ns, symbol, body)
        self._keep_for([symbol], now_ns, body)
        self.flush()

    def trades_until(self, symbol: str, trade_id: int) -> None:
        """Note that the venue has prints up to `trade_id`."""
        now_ns = self._clock.now_ns()
        self._machine.expect_trades(now_ns, symbol, trade_id)
        self._keep_for([symbol], now_ns, trades_until(trade_id))
        self.flush()

    def link_up(self, connection: int) -> None:
        """Note a connection that came up."""
        self._link(connection, Link.UP)

    def link_down(self, connection: int, symbols: Sequence[str]) -> None:
        """Note a connection that ended, and the books that are lost with it."""
        now_ns = self._clock.now_ns()
        self._machine.lose(now_ns, symbols)
        self._keep_for(symbols, now_ns, LINK_DOWN)
        self._link(connection, Link.DOWN)

    def _link(self, connection: int, state: Link) -> None:
        self._machine.gate.buffer.pack(
            0, self._clock.now_ns(), Kind.CONNECTION, WHOLE, 0, 0, 0, 0, state, 0, connection
        )
        self.flush()

    def flush(self) -> None:
        """Write what has gathered as one block, then apply it."""
        if self.failed.done():
            return
        data = self._machine.gate.buffer.take()
        try:
            if data:
                self._writer.append(data)
                self.market.apply(data)
        except PapertapeError as error:
            self.failed.set_exception(error)
            return
        written_ns = self._clock.now_ns()
        for arrived_ns in self._arrivals:
            self.latency.add((written_ns - arrived_ns) // 1000)
        self._arrivals.clear()
        self.after_take()

    def _keep(self, ts_recv_ns: int, payload: bytes) -> None:
        """Keep a frame in the reel of its symbol; frames of no symbol are kept in none."""
        name = payload[payload.find(b'"stream":"') + 10 : payload.find(b"@")].decode(errors="replace").upper()
        if name in self._machine.feeds:
            self._keep_for([name], ts_recv_ns, payload)

    def _keep_for(self, symbols: Sequence[str], ts_recv_ns: int, payload: bytes) -> None:
        if self._reel is None or self.failed.done():
            return
        try:
            for symbol in symbols:
                self._reel.write(symbol, ts_recv_ns, payload)
        except PapertapeError as error:
            self.failed.set_exception(error)
