"""The live side of the Binance wire machine: its connections, its REST answers, its recovery.

Every frame and answer goes through one `Intake`, in the order of arrival; this file decides only
when to connect, what to ask, and when to try again.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

import msgspec

from papertape.core.errors import (
    DecodeError,
    InputError,
    RemoteProtocolError,
    VenueError,
)
from papertape.data.connectors.backoff import Backoff
from papertape.data.connectors.binance_rest import BinanceRest, answer_text
from papertape.data.connectors.ports import HttpClient, Transport
from papertape.data.websocket_manager import WebSocketManager
from papertape.data.wire.binance.dialect import BinanceDialect
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.payloads import decode_rest_trades, decode_server_time, readable
from papertape.data.wire.binance.trade_ids import TradeIds
from papertape.data.wire.connection import Patience
from papertape.data.wire.endpoints import Endpoints

NO_SUCH_ROUTE = (400, 404)
"""What a server answers that does not know a route; any other refusal is asked again."""
LISTING_PATIENCE_S = 5.0
"""How long a REST server that does not answer keeps a recording from its stream."""
HEAL_TRIES = 5
HEAL_FRUITLESS_PAGES = 2
"""Pages in a row that heal nothing before the rest is left for the next try."""
CLOCK_EVERY_S = 600.0
CLOCK_QUESTIONS = 3
HEAL_PAGES = 20
"""Pages of `historicalTrades` asked for per gap."""


class Intake(Protocol):
    """Takes everything that arrives, in order, and stamps it."""

    @property
    def clock_offset_ns(self) -> int | None:
        """How far the venue's clock was found to be ahead of ours, if it was."""

    def frame(self, payload: bytes, is_last: bool) -> None:
        """A frame from a connection."""

    def snapshot(self, symbol: str, body: bytes) -> None:
        """A depth snapshot."""

    def trades(self, symbol: str, body: bytes) -> None:
        """REST trades."""

    def trades_until(self, symbol: str, trade_id: int) -> None:
        """The venue has prints up to `trade_id`."""

    def clock_offset(self, offset_ns: int, round_trip_ns: int) -> None:
        """The venue's clock is `offset_ns` ahead of ours, by a question that took `round_trip_ns`."""

    def link_up(self, connection: int) -> None:
        """A connection came up."""

    def link_down(self, connection: int, symbols: Sequence[str]) -> None:
        """A connection ended; these symbols' depth events came over it."""


class Network(NamedTuple):
    """The way to a venue: base URLs of its servers, and what opens connections and asks questions.

    `ws_urls` stand in the order of preference. A connection that is silent for `silence_s`, pings included, counts as lost.
    """

    ws_urls: Sequence[str]
    rest_url: str
    transport: Transport
    http: HttpClient
    silence_s: float


class BinanceSession:
    """Keeps one market's symbols coming until it is cancelled.

    `links` are its connections; `note` is told what happens, for the log.
    """

    def __init__(
        self,
        machine: BinanceMachine,
        intake: Intake,
        network: Network,
        now_ns: Callable[[], int],
        note: Callable[..., None],
    ) -> None:
        self._machine = machine
        self._intake = intake
        self._dialect = BinanceDialect(machine.rules, machine.control)
        self._endpoints = Endpoints([self._dialect.base(url) for url in network.ws_urls])
        self.frame = intake.frame
        self.links = WebSocketManager(
            network.transport,
            self,
            Patience(silence_s=network.silence_s),
            note,
            clock_offset_ns=lambda: intake.clock_offset_ns,
        )
        self._rest = BinanceRest(network.http, network.rest_url.rstrip("/") + machine.rules.rest_prefix)
        self._now_ns = now_ns
        self.note = note
        self._asked: set[str] = set()
        self._healing: set[str] = set()
        self._given_up: dict[str, int] = {}
        self._last_at_loss: dict[str, int] = {}
        self._wishes = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether any connection ever came up."""
        return self.links.connected

    async def list_symbols(self) -> None:
        """List every symbol, from exchangeInfo, else from a depth snapshot.

        A server that knows neither route, or does not answer for a while, lists nothing: then the first
        frames must tell, since what is not recorded is gone. Raises UnknownInstrument or DataError when
        the venue does not have a symbol.
        """
        backoff = Backoff()
        now_s = asyncio.get_running_loop().time
        until_s = now_s() + LISTING_PATIENCE_S
        while (left_s := until_s - now_s()) > 0:
            try:
                if await self._list_once():
                    return
            except (VenueError, DecodeError) as error:
                self.note("no listing", error=str(error))
            await asyncio.sleep(min(backoff.next_s(), left_s))
        self.note("not listed: the first frames must tell what the instruments are")

    async def _list_once(self) -> bool:
        """Ask for a listing; whether the venue has answered for good."""
        answer = await self._rest.get("exchangeInfo", self._exchange_info_query())
        if answer.status == 200:
            try:
                self._machine.list_from_exchange_info(self._now_ns(), answer.body)
            except DecodeError as error:
                self.note("exchangeInfo cannot be read", error=str(error))
            else:
                return True
        else:
            self.note("no exchangeInfo", error=answer_text(answer))
            if answer.status not in NO_SUCH_ROUTE:
                return False
        return await self._list_from_snapshots()

    def _exchange_info_query(self) -> dict[str, str]:
        """Spot takes a list of symbols; USD-M always answers with all."""
        if self._machine.rules.rest_prefix != "/api/v3":
            return {}
        return {"symbols": msgspec.json.encode(list(self._machine.feeds)).decode()}

    async def _list_from_snapshots(self) -> bool:
        for symbol, feed in self._machine.feeds.items():
            if feed.instrument is not None:
                continue
            answer = await self._rest.get("depth", self._snapshot_query(symbol))
            if answer.status == 400:
                raise InputError(
                    f"{self._machine.rules.venue} refused {symbol}: {answer_text(answer)}; expected a symbol of it"
                )
            if answer.status != 200:
                self.note("no snapshot to list from", symbol=symbol, error=answer_text(answer))
                return answer.status in NO_SUCH_ROUTE
            self._machine.list_from_snapshot(self._now_ns(), symbol, answer.body)
        return True

    async def run(self) -> None:
        """Connect, and keep everything coming, until cancelled."""
        async with self.links, asyncio.TaskGroup() as group:
            symbols = [symbol.lower() for symbol in self._machine.feeds]
            for route, names in self._machine.rules.routes:
                streams = [f"{symbol}@{name}" for symbol in symbols for name in names]
                self.links.open_streams(self._endpoints, self._dialect, route, streams)
            group.create_task(self._answer_wishes(group))
            group.create_task(self._watch_clock())

    def look_for_wishes(self) -> None:
        """To be called after frames were taken."""
        if self._machine.shutdown_announced:
            self._machine.shutdown_announced = False
            self.links.look()
        if self._machine.snapshot_wishes() or self._unhealed():
            self._wishes.set()

    def link_up(self, connection: int) -> None:
        """A connection came up."""
        self._intake.link_up(connection)

    def link_down(self, connection: int, streams: Sequence[str]) -> None:
        """A connection ended; where it carried depth, the books are lost, and prints may be missing that no later id tells of."""
        for refusal in self._machine.control.end():
            self.note("refused", error=refusal)
        if streams:
            self._last_at_loss = {symbol: feed.trade_ids.last for symbol, feed in self._machine.feeds.items()}
        carried = {name.partition("@")[0] for name in streams if "@depth" in name}
        self._intake.link_down(connection, [symbol for symbol in self._machine.feeds if symbol.lower() in carried])

    def _unhealed(self) -> list[str]:
        """Symbols with prints missing that have not been given up."""
        return [
            symbol
            for symbol in self._machine.trade_wishes()
            if self._machine.feeds[symbol].trade_ids.open_ranges[-1].last > self._given_up.get(symbol, -1)
        ]

    async def finish(self) -> None:
        """Heal what is still missing, also after the last print that came, within a few seconds."""
        for symbol, feed in self._machine.feeds.items():
            try:
                if feed.trade_ids.last == self._last_at_loss.get(symbol, -1) >= 0:
                    await self._heal_tail(symbol)
                if feed.trade_ids.open_ranges:
                    await self._heal_once(symbol)
            except (VenueError, DecodeError) as error:
                self.note("prints may be missing", symbol=symbol, error=str(error))

    async def _heal_tail(self, symbol: str) -> None:
        """No print came since a connection was lost: there may be some that no later id has told of."""
        query = {"symbol": symbol, "limit": str(self._machine.rules.trades_limit)}
        answer = await self._rest.get("trades", query)
        if answer.status == 200:
            until = max((trade.id for trade in readable(decode_rest_trades, answer.body, "REST trades")), default=-1)
            self._intake.trades_until(symbol, until)
            self._intake.trades(symbol, answer.body)

    async def _answer_wishes(self, group: asyncio.TaskGroup) -> None:
        while True:
            await self._wishes.wait()
            self._wishes.clear()
            for symbol in self._machine.snapshot_wishes():
                if symbol not in self._asked:
                    self._asked.add(symbol)
                    group.create_task(self._fetch_snapshot(symbol))
            for symbol in self._unhealed():
                if symbol not in self._healing:
                    self._healing.add(symbol)
                    group.create_task(self._heal(symbol))

    async def _fetch_snapshot(self, symbol: str) -> None:
        """Fetch depth snapshots of one symbol until its book is synchronised or no longer asks for one."""
        backoff = Backoff()
        try:
            while symbol in self._machine.snapshot_wishes():
                try:
                    answer = await self._rest.get("depth", self._snapshot_query(symbol))
                    if answer.status == 200:
                        self._intake.snapshot(symbol, answer.body)
                        if symbol not in self._machine.snapshot_wishes():
                            return
                    else:
                        self.note("snapshot refused", symbol=symbol, error=answer_text(answer))
                except (VenueError, DecodeError) as error:
                    self.note("no snapshot", symbol=symbol, error=str(error))
                await asyncio.sleep(backoff.next_s())
        finally:
            self._asked.discard(symbol)

    def _snapshot_query(self, symbol: str) -> dict[str, str]:
        return {"symbol": symbol, "limit": str(self._machine.rules.snapshot_limit)}

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
                    self.note("prints not healed", symbol=symbol, error=str(error))
            self._given_up[symbol] = asked_until
            self.note("prints stay missing", symbol=symbol, missing=ids.missing)
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
                self.note("older prints refused", symbol=symbol, error=answer_text(answer))
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

    async def _watch_clock(self) -> None:
        """Estimate the venue's clock offset now and then, each time by the quickest of some questions."""
        while True:
            try:
                quickest = min([await self._ask_time() for _ in range(CLOCK_QUESTIONS)])
                self._intake.clock_offset(quickest[1], quickest[0])
            except (VenueError, DecodeError) as error:
                self.note("clock offset unknown", error=str(error))
            await asyncio.sleep(CLOCK_EVERY_S)

    async def _ask_time(self) -> tuple[int, int]:
        """(round trip, offset) in ns: the venue's time against the middle of the round trip."""
        asked_ns = self._now_ns()
        answer = await self._rest.get("time", {})
        answered_ns = self._now_ns()
        if answer.status != 200:
            raise RemoteProtocolError(f"expected the venue's time, was {answer_text(answer)}")
        venue_ns = readable(decode_server_time, answer.body, "the venue's time").serverTime * 1_000_000
        return answered_ns - asked_ns, venue_ns - (asked_ns + answered_ns) // 2
