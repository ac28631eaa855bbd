"""The plan's day 1: one front door to every venue. Crypto and forex as typed streams of the same 64-byte records.

It takes sources by name (`data.sources.Source`), finds symbols however they are written, and hands out streams;
`data.source_hub` does the work behind it.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import Any, NamedTuple, Self, TypeVar

import msgspec

from papertape.core.bars import BarSource
from papertape.core.clock import Clock
from papertape.core.errors import DecodeError, UnknownInstrument, VenueError
from papertape.core.instruments import Instrument, InstrumentKind
from papertape.core.records import RecordBuffer
from papertape.data.quality.gate import Gate
from papertape.data.quality.rivals import RivalRules
from papertape.data.record_stream import CryptoStream, ForexStream, RecordStream, StreamPlan
from papertape.data.source_hub import SourceHub, first_error
from papertape.data.sources import Source, SourceHealth
from papertape.data.symbols import SymbolInfo
from papertape.data.wire.listed import Listed
from papertape.data.wire.normalise import normalise, unwrapped
from papertape.data.wire.symbols import Place
from papertape.data.wire.timeframes import interval_ns

__all__ = ["AssetClass", "CryptoStream", "ForexStream", "MultiAssetConnector", "NormalizedData", "SymbolInfo"]

DEFAULT_RULES = RivalRules()
CATALOGUE_NS = 60_000_000_000
"""A symbol that is not known is asked for once more when the catalogue is older than this."""
AnyStream = TypeVar("AnyStream", bound=RecordStream)


class AssetClass(msgspec.Struct, frozen=True, kw_only=True):
    """What one asset class is followed with."""

    provider: str
    """Name of the source that is preferred."""
    symbols: tuple[str, ...]
    """What a stream brings that is asked for no symbol in particular."""
    timeframes: tuple[str, ...] = ()
    """Bars that its streams make."""
    buffer_size: int
    """Records that may wait for the reader of a stream."""
    backups: tuple[str, ...] = ()
    """Names of sources that stand in for the provider, the most trusted first."""


class NormalizedData(msgspec.Struct, frozen=True):
    """One payload as judged records: whole events, after the INSTRUMENT event of an epoch that it opened, if any."""

    instrument: Instrument
    number: int
    records: bytes


class SymbolMatch(NamedTuple):
    """A symbol that a search found: whether it is meant, or only spelled alike."""

    info: SymbolInfo
    is_meant: bool


class MultiAssetConnector:
    """Forex and crypto through one door. An async context manager: the sources run as long as the block does.

    `note` is told what happens, for the log; `numbers` are those that symbols have already, on a tape that is
    continued. Raises ConfigError for a provider, backup or timeframe that is none.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        forex: AssetClass,
        crypto: AssetClass,
        clock: Clock,
        note: Callable[..., None],
        rules: RivalRules = DEFAULT_RULES,
        *,
        numbers: Mapping[Place, int] = MappingProxyType({}),
    ) -> None:
        self._hub = SourceHub(sources, clock, note, rules, numbers)
        self._forex = forex
        self._crypto = crypto
        self._clock = clock
        self._note = note
        self._gate = Gate(RecordBuffer())
        self._listed: dict[tuple[str, str], Listed] = {}
        for asset_class in (forex, crypto):
            for timeframe in asset_class.timeframes:
                interval_ns(timeframe)
        self._group: asyncio.TaskGroup | None = None
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._group = asyncio.TaskGroup()
        await self._group.__aenter__()
        self._running = self._group.create_task(self._hub.run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._group is not None and self._running is not None
        self._running.cancel()
        was_cancelled = kind is not None and issubclass(kind, asyncio.CancelledError)
        try:
            # An error of the block is the block's own, and leaves it as it is; a cancellation may be the group's.
            await self._group.__aexit__(*((kind, error, trace) if was_cancelled else (None, None, None)))
        except BaseExceptionGroup as failures:
            failure = first_error(failures)
            raise failure from failure.__cause__

    async def connect_forex_stream(self, symbols: list[str]) -> ForexStream:
        """A stream of these symbols of the forex provider, or of the configured ones when none are given.

        Raises UnknownInstrument with the nearest names, VenueError when the provider does not tell what it lists.
        """
        return await self._connect(ForexStream, self._forex, BarSource.BID, symbols)

    async def connect_crypto_stream(self, symbols: list[str]) -> CryptoStream:
        """A stream of these symbols of the crypto provider, or of the configured ones when none are given.

        Raises UnknownInstrument with the nearest names, VenueError when the provider does not tell what it lists.
        """
        return await self._connect(CryptoStream, self._crypto, BarSource.PRINT, symbols)

    async def normalize_data(self, raw_data: dict[str, Any]) -> NormalizedData:
        """One decoded payload of Binance, MetaTrader 5 or ccxt as records, judged beside those given before.

        A `venue` in it says whose symbol it is; without, the providers' are looked at. Raises DecodeError for a
        payload of no known form, UnknownInstrument for a symbol that nobody lists.
        """
        raw, symbol = unwrapped(raw_data)
        venue = raw_data.get("venue", "")
        listed = self._listed.get((venue, symbol))
        if listed is None:
            place = await self._find(f"{venue}:{symbol}" if venue else symbol)
            listed = Listed(self._hub.index.instrument(place), self._hub.number(place), self._gate)
            self._listed[venue, symbol] = listed
        try:
            normalise(raw, listed, self._clock.now_ns())
        except DecodeError:
            self._gate.buffer.take()
            raise
        return NormalizedData(listed.instrument, listed.number, self._gate.buffer.take())

    async def validate_symbol_metadata(self, symbol: str) -> SymbolInfo:
        """What is known of a symbol, however it is written; from memory once its provider has told what it lists.

        Raises UnknownInstrument with the nearest names, VenueError when no provider tells what it lists.
        """
        return self._hub.infos[await self._find(symbol)]

    async def search_symbols(self, text: str, limit: int) -> list[SymbolMatch]:
        """Symbols of all sources that `text` means, however it is written, then those that are spelled alike.

        Raises VenueError when no source tells what it lists; one that does not is noted.
        """
        failures = await self._load(self._hub.names)
        if failures and len(failures) == len(self._hub.names):
            raise failures[0]
        meant = self._hub.index.candidates(text)
        return [
            SymbolMatch(self._hub.infos[place], place in meant) for place in self._hub.index.search(text, limit=limit)
        ]

    async def places_of(self, symbol: str, sources: Sequence[str]) -> list[Place]:
        """Where `symbol` is listed, however it is written: at most one place at each of `sources`.

        Raises UnknownInstrument when that is nowhere, or one of several at a source; VenueError when one does not tell.
        """
        found: list[Place] = []
        for name in sources:
            await self._hub.load(name)
            venue = self._hub.source(name).venue
            if self._hub.index.candidates(symbol, [venue]):
                found.append(self._hub.index.resolve(symbol, [venue]))
        return found or [await self._resolve(symbol, [self._hub.source(one).venue for one in sources], sources)]

    def place(self, number: int) -> Place:
        """The symbol that has this number."""
        return self._hub.place(number)

    @property
    def health(self) -> dict[str, SourceHealth]:
        """How each source does, by name."""
        return self._hub.health()

    async def _find(self, symbol: str) -> Place:
        """The place of a symbol at the providers, else at any source that has told what it lists."""
        providers = [one.provider for one in (self._forex, self._crypto) if one.provider in self._hub.names]
        failures = await self._load(providers)
        if failures and len(failures) == len(providers):
            raise failures[0]
        venues = [self._hub.source(name).venue for name in providers]
        if self._hub.index.candidates(symbol, venues):
            return self._hub.index.resolve(symbol, venues)
        return await self._resolve(symbol, [], providers)

    async def _resolve(self, symbol: str, venues: Collection[str], names: Collection[str]) -> Place:
        """Resolve, once more when the sources have listed something since they told."""
        try:
            return self._hub.index.resolve(symbol, venues)
        except UnknownInstrument:
            asked = [await self._hub.load(name, older_than_ns=CATALOGUE_NS) for name in names]
            if not any(asked):
                raise
        return self._hub.index.resolve(symbol, venues)

    async def _load(self, names: Collection[str]) -> list[VenueError | DecodeError]:
        """Load catalogues; a failure is noted and keeps no other from being loaded."""
        failures: list[VenueError | DecodeError] = []
        for name in names:
            try:
                await self._hub.load(name)
            except (VenueError, DecodeError) as error:
                self._note("a source does not tell what it lists", source=name, error=str(error))
                failures.append(error)
        return failures

    async def _connect(
        self, kind: type[AnyStream], asset_class: AssetClass, bar_source: BarSource, symbols: Sequence[str]
    ) -> AnyStream:
        async def subscribe(stream: RecordStream, wanted: Sequence[str]) -> None:
            await self._follow(stream, asset_class, wanted)

        plan = StreamPlan(asset_class.timeframes, bar_source, asset_class.buffer_size)
        stream = kind(plan, subscribe, self._hub.leave)
        try:
            await subscribe(stream, symbols or asset_class.symbols)
        except BaseException:
            await stream.close()
            raise
        return stream

    async def _follow(self, stream: RecordStream, asset_class: AssetClass, symbols: Sequence[str]) -> None:
        """Follow symbols at the provider, each with those of the backups that list it too; `venue:SYMBOL` at that venue."""
        await self._hub.load(asset_class.provider)
        if asset_class.backups:
            await self._load(asset_class.backups)
        provider = self._hub.source(asset_class.provider).venue
        places = {symbol: await self._place(symbol, asset_class.provider) for symbol in dict.fromkeys(symbols)}
        for symbol, place in places.items():
            if symbol not in stream.symbols:
                backups = self._backups(place, asset_class) if place.venue == provider else []
                await self._hub.follow(stream, symbol, [place, *backups])

    async def _place(self, symbol: str, provider: str) -> Place:
        name = self._hub.source_at(symbol.partition(":")[0]) or provider
        await self._hub.load(name)
        return await self._resolve(symbol, [self._hub.source(name).venue], [name])

    def _backups(self, place: Place, asset_class: AssetClass) -> list[Place]:
        instrument = self._hub.index.instrument(place)
        is_perpetual = instrument.kind is InstrumentKind.LINEAR_PERPETUAL
        pair = f"{instrument.base}/{instrument.quote}" + f":{instrument.settle}" * is_perpetual
        found = []
        for name in asset_class.backups:
            try:
                found.append(self._hub.index.resolve(pair, [self._hub.source(name).venue]))
            except UnknownInstrument as error:
                self._note("no backup", symbol=str(place), source=name, error=str(error))
        return found
