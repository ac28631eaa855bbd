"""Depth snapshots of a session's books, one symbol at a time, until each is synchronised."""

import asyncio
from collections.abc import Callable

from papertape.core.errors import DecodeError, VenueError
from papertape.data.connectors.backoff import Backoff
from papertape.data.connectors.binance_rest import BinanceRest, answer_text
from papertape.data.connectors.ports import Intake
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import Rules


def snapshot_query(rules: Rules, symbol: str) -> dict[str, str]:
    """What the route `depth` is asked for a whole book."""
    return {"symbol": symbol, "limit": str(rules.snapshot_limit)}


class Snapshots:
    """Fetches what the machine's books wish for."""

    def __init__(self, machine: BinanceMachine, intake: Intake, rest: BinanceRest, note: Callable[..., None]) -> None:
        self._machine = machine
        self._intake = intake
        self._rest = rest
        self._note = note
        self._asked: set[str] = set()

    def begin(self, group: asyncio.TaskGroup) -> None:
        """Start a fetch for every symbol that wishes for one and has none under way."""
        for symbol in self._machine.snapshot_wishes():
            if symbol not in self._asked:
                self._asked.add(symbol)
                group.create_task(self._fetch_snapshot(symbol))

    async def _fetch_snapshot(self, symbol: str) -> None:
        """Fetch depth snapshots of one symbol until its book is synchronised or no longer asks for one."""
        backoff = Backoff()
        try:
            while symbol in self._machine.snapshot_wishes():
                try:
                    answer = await self._rest.get("depth", snapshot_query(self._machine.rules, symbol))
                    if answer.status == 200:
                        self._intake.snapshot(symbol, answer.body)
                        if symbol not in self._machine.snapshot_wishes():
                            return
                    else:
                        self._note("snapshot refused", symbol=symbol, error=answer_text(answer))
                except (VenueError, DecodeError) as error:
                    self._note("no snapshot", symbol=symbol, error=str(error))
                await asyncio.sleep(backoff.next_s())
        finally:
            self._asked.discard(symbol)
