"""Aggregates and klines that are known to be missing, asked for over REST. Prints are `binance_healing`'s."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from papertape.core.errors import DecodeError, RemoteProtocolError, VenueError
from papertape.core.values import INTERVAL_NAMES
from papertape.data.connectors.backoff import Backoff
from papertape.data.connectors.binance_rest import BinanceRest, answer_text
from papertape.data.connectors.ports import Answer, Intake
from papertape.data.wire.binance.machine import BinanceMachine

PAGE = 1000
"""Rows asked for at once; both markets give so many of either."""
TRIES = 5
PAGES_MAX = 20
"""Pages of aggregates asked for in one try."""


class Backfill:
    """Fetches what the machine's symbols miss of aggregates and klines."""

    def __init__(self, machine: BinanceMachine, intake: Intake, rest: BinanceRest, note: Callable[..., None]) -> None:
        self._machine = machine
        self._intake = intake
        self._rest = rest
        self._note = note
        self._at_work: set[tuple[str, str]] = set()
        self._given_up: dict[str, int] = {}

    def wanted(self) -> bool:
        """Whether there is something to fetch."""
        return bool(self._agg_wishes() or self._machine.kline_wishes())

    def begin(self, group: asyncio.TaskGroup) -> None:
        """Start fetching what is missing and not being fetched."""
        for symbol in self._agg_wishes():
            self._start(group, symbol, "aggregates", self._heal_aggregates)
        for symbol in self._machine.kline_wishes():
            self._start(group, symbol, "klines", self._heal_klines)

    def _agg_wishes(self) -> list[str]:
        return [
            symbol
            for symbol in self._machine.agg_trade_wishes()
            if self._machine.feeds[symbol].agg_ids.open_ranges[-1].last > self._given_up.get(symbol, -1)
        ]

    def _start(
        self, group: asyncio.TaskGroup, symbol: str, what: str, heal: Callable[[str], Coroutine[Any, Any, None]]
    ) -> None:
        if (symbol, what) not in self._at_work:
            self._at_work.add((symbol, what))
            group.create_task(self._heal(symbol, what, heal))

    async def _heal(self, symbol: str, what: str, heal: Callable[[str], Coroutine[Any, Any, None]]) -> None:
        """Try some times; then what is missing stays so."""
        backoff = Backoff()
        try:
            for _ in range(TRIES):
                try:
                    await heal(symbol)
                except (VenueError, DecodeError) as error:
                    self._note(f"{what} not healed", symbol=symbol, error=str(error))
                    await asyncio.sleep(backoff.next_s())
                else:
                    break
            else:
                self._note(f"{what} stay missing", symbol=symbol)
                self._give_up(symbol, what)
        finally:
            self._at_work.discard((symbol, what))

    def _give_up(self, symbol: str, what: str) -> None:
        """What is still missing is not asked for again."""
        feed = self._machine.feeds[symbol]
        if what == "klines":
            for gap in tuple(feed.values.klines.missing):
                feed.values.klines.settle(gap)
        else:
            self._given_up[symbol] = feed.agg_ids.last

    async def _heal_aggregates(self, symbol: str) -> None:
        ids = self._machine.feeds[symbol].agg_ids
        asked: set[int] = set()
        for _ in range(PAGES_MAX):
            first = next((one.first for one in ids.open_ranges if one.first not in asked), None)
            if first is None:
                break
            asked.add(first)
            query = {"symbol": symbol, "fromId": str(first), "limit": str(PAGE)}
            self._intake.agg_trades(symbol, (await self._get("aggTrades", query)).body)
        if ids.open_ranges:
            raise RemoteProtocolError(f"expected the aggregates from {ids.open_ranges[0].first} on, was none of them")

    async def _heal_klines(self, symbol: str) -> None:
        klines = self._machine.feeds[symbol].values.klines
        for gap in tuple(klines.missing):
            query = {
                "symbol": symbol,
                "interval": INTERVAL_NAMES[gap.interval],
                "startTime": str(gap.first_ns // 1_000_000),
                "endTime": str(gap.until_ns // 1_000_000 - 1),
                "limit": str(PAGE),
            }
            self._intake.klines(symbol, gap.interval, (await self._get("klines", query)).body)
            klines.settle(gap)

    async def _get(self, route: str, query: dict[str, str]) -> Answer:
        answer = await self._rest.get(route, query)
        if answer.status != 200:
            raise RemoteProtocolError(f"expected {route} of {query['symbol']}, was {answer_text(answer)}")
        return answer
