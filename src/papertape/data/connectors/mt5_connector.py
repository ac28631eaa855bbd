"""MetaTrader 5: one connector for a terminal on this computer, behind a gateway, or a double of one.

It reaches the terminal, describes symbols, streams ticks without losing or doubling one, and recovers from the
terminal's errors by the table in `data/wire/mt5/recovery`. Which back end it uses is the `TerminalPort` that it is given.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Literal

import msgspec

from papertape.core.clock import Clock
from papertape.core.errors import ConnectFailed, MT5Error, SessionClosed, VenueError
from papertape.core.records import Link
from papertape.data.connectors.backoff import Backoff
from papertape.data.connectors.mt5_ports import HistoryLost, TerminalFacts, TerminalPort
from papertape.data.symbols import SymbolInfo
from papertape.data.wire.mt5.calendar import ForexCalendar
from papertape.data.wire.mt5.machine import TickBatch
from papertape.data.wire.mt5.recovery import RecoveryAction, recovery_of
from papertape.data.wire.mt5.symbol_info import read_symbol_info, resolve_symbol
from papertape.data.wire.mt5.ticks import TickCursor

__all__ = ["ConnectionStatus", "MT5Connector", "MT5Error", "RecoveryAction", "SymbolInfo", "TickStream"]

RETRY_S = 0.1
REFUSED = (401, 403)
"""HTTP statuses of a gateway that does not want this connector."""


class ConnectionStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a connection to the terminal came to be."""

    state: Literal["connected", "terminal_offline"]
    """`terminal_offline`: the terminal answers, and has no connection to its broker now."""
    terminal: TerminalFacts
    took_ms: float


StreamItem = TickBatch | HistoryLost | Link
"""Ticks; ticks that are lost; DOWN when the terminal was lost or failed, UP when it is read again."""


class TickStream:
    """Ticks of some symbols as they come to be; iterate over it, and `close` it at the end.

    `cursors` say how far each symbol was handed out: a stream opened with them goes on just there.
    """

    def __init__(self, source: AsyncGenerator[StreamItem], cursors: dict[str, TickCursor | None]) -> None:
        self.cursors = cursors
        self._source = source

    def __aiter__(self) -> AsyncIterator[StreamItem]:
        return self._source

    async def close(self) -> None:
        """End the stream."""
        await self._source.aclose()


class MT5Connector:
    """One terminal. `note` is told events for the log; `attempts` counts how often the terminal was looked for,
    `reconnects` how often it was reached anew.

    `commission` is of one lot and one side, at `TERMS_SCALE` decimals of the account's currency: the terminal does not
    tell it.
    """

    def __init__(
        self,
        port: TerminalPort,
        clock: Clock,
        note: Callable[..., None],
        *,
        calendar: ForexCalendar | None = None,
        commission: int | None = None,
    ) -> None:
        self.reconnects = self.attempts = 0
        self.terminal: TerminalFacts | None = None
        self.calendar = calendar or ForexCalendar()
        self._port = port
        self._clock = clock
        self._note = note
        self._commission = commission
        self._backoff = Backoff()
        self._names: list[str] = []

    async def initialize_mt5_connection(self) -> ConnectionStatus:
        """Reach the terminal. Raises MT5Error with what it says, ConnectFailed when there is none."""
        self.attempts += 1
        began_ns = self._clock.now_ns()
        self.terminal = await self._port.connect()
        return ConnectionStatus(
            state="connected" if self.terminal.connected else "terminal_offline",
            terminal=self.terminal,
            took_ms=(self._clock.now_ns() - began_ns) / 1e6,
        )

    async def stream_tick_data(self, symbols: list[str]) -> TickStream:
        """Ticks of these symbols that come to be from the first iteration on. Raises UnknownInstrument, and what the terminal says."""
        return self.resume_tick_data({await self.find_symbol(symbol): None for symbol in symbols})

    def resume_tick_data(self, cursors: dict[str, TickCursor | None]) -> TickStream:
        """Ticks of symbols by the broker's own names, each from its cursor on, or without one from the first iteration on."""
        return TickStream(self._ticks(cursors), cursors)

    async def find_symbol(self, wanted: str) -> str:
        """The broker's own name of a symbol: brokers add suffixes. Raises UnknownInstrument."""
        if not self._names:
            self._names = await self._port.names()
        return resolve_symbol(self._names, wanted)

    async def get_symbol_info(self, symbol: str) -> SymbolInfo:
        """A symbol's instrument and conditions. Raises UnknownInstrument, DataError for one that cannot be listed, MT5Error."""
        if self.terminal is None:
            await self.initialize_mt5_connection()
        assert self.terminal is not None
        fields = await self._port.symbol_info(await self.find_symbol(symbol))
        return read_symbol_info(
            fields,
            leverage=self.terminal.leverage,
            deposit_currency=self.terminal.currency,
            commission=self._commission,
            sessions=self.calendar.weekly_sessions(self._clock.now_ns()),
        )

    async def handle_mt5_errors(self, error: MT5Error) -> RecoveryAction:
        """Do what is to be done about an error of the terminal, and say what that was."""
        action = recovery_of(error.code)
        self._note("terminal error", error=str(error), action=action.value)
        if action is RecoveryAction.SELECT_SYMBOL and (not error.symbol or error.call == "symbol_select"):
            action = RecoveryAction.RETRY
        if action is RecoveryAction.RESTART:
            await self._restart()
        elif action in (RecoveryAction.SELECT_SYMBOL, RecoveryAction.RETRY):
            await asyncio.sleep(RETRY_S)
            if action is RecoveryAction.SELECT_SYMBOL:
                await self._port.select(error.symbol)
        return action

    async def close(self) -> None:
        """Let go of the terminal."""
        await self._port.close()

    async def _restart(self) -> None:
        await self._port.close()
        await asyncio.sleep(self._backoff.next_s())
        await self.initialize_mt5_connection()
        self.reconnects += 1
        self._note("reconnected", reconnects=self.reconnects)

    async def _ticks(self, cursors: dict[str, TickCursor | None]) -> AsyncGenerator[StreamItem]:
        while True:
            try:
                for symbol in cursors:  # a terminal that was started again may have forgotten them
                    await self._port.select(symbol)
                async with aclosing(self._port.read(cursors)) as reading:
                    async for one in reading:
                        self._backoff.reset()
                        if isinstance(one, TickBatch):
                            cursors[one.symbol] = one.after
                        yield one
            except (MT5Error, SessionClosed, ConnectFailed) as error:
                failed = error
            yield Link.DOWN
            await self._recover(failed)
            yield Link.UP

    async def _recover(self, error: VenueError) -> None:
        """Until the terminal answers again, however long that takes; raises what only a person can help with."""
        while not is_final(error):
            try:
                if isinstance(error, MT5Error):
                    await self.handle_mt5_errors(error)
                else:
                    self._note("terminal lost", error=str(error))
                    await self._restart()
                return
            except (MT5Error, SessionClosed, ConnectFailed) as another:
                error = another
        raise error


def is_final(error: VenueError) -> bool:
    """Whether only a person can help with this error of a terminal or its gateway."""
    if isinstance(error, MT5Error):
        return recovery_of(error.code) is RecoveryAction.GIVE_UP
    return isinstance(error, ConnectFailed) and error.status in REFUSED
