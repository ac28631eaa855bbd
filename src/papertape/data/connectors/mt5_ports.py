"""What the MetaTrader 5 connector needs of a terminal, wherever that runs."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any, NamedTuple, Protocol

import msgspec

from papertape.data.wire.mt5.machine import TickBatch
from papertape.data.wire.mt5.ticks import TickCursor


class TerminalFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The terminal and the account it is logged in to."""

    build: int
    connected: bool
    """Whether the terminal itself has a connection to its broker."""
    ping_us: int
    """The terminal's way to its broker and back."""
    company: str
    server: str
    currency: str
    leverage: int
    hedging: bool
    """Whether opposite positions of one symbol stand side by side."""
    stop_out_percent: float | None
    """Margin level below which positions are closed; None when the broker counts in money."""


class HistoryLost(NamedTuple):
    """Ticks of `symbol` behind the cursor may be missing: the terminal's history does not have them any more."""

    symbol: str
    ts_recv_ns: int


class TerminalPort(Protocol):
    """A terminal. Every method raises MT5Error with what the terminal says, and ConnectFailed or SessionClosed without one."""

    async def connect(self) -> TerminalFacts:
        """Reach the terminal, which may take it a while to start."""

    async def close(self) -> None:
        """Let go of the terminal; `connect` may follow."""

    async def names(self) -> list[str]:
        """Every symbol of the broker."""

    async def symbol_info(self, symbol: str) -> dict[str, Any]:
        """The fields of a symbol, by the terminal's names."""

    async def select(self, symbol: str) -> None:
        """Put a symbol into the Market Watch: only then its ticks come."""

    def read(self, cursors: Mapping[str, TickCursor | None]) -> AsyncGenerator[TickBatch | HistoryLost]:
        """Ticks as they come to be, each symbol's from its cursor on, or without one from now on. It ends by raising."""
