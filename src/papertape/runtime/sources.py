"""From the configuration to the front door: the sources that it names, made and put behind a MultiAssetConnector."""

import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec

from papertape.core.clock import Clock
from papertape.core.errors import ConfigError, InputError
from papertape.data.connectors.aiohttp_client import AiohttpClient
from papertape.data.connectors.binance_session import Network
from papertape.data.connectors.binance_source import BinanceSource
from papertape.data.connectors.ccxt_connector import CcxtSource
from papertape.data.connectors.mt5_source import Mt5Source
from papertape.data.connectors.picows_transport import PicowsTransport
from papertape.data.connectors.ports import HttpClient
from papertape.data.connectors.venue_source import VenueSource
from papertape.data.multi_asset_connector import AssetClass, MultiAssetConnector
from papertape.data.sources import Source
from papertape.data.wire.binance.rules import SPOT, USDM, VENUES, Rules
from papertape.runtime.clocks import UtcClock
from papertape.runtime.config import SERVER, Config, Crypto, Forex
from papertape.runtime.mt5_port import terminal_port
from papertape.runtime.recording import weight_governor
from papertape.runtime.venues import load_venue

CCXT, MT5 = "ccxt:", "mt5"
BINANCE = {"binance": SPOT, "binance-spot": SPOT, "binance-usdm": USDM}


@asynccontextmanager
async def open_connector(
    config: Config, note: Callable[..., None], given: Mapping[str, Source] | None = None
) -> AsyncIterator[MultiAssetConnector]:
    """The front door with every source that the configuration names; `given` ones, by name, go before those made here.

    A name that nothing makes (`mt5` without a gateway, where no terminal runs) is only missed when a stream asks for it, with ConfigError.
    """
    forex, crypto = config.real_time.forex, config.real_time.crypto
    made = dict(given or {})
    async with made_sources([one for one in configured_names(config) if one not in made], config, note) as sources:
        made |= sources
        clock = UtcClock()
        async with MultiAssetConnector(made, asset_class(forex), asset_class(crypto), clock, note) as connector:
            yield connector


def configured_names(config: Config) -> tuple[str, ...]:
    """The sources that the configuration names, but `mt5` only where it says a gateway, or a terminal can run."""
    forex, crypto = config.real_time.forex, config.real_time.crypto
    has_terminal = forex.gateway or sys.platform == "win32"
    named = [forex.provider, *forex.backups, crypto.provider, *crypto.backups]
    return tuple(name for name in dict.fromkeys(named) if name != MT5 or has_terminal)


@asynccontextmanager
async def made_sources(
    names: Iterable[str], config: Config, note: Callable[..., None], symbols: Sequence[str] = (), url: str = ""
) -> AsyncIterator[dict[str, Source]]:
    """Sources by the names that the configuration and `record --source` know, venue plug-ins among them.

    `symbols` are those that plug-ins may be asked for, which cannot say what they list; `url` is instead of their own.
    Raises ConfigError for a name that is none.
    """
    clock = UtcClock()
    async with AiohttpClient() as http:
        made: dict[str, Source] = {}
        for name in names:
            source = _made(name, config, http, clock, note)
            made[name] = source or _plugged(name, config, symbols, url, clock, note)
        yield made


def _plugged(
    name: str, config: Config, symbols: Sequence[str], url: str, clock: Clock, note: Callable[..., None]
) -> Source:
    """A venue plug-in; where some symbols are written `venue:SYMBOL` with its name, those are what it is asked for."""
    try:
        plug_in = load_venue(name)
    except InputError as error:
        known = ", ".join([*BINANCE, MT5, "ccxt:ID", *(SERVER + one for one in config.real_time.servers)])
        raise ConfigError(f"expected a source ({known}) or a venue plug-in, was {name!r}: {error}") from error
    prefix = f"{plug_in.name}:"
    own = [one.removeprefix(prefix) for one in symbols if one.startswith(prefix)]
    silence_s = config.real_time.crypto.websocket_timeout_s
    return VenueSource(plug_in, own or symbols, url, silence_s, PicowsTransport(), clock, note)


def _made(name: str, config: Config, http: HttpClient, clock: Clock, note: Callable[..., None]) -> Source | None:
    """One of papertape's own; None for any other name."""
    forex, silence_s = config.real_time.forex, config.real_time.crypto.websocket_timeout_s
    if name in BINANCE:
        return binance_source(BINANCE[name], http, clock, note, silence_s)
    if name.startswith(CCXT):
        return CcxtSource(name.removeprefix(CCXT), clock, note)
    if name == MT5:
        return Mt5Source(terminal_port(forex.gateway, forex.token_file), clock, note)
    servers = config.real_time.servers
    server = servers.get(name.removeprefix(SERVER)) if name.startswith(SERVER) else None
    if server is None:
        return None
    rules = msgspec.structs.replace(VENUES[server.speaks], venue=name.removeprefix(SERVER))
    return binance_source(rules, http, clock, note, silence_s, ws_urls=server.ws_urls, rest_url=server.rest_url)


def asset_class(config: Forex | Crypto) -> AssetClass:
    """What one table of the configuration says of its streams."""
    return AssetClass(
        provider=config.provider,
        symbols=config.symbols,
        timeframes=config.timeframes,
        buffer_size=config.buffer_records,
        backups=config.backups,
    )


def binance_source(
    rules: Rules,
    http: HttpClient,
    clock: Clock,
    note: Callable[..., None],
    silence_s: float,
    *,
    ws_urls: tuple[str, ...] = (),
    rest_url: str = "",
) -> BinanceSource:
    """A Binance market as a source, at its own servers or at others that speak like it."""
    servers = ws_urls or (rules.ws_url, *rules.ws_backups)
    asked_url = rest_url or rules.rest_url
    weights = weight_governor(rules, asked_url, clock, note)
    network = Network(servers, asked_url, PicowsTransport(), http, silence_s, weights)
    return BinanceSource(rules, network, clock, note)
