"""Binance as a source: one session per symbol, so that a symbol comes and goes without touching another."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from papertape.core.clock import Clock
from papertape.core.errors import DataError, DecodeError, RemoteProtocolError, UnknownInstrument
from papertape.core.instruments import Instrument
from papertape.core.records import WHOLE, Kind, Link, RecordBuffer
from papertape.data.connectors.binance_rest import BinanceRest, answer_text
from papertape.data.connectors.binance_session import BinanceSession, Network
from papertape.data.quality.gate import Gate
from papertape.data.sources import Deliver, SourceHealth
from papertape.data.symbols import SymbolInfo
from papertape.data.wire.binance import payloads
from papertape.data.wire.binance.listing import from_exchange_info
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.payloads import readable
from papertape.data.wire.binance.rules import Rules

BATCH_RECORDS_MAX = 1_024
"""Records gathered before they are delivered, however busy the socket is."""
CONNECTIONS_PER_SYMBOL = 1 << 20
"""Ids of connections set aside per symbol; a session counts its own from 0."""


class Running(NamedTuple):
    """One symbol at work."""

    machine: BinanceMachine
    intake: "SourceIntake"
    session: BinanceSession
    task: asyncio.Task[None]


class SourceIntake:
    """`Intake` of one symbol's session: stamps, takes, and delivers when what was read at once is through."""

    def __init__(self, machine: BinanceMachine, number: int, clock: Clock, flush: Callable[[], None]) -> None:
        self.up: dict[int, None] = {}
        """Connections that are up."""
        self.clock_offset_ns: int | None = None
        self.trouble = ""
        self.after_take: Callable[[], None] = lambda: None
        self._machine = machine
        self._number = number
        self._clock = clock
        self._deliver = flush
        self._flush_is_due = False

    def frame(self, payload: bytes, is_last: bool) -> None:
        """Take one frame; one that cannot be read is a gap."""
        now_ns = self._clock.now_ns()
        try:
            self._machine.take(now_ns, payload)
        except DecodeError as error:
            self.trouble = str(error)
            self._machine.note_unreadable(now_ns, payload)
        if is_last or self._machine.gate.buffer.count >= BATCH_RECORDS_MAX:
            self.flush()
        elif not self._flush_is_due:
            self._flush_is_due = True
            asyncio.get_running_loop().call_soon(self._end_read)

    def _end_read(self) -> None:
        self._flush_is_due = False
        self.flush()

    def snapshot(self, symbol: str, body: bytes) -> None:
        """Take a depth snapshot."""
        self._machine.take_snapshot(self._clock.now_ns(), symbol, body)
        self.flush()

    def trades(self, symbol: str, body: bytes) -> None:
        """Take REST trades."""
        self._machine.take_trades(self._clock.now_ns(), symbol, body)
        self.flush()

    def trades_until(self, symbol: str, trade_id: int) -> None:
        """Note that the venue has prints up to `trade_id`."""
        self._machine.expect_trades(self._clock.now_ns(), symbol, trade_id)
        self.flush()

    def clock_offset(self, offset_ns: int, round_trip_ns: int) -> None:
        """Note how far the venue's clock is ahead."""
        self.clock_offset_ns = offset_ns
        self._fact(Kind.CLOCK_OFFSET, offset_ns, round_trip_ns, 0)

    def link_up(self, connection: int) -> None:
        """Note a connection that came up."""
        self.up[connection] = None
        self._link(connection, Link.UP)

    def link_down(self, connection: int, symbols: Sequence[str]) -> None:
        """Note a connection that ended, and the books that are lost with it."""
        self.up.pop(connection, None)
        self.lose(symbols)
        self._link(connection, Link.DOWN)

    def end(self) -> None:
        """Deliver what waits; connections that are up end here."""
        for connection in self.up:
            self._link(connection, Link.DOWN)
        self.up.clear()
        self.flush()

    def lose(self, symbols: Sequence[str]) -> None:
        """The books of these symbols begin anew."""
        self._machine.lose(self._clock.now_ns(), symbols)
        self.flush()

    def flush(self) -> None:
        """Deliver what has gathered."""
        self._deliver()
        self.after_take()

    def _link(self, connection: int, state: Link) -> None:
        self._fact(Kind.CONNECTION, state, 0, self._number * CONNECTIONS_PER_SYMBOL + connection)

    def _fact(self, kind: Kind, x: int, y: int, ident: int) -> None:
        self._machine.gate.buffer.pack(0, self._clock.now_ns(), kind, WHOLE, 0, 0, 0, 0, x, y, ident)
        self.flush()


class BinanceSource:
    """`Source` over one Binance market. `note` is told what happens, for the log."""

    def __init__(self, rules: Rules, network: Network, clock: Clock, note: Callable[..., None]) -> None:
        self._rules = rules
        self._network = network
        self._clock = clock
        self._note = note
        self._rest = BinanceRest(network.http, network.rest_url.rstrip("/") + rules.rest_prefix)
        self._gate = Gate(RecordBuffer())
        self._listed: dict[str, Instrument] = {}
        self._epochs: dict[str, Instrument] = {}
        self._numbers: dict[str, int] = {}
        self._running: dict[str, Running] = {}
        self._group: asyncio.TaskGroup | None = None
        self._deliver: Deliver | None = None
        self._records = self._reconnects = 0
        self._trouble = ""

    @property
    def venue(self) -> str:
        """See `Source`."""
        return self._rules.venue

    async def catalogue(self) -> Sequence[SymbolInfo]:
        """See `Source`; a symbol whose rules cannot be held is left out, and noted."""
        answer = await self._rest.get("exchangeInfo", {})
        if answer.status != 200:
            raise RemoteProtocolError(
                f"{self.venue}: expected exchangeInfo of {self._network.rest_url}, was {answer_text(answer)}"
            )
        info = readable(payloads.decode_exchange_info, answer.body, "exchangeInfo")
        found = []
        for one in info.symbols:
            try:
                instrument = from_exchange_info(self._rules, payloads.ExchangeInfo(symbols=[one]), one.symbol)
            except DataError as error:
                self._note("symbol cannot be listed", error=str(error))
                continue
            trading = one.status in ("", "TRADING")
            found.append(SymbolInfo(instrument=instrument, trade_mode="full" if trading else "disabled"))
        self._listed = {one.instrument.symbol: one.instrument for one in found}
        return found

    async def subscribe(self, numbers: Mapping[str, int]) -> None:
        """See `Source`."""
        for symbol in numbers:
            if symbol not in self._listed:
                raise UnknownInstrument(f"{self.venue} does not list {symbol}: expected a symbol of its catalogue")
        for symbol, number in numbers.items():
            if symbol not in self._numbers:
                self._numbers[symbol] = number
                if self._group is not None:
                    self._start(self._group, symbol)

    async def unsubscribe(self, symbols: Collection[str]) -> None:
        """See `Source`."""
        ending = [self._running.pop(symbol) for symbol in symbols if symbol in self._running]
        for symbol in symbols:
            self._numbers.pop(symbol, None)
        for one in ending:
            one.task.cancel()
        await asyncio.gather(*(one.task for one in ending), return_exceptions=True)

    def resync(self, symbols: Collection[str]) -> None:
        """See `Source`."""
        for symbol in symbols:
            if symbol in self._running:
                self._running[symbol].intake.lose([symbol])

    def health(self) -> SourceHealth:
        """See `Source`."""
        running = list(self._running.values())
        troubles = [one.intake.trouble for one in running if one.intake.trouble]
        return SourceHealth(
            connected=any(one.intake.up for one in running),
            last_recv_ns=self._gate.buffer.last_recv_ns,
            records=self._records,
            reconnects=self._reconnects + sum(one.session.links.reconnects for one in running),
            trouble=troubles[-1] if troubles else self._trouble,
        )

    async def run(self, deliver: Deliver) -> None:
        """See `Source`."""
        self._deliver = deliver
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for symbol in self._numbers:
                    self._start(group, symbol)
                await asyncio.get_running_loop().create_future()  # until cancelled
        finally:
            self._group = self._deliver = None
            self._running.clear()

    def _start(self, group: asyncio.TaskGroup, symbol: str) -> None:
        number = self._numbers[symbol]
        known = {symbol: self._epochs[symbol]} if symbol in self._epochs else None
        machine = BinanceMachine(self._rules, {symbol: number}, self._gate, known)
        machine.list_instrument(self._listed[symbol], self._clock.now_ns())
        intake = SourceIntake(machine, number, self._clock, self._flush)
        session = BinanceSession(machine, intake, self._network, self._clock.now_ns, self._note)
        intake.after_take = session.look_for_wishes
        task = group.create_task(self._follow(symbol, machine, intake, session))
        self._running[symbol] = Running(machine, intake, session, task)

    async def _follow(
        self, symbol: str, machine: BinanceMachine, intake: SourceIntake, session: BinanceSession
    ) -> None:
        try:
            self._flush()
            await session.run()
        finally:
            intake.end()
            self._reconnects += session.links.reconnects
            instrument = machine.feeds[symbol].instrument
            if instrument is not None:
                self._epochs[symbol] = instrument

    def _flush(self) -> None:
        data = self._gate.buffer.take()
        if data and self._deliver is not None:
            self._records += len(data) >> 6
            self._deliver(data)
