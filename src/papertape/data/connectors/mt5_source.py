"""One MetaTrader 5 terminal as a source: its ticks as judged QUOTE records."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

from papertape.core.clock import Clock
from papertape.core.errors import ConnectFailed, DataError, DecodeError, MT5Error, SessionClosed
from papertape.core.instruments import Instrument
from papertape.core.records import RECORD_BYTES, WHOLE, Kind, Link, RecordBuffer
from papertape.data.connectors.backoff import Backoff
from papertape.data.connectors.mt5_connector import MT5Connector, StreamItem, TickStream, is_final
from papertape.data.connectors.mt5_ports import HistoryLost, TerminalPort
from papertape.data.quality.gate import Gate
from papertape.data.source_hub import first_error
from papertape.data.sources import Deliver, SourceHealth, check_listed
from papertape.data.symbols import SymbolInfo
from papertape.data.wire.mt5.broker_time import BrokerTime
from papertape.data.wire.mt5.machine import Mt5Machine
from papertape.data.wire.mt5.symbol_info import VENUE
from papertape.data.wire.mt5.ticks import TickCursor


class Mt5Source:
    """`Source` over one terminal. `note` is told what happens, for the log.

    When symbols come or go, the terminal is read with the other set from the very tick on that was read last.
    """

    def __init__(self, port: TerminalPort, clock: Clock, note: Callable[..., None]) -> None:
        self._connector = MT5Connector(port, clock, note)
        self._port = port
        self._clock = clock
        self._note = note
        self._gate = Gate(RecordBuffer())
        self._machine = Mt5Machine({}, self._gate, BrokerTime())
        self._infos: dict[str, SymbolInfo] = {}
        self._known: dict[str, Instrument] = {}
        self._numbers: dict[str, int] = {}
        self._cursors: dict[str, TickCursor | None] = {}
        self._changed = asyncio.Event()
        self._reaching = asyncio.Lock()
        self._deliver: Deliver | None = None
        self._connected = False
        self._records = 0
        self._trouble = ""

    @property
    def venue(self) -> str:
        """See `Source`."""
        return VENUE

    async def catalogue(self) -> Sequence[SymbolInfo]:
        """See `Source`; a symbol that papertape cannot hold, such as an option, is left out, and noted."""
        await self._reach()
        for name in await self._port.names():
            try:
                self._infos[name] = await self._connector.get_symbol_info(name)
            except (DataError, DecodeError) as error:
                self._note("symbol cannot be listed", error=str(error))
        return list(self._infos.values())

    async def subscribe(self, numbers: Mapping[str, int]) -> None:
        """See `Source`."""
        check_listed(self.venue, numbers, self._infos)
        for symbol, number in numbers.items():
            if symbol not in self._numbers:
                self._numbers[symbol] = number
                self._cursors[symbol] = None
        self._changed.set()

    async def unsubscribe(self, symbols: Collection[str]) -> None:
        """See `Source`."""
        self._machine.release()
        self._flush()
        for symbol in symbols:
            if self._numbers.pop(symbol, None) is not None:
                self._cursors.pop(symbol)
                listed = self._machine.drop(symbol)
                if listed is not None:
                    self._known[symbol] = listed
        self._changed.set()

    def resync(self, symbols: Collection[str]) -> None:
        """See `Source`; a terminal tells no books."""

    def health(self) -> SourceHealth:
        """See `Source`."""
        return SourceHealth(
            connected=self._connected,
            last_recv_ns=self._gate.buffer.last_recv_ns,
            records=self._records,
            reconnects=self._connector.reconnects,
            trouble=self._trouble,
        )

    async def run(self, deliver: Deliver) -> None:
        """See `Source`."""
        self._deliver = deliver
        try:
            await self._reach()
            self._link(Link.UP)
            while True:
                self._changed.clear()
                self._list()
                await self._read_until_changed()
        finally:
            self._link(Link.DOWN)
            self._deliver = None
            await self._connector.close()

    async def _reach(self) -> None:
        """Reach the terminal, however long that takes: it may start after this."""
        backoff = Backoff()
        async with self._reaching:  # who asks for the catalogue and who runs may come at once
            while not self._connected:
                try:
                    await self._connector.initialize_mt5_connection()
                    self._connected = True
                except (MT5Error, ConnectFailed, SessionClosed) as error:
                    self._trouble = str(error)
                    if is_final(error):
                        raise
                    self._note("terminal not reached", error=str(error))
                    await asyncio.sleep(backoff.next_s())

    def _list(self) -> None:
        """Put the symbols that are new into the machine."""
        now_ns = self._now_ns()
        for symbol, number in self._numbers.items():
            if self._machine.add(symbol, number, self._known.get(symbol)):
                self._machine.list_instrument(self._infos[symbol].instrument, now_ns)
        self._flush()

    async def _read_until_changed(self) -> None:
        if not self._cursors:
            await self._changed.wait()
            return
        stream = self._connector.resume_tick_data(self._cursors.copy())
        try:
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(self._read(stream))
                await self._changed.wait()
                reading.cancel()
        except BaseExceptionGroup as failed:
            raise first_error(failed) from None
        finally:
            await stream.close()
            self._cursors |= {symbol: at for symbol, at in stream.cursors.items() if symbol in self._cursors}

    async def _read(self, stream: TickStream) -> None:
        async for one in stream:
            self._take(one)

    def _take(self, one: StreamItem) -> None:
        if isinstance(one, Link):
            self._link(one)
        elif one.symbol not in self._numbers:
            return  # it went while this was on its way
        elif isinstance(one, HistoryLost):
            self._machine.release()
            self._machine.note_gap(one.symbol, self._now_ns())
            self._note("history lost", symbol=one.symbol)
        else:
            self._machine.take(one._replace(ts_recv_ns=max(one.ts_recv_ns, self._gate.buffer.last_recv_ns)))
        self._flush()

    def _link(self, state: Link) -> None:
        self._connected = state is Link.UP
        self._machine.release()
        self._gate.buffer.pack(0, self._now_ns(), Kind.CONNECTION, WHOLE, 0, 0, 0, 0, state, 0, 0)
        self._flush()

    def _now_ns(self) -> int:
        """Now, and no earlier than what was packed last."""
        return max(self._clock.now_ns(), self._gate.buffer.last_recv_ns)

    def _flush(self) -> None:
        data = self._gate.buffer.take()
        if data and self._deliver is not None:
            self._records += len(data) // RECORD_BYTES
            self._deliver(data)
