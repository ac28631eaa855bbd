"""The recorder of one Binance market: everything that arrives goes through here, is judged, and goes onto the tape.

Frames gather until what was read from the socket at once is through; then their records are one block of the tape.
"""

from collections.abc import Callable, Sequence
from functools import partial

from papertape.core.errors import DecodeError, PapertapeError
from papertape.core.records import Kind, Link
from papertape.core.values import INTERVAL_NAMES, Interval
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.prelude import Prelude
from papertape.runtime.reel_out import ReelOut
from papertape.runtime.tape_intake import TapeIntake
from papertape.tape.reels import LINK_DOWN, LINK_NEW, rest_klines, trades_until


class Recorder:
    """`Intake` of a session."""

    def __init__(
        self,
        machine: BinanceMachine,
        intake: TapeIntake,
        reel: ReelOut | None,
        note: Callable[..., None],
    ) -> None:
        self.resyncs = 0
        self.clock_offset_ns: int | None = None
        self._machine = machine
        self._intake = intake
        self._reel = reel
        self._note = note
        self._prelude: Prelude | None = None
        self._waiting: list[Callable[[], None]] = []
        self._waiting_since_ns = 0
        self._synced_once: set[str] = set()
        self._up: set[int] = set()

    def frame(self, payload: bytes, is_last: bool) -> None:
        """Take one frame; `is_last` says that what was read at once ends with it."""
        if self._prelude is None:
            self._take(self._intake.arrival_ns(), payload)
        else:
            self._wait(self._prelude, self._intake.now_ns(), payload)
        self._intake.end_read(is_last)

    async def tell_time(self) -> None:
        """Tell the time that passes while nothing arrives, until cancelled; frames that wait tell it when they are taken."""
        await self._intake.tell_time(lambda: not self._waiting)

    def _now_ns(self) -> int:
        """The time at which something is taken, with the silence before it told; frames that wait tell it when they are taken."""
        now_ns = self._intake.now_ns()
        if not self._waiting:
            self._intake.fill_silence(now_ns)
        return now_ns

    def _take_late(self, ts_recv_ns: int, payload: bytes) -> None:
        self._intake.fill_silence(ts_recv_ns)
        self._take(ts_recv_ns, payload)

    def _take(self, ts_recv_ns: int, payload: bytes) -> None:
        try:
            self._machine.take(ts_recv_ns, payload)
        except DecodeError as error:
            self._note("frame cannot be read", error=str(error))
            self._machine.note_unreadable(ts_recv_ns, payload)
            return
        self._intake.arrived(ts_recv_ns)
        if self._reel is not None:
            self._keep(ts_recv_ns, payload)

    def _wait(self, prelude: Prelude, ts_recv_ns: int, payload: bytes) -> None:
        """A frame of a venue that lists nothing: it waits until enough frames tell what the instruments are."""
        if not self._waiting:
            self._waiting_since_ns = ts_recv_ns
        self._waiting.append(partial(self._take_late, ts_recv_ns, payload))
        try:
            told = prelude.look(payload)
        except DecodeError:
            return  # told when the frame is taken
        if told:
            self._end_prelude(prelude)

    def _end_prelude(self, prelude: Prelude) -> None:
        self._prelude = None
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        self._intake.fill_silence(self._waiting_since_ns)
        for symbol, feed in self._machine.feeds.items():
            if feed.instrument is None:
                self._machine.list_instrument(prelude.instrument(self._machine.rules, symbol), self._waiting_since_ns)
        for take in waiting:
            take()

    def _in_order(self, take: Callable[[], None]) -> None:
        """Take now, or behind the frames that wait: the tape is in the order of arrival."""
        if self._waiting:
            self._waiting.append(take)
        else:
            take()

    def end(self) -> None:
        """Take and write what still waits; connections that are up end here."""
        if self._prelude is not None:
            self._end_prelude(self._prelude)
        for connection in sorted(self._up):
            self._link(connection, Link.DOWN)
        self._intake.flush()

    def snapshot(self, symbol: str, body: bytes) -> None:
        """Take a depth snapshot of `symbol`."""
        now_ns = self._now_ns()
        self._machine.take_snapshot(now_ns, symbol, body)
        if self._machine.feeds[symbol].sync.synced:
            self.resyncs += symbol in self._synced_once
            self._synced_once.add(symbol)
        self._keep_for([symbol], now_ns, body)
        self._intake.flush()

    def trades(self, symbol: str, body: bytes) -> None:
        """Take REST trades of `symbol`."""
        now_ns = self._now_ns()
        self._machine.take_trades(now_ns, symbol, body)
        self._keep_for([symbol], now_ns, body)
        self._intake.flush()

    def agg_trades(self, symbol: str, body: bytes) -> None:
        """Take REST aggregates of `symbol`."""
        now_ns = self._now_ns()
        self._machine.take_agg_trades(now_ns, symbol, body)
        self._keep_for([symbol], now_ns, body)
        self._intake.flush()

    def klines(self, symbol: str, interval: Interval, body: bytes) -> None:
        """Take REST klines of `symbol`."""
        now_ns = self._now_ns()
        self._machine.take_klines(now_ns, symbol, interval, body)
        self._keep_for([symbol], now_ns, rest_klines(INTERVAL_NAMES[interval], body))
        self._intake.flush()

    def exchange_info(self, body: bytes) -> None:
        """Take what the venue says its symbols are, asked again."""
        if not self._waiting:  # else nothing is listed yet
            self._machine.relist_from_exchange_info(self._now_ns(), body)
            self._intake.flush()

    def trades_until(self, symbol: str, trade_id: int) -> None:
        """Note that the venue has prints up to `trade_id`."""
        now_ns = self._now_ns()
        self._machine.expect_trades(now_ns, symbol, trade_id)
        self._keep_for([symbol], now_ns, trades_until(trade_id))
        self._intake.flush()

    def clock_offset(self, offset_ns: int, round_trip_ns: int) -> None:
        """Note how far the venue's clock is ahead."""
        self.clock_offset_ns = offset_ns
        self._fact(Kind.CLOCK_OFFSET, offset_ns, round_trip_ns, 0)

    def begin(self) -> None:
        """Write what stands before the first frame; a tape or reel that is continued begins its books and ids anew."""
        if any(feed.instrument is None for feed in self._machine.feeds.values()):
            self._prelude = Prelude()
        if self._intake.next_seq:
            self._keep_for(list(self._machine.feeds), self._intake.now_ns(), LINK_NEW)
        self._intake.flush()

    def link_up(self, connection: int) -> None:
        """Note a connection that came up."""
        self._note("connected", connection=connection)
        self._link(connection, Link.UP)

    def link_down(self, connection: int, symbols: Sequence[str]) -> None:
        """Note a connection that ended, and the books that are lost with it; frames that wait are taken first."""
        if self._prelude is not None and self._waiting:
            self._end_prelude(self._prelude)
        now_ns = self._now_ns()
        self._machine.lose(now_ns, symbols)
        self._keep_for(symbols, now_ns, LINK_DOWN)
        self._link(connection, Link.DOWN)

    def _link(self, connection: int, state: Link) -> None:
        if state is Link.UP:
            self._up.add(connection)
        else:
            self._up.discard(connection)
        self._fact(Kind.CONNECTION, state, 0, connection)

    def _fact(self, kind: Kind, x: int, y: int, ident: int) -> None:
        now_ns = self._intake.now_ns()

        self._in_order(lambda: self._intake.fact(now_ns, kind, x, y, ident))
        self._intake.flush()

    def _keep(self, ts_recv_ns: int, payload: bytes) -> None:
        """Keep a frame in the reel of its symbol; frames of no symbol are kept in none."""
        symbol = self._machine.symbol_of(payload)
        if symbol is not None:
            self._keep_for([symbol], ts_recv_ns, payload)

    def _keep_for(self, symbols: Sequence[str], ts_recv_ns: int, payload: bytes) -> None:
        if self._reel is None or self._intake.failed.done():
            return
        try:
            self._reel.write(symbols, ts_recv_ns, payload)
        except PapertapeError as error:
            self._intake.fail(error)
