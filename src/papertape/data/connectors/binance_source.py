"""Binance as a source: one session per symbol, so that a symbol comes and goes without touching another."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from papertape.core.clock import Clock
from papertape.core.errors import DataError, RemoteProtocolError
from papertape.core.instruments import Instrument
from papertape.core.records import RECORD_BYTES, Link, RecordBuffer
from papertape.data.connectors.binance_rest import BinanceRest, answer_text, rest_bases
from papertape.data.connectors.binance_session import BinanceSession, Network
from papertape.data.connectors.stream_intake import StreamIntake
from papertape.data.connectors.weights import WeightGovernor
from papertape.data.quality.gate import Gate
from papertape.data.sources import Deliver, SourceHealth, check_listed
from papertape.data.symbols import SymbolInfo
from papertape.data.wire.binance import payloads
from papertape.data.wire.binance.listing import TRADING, from_exchange_info
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.payloads import readable
from papertape.data.wire.binance.rules import Rules

CONNECTIONS_PER_SYMBOL = 1 << 20
"""Ids of connections set aside per symbol; a session counts its own from 0."""


class Running(NamedTuple):
    """One symbol at work."""

    machine: BinanceMachine
    intake: "SourceIntake"
    session: BinanceSession
    task: asyncio.Task[None]


class SourceIntake(StreamIntake):
    """`Intake` of one symbol's session: it also knows which connections are up, and what failed last."""

    def __init__(
        self, machine: BinanceMachine, number: int, now_ns: Callable[[], int], deliver: Callable[[bytes], None]
    ) -> None:
        super().__init__(machine, now_ns, deliver, self._keep_trouble)
        self.up: dict[int, None] = {}
        """Connections that are up."""
        self.trouble = ""
        self._number = number

    def _keep_trouble(self, _event: str, *, error: str) -> None:
        self.trouble = error

    def link_up(self, connection: int) -> None:
        """See `Intake`."""
        self.up[connection] = None
        super().link_up(connection)

    def link_down(self, connection: int, symbols: Sequence[str]) -> None:
        """See `Intake`."""
        self.up.pop(connection, None)
        super().link_down(connection, symbols)

    def end(self) -> None:
        """Deliver what waits; connections that are up end here."""
        for connection in self.up:
            self._link(connection, Link.DOWN)
        self.up.clear()
        self.flush()

    def lose(self, symbols: Sequence[str]) -> None:
        """The books of these symbols begin anew."""
        self._machine.lose(self._now_ns(), symbols)
        self.flush()

    def _link(self, connection: int, state: Link) -> None:
        super()._link(self._number * CONNECTIONS_PER_SYMBOL + connection, state)


class BinanceSource:
    """`Source` over one Binance market. `note` is told what happens, for the log."""

    def __init__(self, rules: Rules, network: Network, clock: Clock, note: Callable[..., None]) -> None:
        self._rules = rules
        weights = network.weights or WeightGovernor(None, rules.weight_limit, clock.now_ns)
        self._network = network._replace(weights=weights)
        self._clock = clock
        self._note = note
        self._rest = BinanceRest(network.http, rest_bases(rules, network.rest_url), rules, weights)
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
            trading = one.status in TRADING
            found.append(SymbolInfo(instrument=instrument, trade_mode="full" if trading else "disabled"))
        self._listed = {one.instrument.symbol: one.instrument for one in found}
        return found

    async def subscribe(self, numbers: Mapping[str, int]) -> None:
        """See `Source`."""
        check_listed(self.venue, numbers, self._listed)
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
        intake = SourceIntake(machine, number, self._clock.now_ns, self._hand_on)
        session = BinanceSession(machine, intake, self._network, self._clock.now_ns, self._note)
        intake.after_flush = session.look_for_wishes
        task = group.create_task(self._follow(symbol, machine, intake, session))
        self._running[symbol] = Running(machine, intake, session, task)

    async def _follow(
        self, symbol: str, machine: BinanceMachine, intake: SourceIntake, session: BinanceSession
    ) -> None:
        try:
            intake.flush()
            await session.run()
        finally:
            intake.end()
            self._reconnects += session.links.reconnects
            instrument = machine.feeds[symbol].instrument
            if instrument is not None:
                self._epochs[symbol] = instrument

    def _hand_on(self, data: bytes) -> None:
        if self._deliver is not None:
            self._records += len(data) // RECORD_BYTES
            self._deliver(data)
