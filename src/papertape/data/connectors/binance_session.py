"""The live side of the Binance wire machine: its connections, its REST answers, its recovery.

Every frame and answer goes through one `Intake`, in the order of arrival; this file decides only
when to connect, what to ask, and when to try again.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from papertape.core.errors import ConnectFailed, DecodeError, InputError, RateLimited, VenueError
from papertape.data.connectors.backoff import Backoff
from papertape.data.connectors.ports import Answer, HttpClient, Link, Transport
from papertape.data.wire.binance.control import NAMES_PER_FRAME_MAX
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.payloads import decode_rest_trades, readable

HEALTHY_S = 5.0
"""A connection that lasted this long begins its backoff anew."""
URL_BYTES_MAX = 4_000
HEAL_TRIES = 5
HEAL_PAGES = 20
"""Pages of `historicalTrades` asked for per gap."""


class Intake(Protocol):
    """Takes everything that arrives, in order, and stamps it."""

    def frame(self, payload: bytes, is_last: bool) -> None:
        """A frame from a connection."""

    def snapshot(self, symbol: str, body: bytes) -> None:
        """A depth snapshot."""

    def trades(self, symbol: str, body: bytes) -> None:
        """REST trades."""

    def trades_until(self, symbol: str, trade_id: int) -> None:
        """The venue has prints up to `trade_id`."""

    def link_up(self, connection: int) -> None:
        """A connection came up."""

    def link_down(self, connection: int, symbols: Sequence[str]) -> None:
        """A connection ended; these symbols' depth events came over it."""


class Endpoints(msgspec.Struct, frozen=True):
    """Base URLs of the two servers of a venue."""

    ws_url: str
    rest_url: str


class BinanceSession:
    """Keeps one market's symbols coming until it is cancelled.

    `reconnects` counts connections that came up again; `note` is told what happens, for the log.
    """

    def __init__(
        self,
        machine: BinanceMachine,
        intake: Intake,
        endpoints: Endpoints,
        transport: Transport,
        http: HttpClient,
        silence_s: float,
        note: Callable[..., None],
    ) -> None:
        self._machine = machine
        self._intake = intake
        self._ws_url = endpoints.ws_url.rstrip("/")
        self._rest = endpoints.rest_url.rstrip("/") + machine.rules.rest_prefix
        self._transport = transport
        self._http = http
        self._silence_s = silence_s
        self.note = note
        self._asked: set[str] = set()
        self._healing: set[str] = set()
        self._given_up: dict[str, int] = {}
        self._last_at_loss: dict[str, int] = {}
        self._wishes = asyncio.Event()
        self.reconnects = 0
        self.connected = False

    async def list_symbols(self, now_ns: Callable[[], int]) -> None:
        """List every symbol, from exchangeInfo, else from a depth snapshot; tries until it succeeds.

        Raises UnknownInstrument or DataError when the venue does not have one.
        """
        backoff = Backoff()
        while True:
            try:
                answer = await self._get("exchangeInfo", self._exchange_info_query())
                if answer.status == 200:
                    self._machine.list_from_exchange_info(now_ns(), answer.body)
                    return
                self.note("no exchangeInfo", status=answer.status)
                if 400 <= answer.status < 500 and await self._list_from_snapshots(now_ns):
                    return
            except (VenueError, DecodeError) as error:
                self.note("no listing", error=str(error))
            await asyncio.sleep(backoff.next_s())

    def _exchange_info_query(self) -> dict[str, str]:
        """Spot takes a list of symbols; USD-M always answers with all."""
        if self._machine.rules.rest_prefix != "/api/v3":
            return {}
        return {"symbols": msgspec.json.encode(list(self._machine.feeds)).decode()}

    async def _list_from_snapshots(self, now_ns: Callable[[], int]) -> bool:
        for symbol, feed in self._machine.feeds.items():
            if feed.instrument is not None:
                continue
            answer = await self._get("depth", self._snapshot_query(symbol))
            if answer.status == 400:
                raise InputError(f"{self._machine.rules.venue} refused {symbol}: {_text(answer)}; expected a symbol of it")
            if answer.status != 200:
                return False
            self._machine.list_from_snapshot(now_ns(), symbol, answer.body)
        return True

    async def run(self) -> None:
        """Connect, and keep everything coming, until cancelled."""
        async with asyncio.TaskGroup() as group:
            symbols = [symbol.lower() for symbol in self._machine.feeds]
            for number, (route, names) in enumerate(self._machine.rules.routes):
                streams = [f"{symbol}@{name}" for symbol in symbols for name in names]
                group.create_task(self._keep_connected(number, route, streams))
            group.create_task(self._answer_wishes(group))

    def look_for_wishes(self) -> None:
        """To be called after frames were taken."""
        if self._machine.snapshot_wishes() or self._unhealed():
            self._wishes.set()

    def _unhealed(self) -> list[str]:
        """Symbols with prints missing that have not been given up."""
        return [
            symbol
            for symbol in self._machine.trade_wishes()
            if self._machine.feeds[symbol].trade_ids.open_ranges[-1].last > self._given_up.get(symbol, -1)
        ]

    async def finish(self) -> None:
        """Heal what is still missing, also after the last print that came, within a few seconds."""
        for symbol, last_at_loss in self._last_at_loss.items():
            if self._machine.feeds[symbol].trade_ids.last == last_at_loss >= 0:
                await self._heal_tail(symbol)
        for symbol in self._unhealed():
            await self._heal_once(symbol)

    async def _heal_tail(self, symbol: str) -> None:
        """No print came since a connection was lost: there may be some that no later id has told of."""
        query = {"symbol": symbol, "limit": str(self._machine.rules.trades_limit)}
        answer = await self._get("trades", query)
        if answer.status == 200:
            until = max((trade.id for trade in readable(decode_rest_trades, answer.body, "REST trades")), default=-1)
            self._intake.trades_until(symbol, until)
            self._intake.trades(symbol, answer.body)

    async def _keep_connected(self, number: int, route: str, streams: list[str]) -> None:
        backoff = Backoff()
        loop = asyncio.get_running_loop()
        had_link = False
        while True:
            try:
                link, first = await self._connect(route, streams)
            except ConnectFailed as error:
                self.note("not connected", connection=number, error=str(error))
            else:
                self.connected = True
                self.reconnects += had_link
                had_link = True
                since = loop.time()
                self._intake.link_up(number)
                await self._hold(link, streams[first:], number)
                carries_depth = any("@depth" in name for name in streams)
                self._last_at_loss = {symbol: feed.trade_ids.last for symbol, feed in self._machine.feeds.items()}
                self._intake.link_down(number, list(self._machine.feeds) if carries_depth else [])
                if loop.time() - since >= HEALTHY_S:
                    backoff.reset()
            await asyncio.sleep(backoff.next_s())

    async def _connect(self, route: str, streams: list[str]) -> tuple[Link, int]:
        """Open one connection; returns it and how many streams its URL has subscribed to.

        A server that does not know the market's route prefixes (404) is asked without them.
        """
        count = min(len(streams), NAMES_PER_FRAME_MAX)
        while len("/".join(streams[:count])) > URL_BYTES_MAX:
            count //= 2
        query = f"/stream?streams={'/'.join(streams[:count])}"
        prefix = "" if urlsplit(self._ws_url).path.rstrip("/") == route else route
        try:
            return await self._open(prefix + query), count
        except ConnectFailed as error:
            if not prefix or error.status != 404:
                raise
        return await self._open(query), count

    async def _open(self, path: str) -> Link:
        return await self._transport.connect(self._ws_url + path, self._intake.frame, self._silence_s)

    async def _hold(self, link: Link, rest: list[str], number: int) -> None:
        """Subscribe to the rest at the venue's pace, then wait for the end; the link is closed in any case."""
        try:
            async with asyncio.TaskGroup() as group:
                subscribing = group.create_task(self._subscribe(link, rest))
                why = await link.wait_closed()
                subscribing.cancel()
        finally:
            link.close()
        for refusal in self._machine.control.refusals:
            self.note("refused", connection=number, error=refusal)
        self._machine.control.refusals.clear()
        self.note("connection ended", connection=number, why=why)

    async def _subscribe(self, link: Link, streams: list[str]) -> None:
        for request in self._machine.control.subscribe(streams):
            link.send(request)
            await asyncio.sleep(1 / self._machine.rules.control_messages_per_s)

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
                    answer = await self._get("depth", self._snapshot_query(symbol))
                    if answer.status == 200:
                        self._intake.snapshot(symbol, answer.body)
                        if symbol not in self._machine.snapshot_wishes():
                            return
                    else:
                        self.note("snapshot refused", symbol=symbol, error=_text(answer))
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
        try:
            for _ in range(HEAL_TRIES):
                try:
                    if await self._heal_once(symbol):
                        return
                except (VenueError, DecodeError) as error:
                    self.note("prints not healed", symbol=symbol, error=str(error))
                await asyncio.sleep(backoff.next_s())
            ids = self._machine.feeds[symbol].trade_ids
            self._given_up[symbol] = ids.last
            self.note("prints stay missing", symbol=symbol, missing=ids.missing)
        finally:
            self._healing.discard(symbol)

    async def _heal_once(self, symbol: str) -> bool:
        """Ask for the latest trades, then for older ones by id; whether nothing is missing any more."""
        ids = self._machine.feeds[symbol].trade_ids
        limit = str(self._machine.rules.trades_limit)
        answer = await self._get("trades", {"symbol": symbol, "limit": limit})
        if answer.status == 200:
            self._intake.trades(symbol, answer.body)
        for _ in range(HEAL_PAGES):
            if not ids.open_ranges:
                return True
            first = ids.open_ranges[0].first
            query = {"symbol": symbol, "limit": limit, "fromId": str(first)}
            answer = await self._get("historicalTrades", query)
            if answer.status != 200:
                self.note("older prints refused", symbol=symbol, error=_text(answer))
                return False
            self._intake.trades(symbol, answer.body)
            if ids.open_ranges and ids.open_ranges[0].first == first:
                return False
        return not ids.open_ranges

    async def _get(self, route: str, query: dict[str, str]) -> Answer:
        answer = await self._http.get(f"{self._rest}/{route}", query)
        if answer.status in (418, 429):
            await asyncio.sleep(answer.retry_after_s or 1.0)
            raise RateLimited(f"{self._rest}/{route} asks to wait", answer.retry_after_s)
        return answer


def _text(answer: Answer) -> str:
    return f"HTTP {answer.status} {answer.body[:120].decode(errors='replace')}"
