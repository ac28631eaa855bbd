"""From the configuration to the front door: the sources that it names, made and put behind a MultiAssetConnector."""

import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from papertape.core.clock import Clock
from papertape.data.connectors.aiohttp_client import AiohttpClient
from papertape.data.connectors.binance_session import Network
from papertape.data.connectors.binance_source import BinanceSource
from papertape.data.connectors.ccxt_connector import CcxtSource
from papertape.data.connectors.mt5_source import Mt5Source
from papertape.data.connectors.picows_transport import PicowsTransport
from papertape.data.connectors.ports import HttpClient
from papertape.data.multi_asset_connector import AssetClass, MultiAssetConnector
from papertape.data.sources import Source
from papertape.data.wire.binance.rules import SPOT, USDM, Rules
from papertape.runtime.clocks import UtcClock
from papertape.runtime.config import Config, Crypto, Forex
from papertape.runtime.mt5_port import terminal_port
from papertape.runtime.recording import weight_governor

CCXT, MT5 = "ccxt:", "mt5"
BINANCE = {"binance": SPOT, "binance-usdm": USDM}


@asynccontextmanager
async def open_connector(
    config: Config, note: Callable[..., None], given: Mapping[str, Source] | None = None
) -> AsyncIterator[MultiAssetConnector]:
    """The front door with every source that the configuration names; `given` ones, by name, go before those made here.

    A name that nothing makes (`mt5` without a gateway, where no terminal runs) is only missed when a stream asks for it, with ConfigError.
    """
    forex, crypto = config.real_time.forex, config.real_time.crypto
    sources = dict(given or {})
    clock = UtcClock()
    async with AiohttpClient() as http:
        for name in dict.fromkeys([forex.provider, *forex.backups, crypto.provider, *crypto.backups]):
            if name in BINANCE and name not in sources:
                sources[name] = binance_source(BINANCE[name], http, clock, note, crypto.websocket_timeout_s)
            elif name.startswith(CCXT) and name not in sources:
                sources[name] = CcxtSource(name.removeprefix(CCXT), clock, note)
            elif name == MT5 and name not in sources and (forex.gateway or sys.platform == "win32"):
                sources[name] = Mt5Source(terminal_port(forex.gateway, forex.token_file), clock, note)
        async with MultiAssetConnector(sources, asset_class(forex), asset_class(crypto), clock, note) as connector:
            yield connector


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
