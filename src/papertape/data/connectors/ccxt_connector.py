"""Any exchange that ccxt streams, over its own WebSocket API, as a source: a backup for more than seventy venues.

The package is an extra, `papertape[ccxt]`, and is imported when a source is first asked for something. Numbers stay
exact: ccxt is told to give them as text (`number = str`), and the one helper by which its order books read numbers
gives `Decimal`. Where an exchange's part of ccxt makes a float all the same, it is read as its decimal number of at most 15 digits.

ccxt tells every book whole, so each is a DEPTH_PARTIAL of at most `BOOK_LEVELS` a side; it tells no connections, so
a channel that failed is a GAP. It does not reconnect by itself: the next question does, and is asked with backoff.
"""

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from papertape.core.clock import Clock
from papertape.core.errors import (
    ConfigError,
    DataError,
    DecodeError,
    InputError,
    PapertapeError,
    VenueError,
)
from papertape.core.records import RECORD_BYTES, GapCause, Kind, RecordBuffer
from papertape.data.connectors.backoff import Backoff
from papertape.data.quality.gate import Gate
from papertape.data.sources import Deliver, SourceHealth, check_listed
from papertape.data.symbols import SymbolInfo
from papertape.data.wire.ccxt.errors import translated
from papertape.data.wire.ccxt.listing import contract_of, from_market
from papertape.data.wire.listed import Listed, exact_text
from papertape.data.wire.normalise import Raw, normalise

BOOK_LEVELS = 20
UNWATCH_S = 5.0
"""How long an exchange may take to confirm that a subscription has ended."""


class Channel(NamedTuple):
    """One kind of data: what ccxt calls it, how it is asked for and ended, and what is missing when it fails."""

    watch: str
    unwatch: str
    kind: Kind


TRADES = Channel("watchTrades", "unWatchTrades", Kind.PRINT)
BIDS_ASKS = Channel("watchBidsAsks", "unWatchBidsAsks", Kind.QUOTE)
TICKER = Channel("watchTicker", "unWatchTicker", Kind.QUOTE)
BOOK = Channel("watchOrderBook", "unWatchOrderBook", Kind.DEPTH_DELTA)


class CcxtSource:
    """`Source` over one exchange of ccxt, by ccxt's id for it. Its venue is called `ccxt-<id>`.

    `settings` go to ccxt as they are: its own names for addresses, proxies and options. `note` is told what happens.
    """

    def __init__(
        self, exchange: str, clock: Clock, note: Callable[..., None], settings: Mapping[str, Any] | None = None
    ) -> None:
        self._id = exchange
        self._clock = clock
        self._note = note
        self._settings = {"newUpdates": True, "aiohttp_trust_env": True} | dict(settings or {})
        self._gate = Gate(RecordBuffer())
        self._markets: dict[str, Any] = {}
        self._infos: dict[str, SymbolInfo] = {}
        self._numbers: dict[str, int] = {}
        self._listed: dict[str, Listed] = {}
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}
        self._client: Any = None
        self._group: asyncio.TaskGroup | None = None
        self._deliver: Deliver | None = None
        self._records = self._reconnects = 0
        self._trouble = ""

    @property
    def venue(self) -> str:
        """See `Source`."""
        return f"ccxt-{self._id}"

    async def catalogue(self) -> Sequence[SymbolInfo]:
        """See `Source`; a market whose rules cannot be held is left out, and noted."""
        client = self._open()
        try:
            self._markets = await self._asked("load_markets", client.load_markets())
        finally:
            await client.close()
        self._infos = {}
        for symbol, market in self._markets.items():
            try:
                info = from_market(self.venue, market, client.precisionMode)
            except DataError as error:
                self._note("symbol cannot be listed", error=str(error))
                continue
            if info is not None:
                self._infos[symbol] = info
        return list(self._infos.values())

    async def subscribe(self, numbers: Mapping[str, int]) -> None:
        """See `Source`."""
        check_listed(self.venue, numbers, self._infos)
        for symbol, number in numbers.items():
            if symbol not in self._numbers:
                self._numbers[symbol] = number
                if self._group is not None:
                    self._follow(self._group, symbol)

    async def unsubscribe(self, symbols: Collection[str]) -> None:
        """See `Source`. An exchange that cannot unsubscribe sends on until its connection ends, which is noted."""
        for symbol in symbols:
            self._numbers.pop(symbol, None)
            tasks = self._tasks.pop(symbol, None)
            if tasks is None:
                continue
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            client = self._client
            for channel in self._channels() if client is not None else ():
                await self._unwatch(client, channel, symbol)

    def resync(self, symbols: Collection[str]) -> None:
        """See `Source`; every book is told whole anyway."""

    def health(self) -> SourceHealth:
        """See `Source`."""
        clients = self._client.clients.values() if self._client is not None else ()
        return SourceHealth(
            connected=any(client.connection is not None and not client.closed() for client in clients),
            last_recv_ns=self._gate.buffer.last_recv_ns,
            records=self._records,
            reconnects=self._reconnects,
            trouble=self._trouble,
        )

    async def run(self, deliver: Deliver) -> None:
        """See `Source`."""
        self._deliver = deliver
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for symbol in self._numbers:
                    self._follow(group, symbol)
                await asyncio.get_running_loop().create_future()  # until cancelled
        finally:
            self._group = self._deliver = None
            self._tasks.clear()
            client, self._client = self._client, None
            if client is not None:
                await client.close()

    def _open(self) -> Any:
        """A client of the exchange; it holds connections until it is closed. Raises ConfigError when there is none."""
        try:
            exchanges = importlib.import_module("ccxt.pro")
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"the source ccxt:{self._id} needs the package ccxt, which is not installed: "
                "expected papertape with its extra, `pip install 'papertape[ccxt]'`"
            ) from error
        if self._id not in exchanges.exchanges:
            raise ConfigError(
                f"ccxt streams no exchange called {self._id!r}: expected one of {len(exchanges.exchanges)}, "
                f"such as {', '.join(exchanges.exchanges[:5])}"
            )
        client = getattr(exchanges, self._id)(self._settings)
        client.number = str
        client.safe_float = exact_number
        return client

    def _channels(self) -> tuple[Channel, ...]:
        has = self._client.has
        quotes = BIDS_ASKS if has.get(BIDS_ASKS.watch) else TICKER
        return tuple(channel for channel in (TRADES, quotes, BOOK) if has.get(channel.watch))

    def _follow(self, group: asyncio.TaskGroup, symbol: str) -> None:
        if self._client is None:
            self._client = self._open()
            self._client.set_markets(self._markets)
        channels = self._channels()
        known = self._listed.get(symbol)
        listed = known or Listed(self._infos[symbol].instrument, self._numbers[symbol], self._gate)
        listed.open_epoch(listed.instrument, self._clock.now_ns())
        if known is not None:
            for channel in channels:
                self._gap(listed, channel, GapCause.CONNECTION_LOST)
        self._listed[symbol] = listed
        self._flush()
        self._tasks[symbol] = [group.create_task(self._watch(channel, listed)) for channel in channels]

    async def _watch(self, channel: Channel, listed: Listed) -> None:
        """One channel of one symbol, for as long as it is followed."""
        symbol, backoff, is_failing = listed.instrument.symbol, Backoff(), False
        while True:
            try:
                payloads = await self._asked(f"{channel.watch} of {symbol}", self._ask(channel, symbol))
            except InputError as error:
                self._tell("channel refused", symbol, error)
                return
            except VenueError as error:
                if not is_failing:
                    is_failing = True
                    self._tell("channel failed, and is tried again", symbol, error)
                    self._gap(listed, channel, GapCause.CONNECTION_LOST)
                    self._flush()
                await asyncio.sleep(backoff.next_s())
                continue
            if is_failing:
                self._reconnects += 1
                is_failing = False
            backoff.reset()
            self._take(channel, payloads, listed)

    async def _ask(self, channel: Channel, symbol: str) -> list[Raw]:
        """Wait for the next of a channel."""
        if channel is TRADES:
            return list(await self._client.watch_trades(symbol))
        if channel is BOOK:
            book = await self._client.watch_order_book(symbol)
            return [dict(book) | {"bids": book["bids"][:BOOK_LEVELS], "asks": book["asks"][:BOOK_LEVELS]}]
        if channel is BIDS_ASKS:
            tickers = (await self._client.watch_bids_asks([symbol])).values()
        else:
            tickers = [await self._client.watch_ticker(symbol)]
        # A ticker may come without a quote; there is nothing to record then.
        return [one for one in tickers if one["symbol"] == symbol and None not in (one["bid"], one["ask"])]

    def _take(self, channel: Channel, payloads: Sequence[Raw], listed: Listed) -> None:
        """Judge, pack and deliver what came at once."""
        now_ns = self._clock.now_ns()
        contract = contract_of(self._markets[listed.instrument.symbol])
        for raw in payloads:
            try:
                normalise(raw if contract == 1 else in_base_units(raw, contract), listed, now_ns)
            except DecodeError as error:
                self._tell("payload cannot be read", listed.instrument.symbol, error)
                self._gap(listed, channel, GapCause.UNREADABLE_FRAME)
        self._flush()

    async def _unwatch(self, client: Any, channel: Channel, symbol: str) -> None:
        if not client.has.get(channel.unwatch):
            self._note("cannot unsubscribe", venue=self.venue, symbol=symbol, channel=channel.watch)
            return
        asked = {
            TRADES: lambda: client.un_watch_trades(symbol),
            BIDS_ASKS: lambda: client.un_watch_bids_asks([symbol]),
            TICKER: lambda: client.un_watch_ticker(symbol),
            BOOK: lambda: client.un_watch_order_book(symbol),
        }
        try:
            async with asyncio.timeout(UNWATCH_S):
                await self._asked(f"{channel.unwatch} of {symbol}", asked[channel]())
        except (PapertapeError, TimeoutError) as error:
            self._tell("not unsubscribed", symbol, error)

    async def _asked(self, what: str, answer: Awaitable[Any]) -> Any:
        """What ccxt answers; whatever it raises instead becomes an error of ours."""
        try:
            return await answer
        except Exception as error:
            raise translated(self.venue, what, error) from error

    def _tell(self, text: str, symbol: str, error: Exception) -> None:
        self._trouble = str(error) or type(error).__name__
        self._note(text, venue=self.venue, symbol=symbol, error=self._trouble)

    def _gap(self, listed: Listed, channel: Channel, cause: GapCause) -> None:
        now_ns = self._clock.now_ns()
        self._gate.buffer.gap(now_ns, listed.number, cause, channel.kind)

    def _flush(self) -> None:
        data = self._gate.buffer.take()
        if data and self._deliver is not None:
            self._records += len(data) // RECORD_BYTES
            self._deliver(data)


def in_base_units(raw: Raw, contract: Decimal) -> Raw:
    """A payload whose amounts count contracts, with amounts of the base currency."""

    def scaled(amount: object) -> Decimal | None:
        return None if amount is None else Decimal(exact_text(amount)) * contract

    changed: dict[str, Any] = {
        key: scaled(raw[key]) for key in ("amount", "bidVolume", "askVolume") if raw.get(key) is not None
    }
    for side in ("bids", "asks"):
        if isinstance(raw.get(side), list):
            changed[side] = [(level[0], scaled(level[1])) for level in raw[side]]
    return {**raw, **changed}


def exact_number(holder: Any, key: Any, default: Any = None) -> Any:
    """Ccxt's `safe_float`, exact: the number in `holder` under `key` as a Decimal, else `default`."""
    try:
        return Decimal(exact_text(holder[key]))
    except (LookupError, TypeError, ArithmeticError, DecodeError):
        return default
