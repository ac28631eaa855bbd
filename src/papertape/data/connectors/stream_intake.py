"""What arrives for a stream: it is stamped, judged, and handed on as packed records, a block per read of the socket."""

import asyncio
from collections.abc import Callable, Sequence

from papertape.core.errors import DecodeError
from papertape.core.records import WHOLE, Kind, Link
from papertape.core.values import Interval
from papertape.data.wire.binance.machine import BinanceMachine

BATCH_RECORDS_MAX = 1_024
"""Records gathered before they are handed on, however busy the socket is."""


class StreamIntake:
    """`Intake` of a session whose records go to `deliver`; `after_flush` is called once they are through."""

    def __init__(
        self,
        machine: BinanceMachine,
        now_ns: Callable[[], int],
        deliver: Callable[[bytes], None],
        note: Callable[..., None],
    ) -> None:
        self.after_flush: Callable[[], None] = lambda: None
        self.clock_offset_ns: int | None = None
        self._machine = machine
        self._now_ns = now_ns
        self._deliver = deliver
        self._note = note
        self._flush_is_due = False

    def frame(self, payload: bytes, is_last: bool) -> None:
        """See `Intake`."""
        now_ns = self._now_ns()
        try:
            self._machine.take(now_ns, payload)
        except DecodeError as error:
            self._note("frame cannot be read", error=str(error))
            self._machine.note_unreadable(now_ns, payload)
        if is_last or self._machine.gate.buffer.count >= BATCH_RECORDS_MAX:
            self.flush()
        elif not self._flush_is_due:
            self._flush_is_due = True
            asyncio.get_running_loop().call_soon(self.flush)

    def snapshot(self, symbol: str, body: bytes) -> None:
        """See `Intake`."""
        self._machine.take_snapshot(self._now_ns(), symbol, body)
        self.flush()

    def trades(self, symbol: str, body: bytes) -> None:
        """See `Intake`."""
        self._machine.take_trades(self._now_ns(), symbol, body)
        self.flush()

    def agg_trades(self, symbol: str, body: bytes) -> None:
        """See `Intake`."""
        self._machine.take_agg_trades(self._now_ns(), symbol, body)
        self.flush()

    def klines(self, symbol: str, interval: Interval, body: bytes) -> None:
        """See `Intake`."""
        self._machine.take_klines(self._now_ns(), symbol, interval, body)
        self.flush()

    def exchange_info(self, body: bytes) -> None:
        """See `Intake`."""
        self._machine.relist_from_exchange_info(self._now_ns(), body)
        self.flush()

    def trades_until(self, symbol: str, trade_id: int) -> None:
        """See `Intake`."""
        self._machine.expect_trades(self._now_ns(), symbol, trade_id)
        self.flush()

    def clock_offset(self, offset_ns: int, round_trip_ns: int) -> None:
        """See `Intake`."""
        self.clock_offset_ns = offset_ns
        self._fact(Kind.CLOCK_OFFSET, offset_ns, round_trip_ns, 0)

    def link_up(self, connection: int) -> None:
        """See `Intake`."""
        self._link(connection, Link.UP)

    def link_down(self, connection: int, symbols: Sequence[str]) -> None:
        """See `Intake`."""
        self._machine.lose(self._now_ns(), symbols)
        self._link(connection, Link.DOWN)

    def _link(self, connection: int, state: Link) -> None:
        self._fact(Kind.CONNECTION, state, 0, connection)

    def _fact(self, kind: Kind, x: int, y: int, ident: int) -> None:
        self._machine.gate.buffer.pack(0, self._now_ns(), kind, WHOLE, 0, 0, 0, 0, x, y, ident)
        self.flush()

    def flush(self) -> None:
        """Hand on what has gathered."""
        self._flush_is_due = False
        data = self._machine.gate.buffer.take()
        if data:
            self._deliver(data)
        self.after_flush()
