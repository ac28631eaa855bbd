"""A terminal on this computer: the MetaTrader5 package, or a double with its functions. Calls block, so they have a thread.

The package has no push: ticks are polled for. One call at a time and one thread, since it holds one connection.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple, TypeVar

import numpy as np

from papertape.core.clock import Clock
from papertape.core.errors import InputError, MT5Error
from papertape.data.connectors.mt5_ports import HistoryLost, TerminalFacts
from papertape.data.wire.mt5.machine import TickBatch
from papertape.data.wire.mt5.ticks import COPY_TICKS_ALL, TICK_DTYPE, TickCursor

POLL_S = 0.002
"""Pause between two rounds of polling while nothing comes."""
BUSY_POLL_S, BUSY_S = 0.0005, 1.0
"""The pause for so long after a tick: more will come soon."""
TURN_S = 0.01
"""So long one reading may keep the thread when nobody else waits for it."""
ROWS_FIRST = 4_096
ROWS_MAX = 1 << 20
"""Ticks asked for at once; more only where so many share a second that fewer do not lead out of it."""
FRESH_NS = 1_000_000_000
"""A tick is fresh when the symbol had been read to its end no longer ago than this."""
HISTORY_WAIT_NS = 30_000_000_000
"""How long a terminal may take to load history that it had before."""
FIRST_TICK_WAIT_NS = 2_000_000_000
"""How long a symbol that was just selected may have no tick."""

T = TypeVar("T")


class Login(NamedTuple):
    """How to reach a native terminal: its path, if there are several, and an account, if it is not logged in."""

    path: str = ""
    login: int = 0
    password: str = ""
    server: str = ""
    timeout_ms: int = 60_000

    def arguments(self) -> tuple[tuple[str, ...], dict[str, Any]]:
        """Arguments of `initialize`."""
        named: dict[str, Any] = {"timeout": self.timeout_ms}
        if self.login:
            named |= {"login": self.login, "password": self.password, "server": self.server}
        return (self.path,) if self.path else (), named


def native_api() -> Any:
    """The MetaTrader5 package. Raises InputError where it is not installed, as everywhere but on Windows."""
    try:
        return import_module("MetaTrader5")
    except ImportError as error:
        raise InputError(
            "the MetaTrader5 package is not installed: it exists for Windows only (pip install MetaTrader5); "
            "elsewhere run `papertape mt5-gateway` beside the terminal and connect to that"
        ) from error


class _Reading:
    """How far one symbol of one reader has been read."""

    def __init__(self, cursor: TickCursor | None) -> None:
        self.cursor = cursor
        self.rows = ROWS_FIRST
        self.more = False
        """Whether the terminal has more than one call gave."""
        self.at_end_ns = 0
        """When it was last read to its end."""
        self.missing_since_ns = 0


class LocalTerminal:
    """`TerminalPort` over the functions of the MetaTrader5 package: `api` is that module, or a double of it."""

    def __init__(self, api: Any, clock: Clock, *, login: Login | None = None, poll_s: float = POLL_S) -> None:
        self._api = api
        self._clock = clock
        self._login = login or Login()
        self._poll_s = poll_s
        self._wanted = 0
        """Calls that are in the thread or wait for it."""
        self._busy_until_s = 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mt5")

    async def connect(self) -> TerminalFacts:
        """See `TerminalPort`."""
        return await self._in_thread(self._connect)

    async def close(self) -> None:
        """See `TerminalPort`."""
        await self._in_thread(self._api.shutdown)

    async def names(self) -> list[str]:
        """See `TerminalPort`."""
        return [one.name for one in await self._in_thread(partial(self._call, "symbols_get"))]

    async def symbol_info(self, symbol: str) -> dict[str, Any]:
        """See `TerminalPort`."""
        info = await self._in_thread(partial(self._call, "symbol_info", symbol))
        return dict(info._asdict())

    async def select(self, symbol: str) -> None:
        """See `TerminalPort`."""
        await self._in_thread(partial(self._call, "symbol_select", symbol, True))

    async def read(self, cursors: Mapping[str, TickCursor | None]) -> AsyncGenerator[TickBatch | HistoryLost]:
        """See `TerminalPort`."""
        readings = {symbol: _Reading(cursor) for symbol, cursor in cursors.items()}
        while True:
            for one in await self._in_thread(partial(self._take_turn, readings)):
                yield one

    async def _in_thread(self, function: Callable[[], T]) -> T:
        self._wanted += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, function)
        finally:
            self._wanted -= 1

    # From here on in the thread.

    def _call(self, name: str, *args: Any) -> Any:
        """One call of the package. Raises MT5Error when it answers with nothing."""
        answer = getattr(self._api, name)(*args)
        if answer is None or answer is False:
            raise self._error(name, args)
        return answer

    def _error(self, name: str, args: tuple[Any, ...]) -> MT5Error:
        code, text = self._api.last_error()
        return MT5Error(code, text, name, args[0] if args and isinstance(args[0], str) else "")

    def _connect(self) -> TerminalFacts:
        if self._api.terminal_info() is None:  # a connection that works serves others, too, and is left alone
            self._api.shutdown()
            path, named = self._login.arguments()
            if not self._api.initialize(*path, **named):
                raise self._error("initialize", ())
        terminal, account = self._call("terminal_info"), self._call("account_info")
        return TerminalFacts(
            build=terminal.build,
            connected=bool(terminal.connected),
            ping_us=terminal.ping_last,
            company=account.company,
            server=account.server,
            currency=account.currency,
            leverage=account.leverage,
            hedging=account.margin_mode == 2,
            stop_out_percent=account.margin_so_so if account.margin_so_mode == 0 else None,
        )

    def _take_turn(self, readings: Mapping[str, _Reading]) -> list[TickBatch | HistoryLost]:
        """Poll until something is found, somebody else wants the thread, or the turn is over.

        The pauses are in here: a way from the thread to the loop and back for each would be most of what a tick takes.
        """
        ends_s = time.monotonic() + TURN_S
        while True:
            found = self._poll(readings)
            now_s = time.monotonic()
            if found:
                self._busy_until_s = now_s + BUSY_S
            if found or any(reading.more for reading in readings.values()):
                return found
            time.sleep(min(self._poll_s, BUSY_POLL_S) if now_s < self._busy_until_s else self._poll_s)
            if self._wanted > 1 or now_s >= ends_s:
                return found

    def _poll(self, readings: Mapping[str, _Reading]) -> list[TickBatch | HistoryLost]:
        """Read each symbol once."""
        found = [
            self._begin(symbol, reading)
            if reading.cursor is None
            else self._poll_symbol(symbol, reading, reading.cursor)
            for symbol, reading in readings.items()
        ]
        return [one for one in found if one is not None]

    def _begin(self, symbol: str, reading: _Reading) -> TickBatch | None:
        """Where a reading without a cursor begins: behind the newest tick; None while a new symbol may have one yet to load."""
        newest = self._call("symbol_info_tick", symbol)
        now_ns = self._clock.now_ns()
        seen = 0
        if newest.time_msc:
            rows = self._call("copy_ticks_from", symbol, newest.time_msc // 1000, ROWS_MAX, COPY_TICKS_ALL)
            seen = int((rows["time_msc"] == newest.time_msc).sum())
        else:
            reading.missing_since_ns = reading.missing_since_ns or now_ns
            if now_ns - reading.missing_since_ns < FIRST_TICK_WAIT_NS:
                return None
        reading.missing_since_ns = 0
        reading.at_end_ns = now_ns
        reading.cursor = TickCursor(newest.time_msc, seen)
        return TickBatch(symbol, np.zeros(0, TICK_DTYPE), now_ns, False, reading.cursor)

    def _poll_symbol(self, symbol: str, reading: _Reading, cursor: TickCursor) -> TickBatch | HistoryLost | None:
        rows = self._call("copy_ticks_from", symbol, cursor.from_s, reading.rows, COPY_TICKS_ALL)
        now_ns = self._clock.now_ns()
        unread = cursor.unread(rows)
        reading.more = len(rows) == reading.rows < ROWS_MAX
        if reading.more and (unread is None or not len(unread)):
            reading.rows *= 2
            return None
        if unread is None:
            return self._wait_for_history(symbol, reading, cursor, now_ns)
        reading.missing_since_ns = 0
        fresh = now_ns - reading.at_end_ns <= FRESH_NS
        reading.at_end_ns = 0 if reading.more else now_ns
        if not len(unread):
            return None
        reading.rows = ROWS_FIRST
        reading.cursor = cursor.after(unread)
        return TickBatch(symbol, unread, now_ns, fresh, cursor)

    def _wait_for_history(self, symbol: str, reading: _Reading, cursor: TickCursor, now_ns: int) -> HistoryLost | None:
        """Ticks that were read are not there: the terminal loads them again, or has lost them."""
        reading.at_end_ns = 0
        if not reading.missing_since_ns:
            reading.missing_since_ns = now_ns
        if now_ns - reading.missing_since_ns <= HISTORY_WAIT_NS:
            return None
        reading.missing_since_ns = 0
        reading.cursor = TickCursor(cursor.time_msc + 1, 0)
        return HistoryLost(symbol, now_ns)
