"""Prints that are known to be missing, asked for over REST."""

import asyncio
import itertools
from collections.abc import Callable, Iterator, Mapping

from papertape.core.errors import DecodeError, VenueError
from papertape.data.connectors.backoff import Backoff
from papertape.data.connectors.binance_rest import BinanceRest, answer_text
from papertape.data.connectors.ports import Intake
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.payloads import decode_rest_trades, readable
from papertape.data.wire.binance.trade_ids import TradeIds

HEAL_TRIES = 5
HEAL_FRUITLESS_PAGES = 2
"""Pages in a row that heal nothing before the rest is left for the next try."""
HEAL_PAGES = 20
"""Pages of `historicalTrades` asked for per gap."""


class Healing:
    """Fetches the prints that the machine's symbols miss."""

    def __init__(self, machine: BinanceMachine, intake: Intake, rest: BinanceRest, note: Callable[..., None]) -> None:
        self._machine = machine
        self._intake = intake
        self._rest = rest
        self._note = note
        self._healing: set[str] = set()
        self._given_up: dict[str, int] = {}

    def begin(self, group: asyncio.TaskGroup) -> None:
        """Start healing every symbol that misses prints and is not being healed."""
        for symbol in self.unhealed():
            if symbol not in self._healing:
                self._healing.add(symbol)
                group.create_task(self._heal(symbol))

    def unhealed(self) -> list[str]:
        """Symbols with prints missing that have not been given up."""
        return [
            symbol
            for symbol in self._machine.trade_wishes()
            if self._machine.feeds[symbol].trade_ids.open_ranges[-1].last > self._given_up.get(symbol, -1)
        ]

    async def finish(self, last_at_loss: Mapping[str, int]) -> None:
        """Heal what is still missing, also after the last print that came, within a few seconds.

        `last_at_loss` holds the last id of each symbol when a connection was lost.
        """
        for symbol, feed in self._machine.feeds.items():
            try:
                if feed.trade_ids.last == last_at_loss.get(symbol, -1) >= 0:
                    await self._heal_tail(symbol)
                if feed.trade_ids.open_ranges:
                    await self._heal_once(symbol)
            except (VenueError, DecodeError) as error:
                self._note("prints may be missing", symbol=symbol, error=str(error))

    async def _heal_tail(self, symbol: str) -> None:
        """No print came since a connection was lost: there may be some that no later id has told of."""
        query = {"symbol": symbol, "limit": str(self._machine.rules.trades_limit)}
        answer = await self._rest.get("trades", query)
        if answer.status == 200:
            until = max((trade.id for trade in readable(decode_rest_trades, answer.body, "REST trades")), default=-1)
            self._intake.trades_until(symbol, until)
            self._intake.trades(symbol, answer.body)

    async def _heal(self, symbol: str) -> None:
        """Fetch the prints that are known to be missing; gives up after some tries, and they stay missing."""
        backoff = Backoff()
        ids = self._machine.feeds[symbol].trade_ids
        asked_until = ids.last
        try:
            for tries in range(HEAL_TRIES):
                if tries:
                    await asyncio.sleep(backoff.next_s())
                asked_until = ids.last
                try:
                    if await self._heal_once(symbol):
                        return
                except (VenueError, DecodeError) as error:
                    self._note("prints not healed", symbol=symbol, error=str(error))
            self._given_up[symbol] = asked_until
            self._note("prints stay missing", symbol=symbol, missing=ids.missing)
        finally:
            self._healing.discard(symbol)

    async def _heal_once(self, symbol: str) -> bool:
        """Ask for the latest trades, then for older ones by id; whether nothing is missing any more."""
        ids = self._machine.feeds[symbol].trade_ids
        limit = str(self._machine.rules.trades_limit)
        answer = await self._rest.get("trades", {"symbol": symbol, "limit": limit})
        if answer.status == 200:
            self._intake.trades(symbol, answer.body)
        fruitless = 0
        for first in itertools.islice(self._unasked(ids), HEAL_PAGES):
            missing = ids.missing
            query = {"symbol": symbol, "limit": limit, "fromId": str(first)}
            answer = await self._rest.get("historicalTrades", query)
            if answer.status != 200:
                self._note("older prints refused", symbol=symbol, error=answer_text(answer))
                return False
            self._intake.trades(symbol, answer.body)
            fruitless = fruitless + 1 if ids.missing == missing else 0
            if fruitless == HEAL_FRUITLESS_PAGES:
                return False
        return not ids.open_ranges

    @staticmethod
    def _unasked(ids: TradeIds) -> Iterator[int]:
        """Ids to ask for, one page each: where the first range begins that has not been asked for at that place."""
        asked: set[int] = set()
        while starts := [one.first for one in ids.open_ranges if one.first not in asked]:
            asked.add(starts[0])
            yield starts[0]
