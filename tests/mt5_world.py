"""A MetaTrader 5 terminal double for tests: its broker, its ticks, a clock that is handed in."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from papertape.core.clock import ManualClock
from papertape.data.connectors.http_listen import listening
from papertape.data.connectors.mt5_connector import TickStream
from papertape.data.connectors.mt5_gateway import PATH, Mt5Gateway
from papertape.data.connectors.mt5_local import LocalTerminal
from papertape.data.connectors.mt5_ports import TerminalPort
from papertape.data.wire.mt5.machine import TickBatch
from papertape.venue.mt5_terminal import Mt5TerminalDouble
from papertape.venue.mt5_types import TICK_DTYPE, fx_pair

BEGIN_MSC = 1_758_826_481_000
"""Thursday, 2025-09-25 18:54:41 by the broker's clock."""
TOKEN = "a token of a test"
DEADLINE_S = 20


def ticks(*offsets_ms: int, bid: int = 133_497) -> np.ndarray:
    """Ticks at these times after BEGIN_MSC; bids rise by a point each."""
    rows = np.zeros(len(offsets_ms), TICK_DTYPE)
    rows["time_msc"] = BEGIN_MSC + np.array(offsets_ms, dtype=np.int64)
    rows["time"] = rows["time_msc"] // 1000
    rows["bid"] = (bid + np.arange(len(offsets_ms))) / 1e5
    rows["ask"] = (bid + 1 + np.arange(len(offsets_ms))) / 1e5
    rows["flags"] = 134
    return rows


def double(rows: np.ndarray | dict[str, np.ndarray], **more: Any) -> tuple[Mt5TerminalDouble, ManualClock]:
    """A terminal with GBPUSD, or with what `rows` names; its clock stands at BEGIN_MSC."""
    named = rows if isinstance(rows, dict) else {"GBPUSD": rows}
    clock = ManualClock(BEGIN_MSC * 1_000_000)
    return Mt5TerminalDouble({name: fx_pair(name) for name in named}, named, clock, **more), clock


def pass_ms(clock: ManualClock, offset_ms: int) -> None:
    """The clock goes to so long after BEGIN_MSC."""
    clock.advance_to((BEGIN_MSC + offset_ms) * 1_000_000)


@asynccontextmanager
async def served(
    api: Any, clock: ManualClock, port: int = 0, note: Callable[..., None] = lambda *_, **__: None
) -> AsyncIterator[str]:
    """A gateway for `api`; gives its URL."""
    async with listening(Mt5Gateway(LocalTerminal(api, clock), TOKEN, note).application(), "127.0.0.1", port) as bound:
        yield f"ws://127.0.0.1:{bound}{PATH}"


async def connected(port: TerminalPort) -> TerminalPort:
    await port.connect()
    return port


async def take(stream: TickStream | AsyncIterator[Any], count: int) -> list[Any]:
    """The next items of a stream until they hold `count` ticks."""
    items: list[Any] = []
    held = 0
    async with asyncio.timeout(DEADLINE_S):
        iterator = stream.__aiter__()
        while held < count:
            items.append(await anext(iterator))
            held += len(items[-1].rows) if isinstance(items[-1], TickBatch) else 0
    return items


def rows_of(items: list[Any]) -> np.ndarray:
    """All ticks of the batches among `items`."""
    return np.concatenate([one.rows for one in items if isinstance(one, TickBatch)])
