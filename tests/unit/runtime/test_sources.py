"""Every key of the plan's tables `real_time.forex` and `real_time.crypto`, as it changes what the front door does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from papertape.core.errors import ConfigError
from papertape.data.connectors.aiohttp_client import AiohttpClient
from papertape.data.connectors.binance_source import BinanceSource
from papertape.data.connectors.venue_source import VenueSource
from papertape.data.multi_asset_connector import MultiAssetConnector
from papertape.data.record_stream import RecordStream, TimedBar
from papertape.data.wire.binance.rules import SPOT, USDM
from papertape.runtime.clocks import UtcClock
from papertape.runtime.config import Config, load_config
from papertape.runtime.sources import binance_source, made_sources, open_connector
from tests.made_source import MadeSource, crypto, fx
from tests.toy_server import TOY_FILE

MINUTE = 60_000_000_000
FOREX = ["EURUSD", "GBPUSD", "USDJPY", "USDCHF", "NZDUSD"]
CRYPTO = ["BTCUSDT", "ETHUSDT", "ADAUSDT", "SOLUSDT"]


class Setting:
    def __init__(self) -> None:
        self.mt5 = MadeSource("mt5", [fx(symbol) for symbol in FOREX])
        self.binance = MadeSource("binance-spot", [crypto(symbol) for symbol in CRYPTO])
        self.usdm = MadeSource("binance-usdm", [crypto(one, "binance-usdm", perpetual=True) for one in CRYPTO])
        self.kraken = MadeSource("ccxt-kraken", [crypto("BTC/USDT", "ccxt-kraken"), fx("EUR/USD", "ccxt-kraken")])
        self.connector: MultiAssetConnector
        self.given = {"mt5": self.mt5, "binance": self.binance, "binance-usdm": self.usdm, "ccxt:kraken": self.kraken}

    async def stream(self, table: str) -> RecordStream:
        if table == "forex":
            return await self.connector.connect_forex_stream([])
        return await self.connector.connect_crypto_stream([])


@asynccontextmanager
async def configured(tmp_path: Path, text: str) -> AsyncIterator[Setting]:
    file = tmp_path / "papertape.toml"
    file.write_text(text)
    setting = Setting()
    async with open_connector(load_config(file), lambda *_, **__: None, setting.given) as setting.connector:
        while not setting.kraken.runs:
            await asyncio.sleep(0)
        yield setting


async def test_the_defaults_are_the_plans(tmp_path: Path) -> None:
    async with configured(tmp_path, "") as setting:
        await setting.stream("forex")
        await setting.stream("crypto")
        assert list(setting.mt5.numbers) == ["EURUSD", "GBPUSD", "USDJPY", "USDCHF"]
        assert list(setting.binance.numbers) == ["BTCUSDT", "ETHUSDT", "ADAUSDT"]


async def test_provider_changes_whom_a_stream_reads(tmp_path: Path) -> None:
    async with configured(tmp_path, '[real_time.crypto]\nprovider = "binance-usdm"\n') as setting:
        await setting.stream("crypto")
        assert (len(setting.usdm.numbers), len(setting.binance.numbers)) == (3, 0)
    text = '[real_time.forex]\nprovider = "ccxt:kraken"\nsymbols = ["EURUSD"]\n'
    async with configured(tmp_path, text) as setting:
        await setting.stream("forex")
        assert (list(setting.kraken.numbers), len(setting.mt5.numbers)) == (["EUR/USD"], 0)


@pytest.mark.parametrize(("table", "symbol"), [("forex", "NZDUSD"), ("crypto", "SOLUSDT")])
async def test_symbols_change_what_a_stream_brings(tmp_path: Path, table: str, symbol: str) -> None:
    async with configured(tmp_path, f'[real_time.{table}]\nsymbols = ["{symbol}"]\n') as setting:
        stream = await setting.stream(table)
        assert list(stream.symbols) == [symbol]
        assert [*setting.mt5.numbers, *setting.binance.numbers] == [symbol]


async def bars_of(setting: Setting, table: str) -> list[TimedBar]:
    """The bars that ten minutes of quotes and prints, one each a minute, close."""
    stream = await setting.stream(table)
    source = setting.mt5 if table == "forex" else setting.binance
    for minute in range(10):
        for symbol, number in source.numbers.items():
            source.quote(symbol, minute * MINUTE, 5, 6)
            source.gate.trade(number, 0, minute * MINUTE, 17, 0, 0, 5, 1, 0, 0, minute)
            source.flush()
    await stream.close()
    return [bar for batch in [one async for one in stream] for bar in batch.bars]


@pytest.mark.parametrize("table", ["forex", "crypto"])
async def test_timeframes_change_which_bars_are_made(tmp_path: Path, table: str) -> None:
    name = "EURUSD" if table == "forex" else "BTCUSDT"
    text = f'[real_time.{table}]\nsymbols = ["{name}"]\ntimeframes = '
    found = {}
    for frames in ('["M1"]', '["1m", "M5"]', "[]"):
        async with configured(tmp_path, text + frames + "\n") as setting:
            bars = await bars_of(setting, table)
            found[frames] = {one.timeframe: sum(bar.timeframe == one.timeframe for bar in bars) for one in bars}
    assert found == {'["M1"]': {"M1": 9}, '["1m", "M5"]': {"1m": 9, "M5": 1}, "[]": {}}


@pytest.mark.parametrize("table", ["forex", "crypto"])
async def test_buffer_size_changes_how_much_waits_for_a_slow_reader(tmp_path: Path, table: str) -> None:
    name = "EURUSD" if table == "forex" else "BTCUSDT"
    shed = []
    for size in (50, 100, 1_000):
        text = f'[real_time.{table}]\nsymbols = ["{name}"]\nbuffer_size = {size}\n'
        async with configured(tmp_path, text) as setting:
            stream = await setting.stream(table)
            for ts in range(500):
                (setting.mt5 if table == "forex" else setting.binance).quote(name, ts, 5, 6)
            assert len(stream.queue) <= size + 1
            shed.append(stream.queue.shed)
    assert shed[0] == shed[1] + 50
    assert shed[2] == 0


async def test_backups_change_who_stands_in(tmp_path: Path) -> None:
    async with configured(tmp_path, '[real_time.crypto]\nbackups = ["ccxt:kraken"]\n') as setting:
        stream = await setting.stream("crypto")
        assert len(stream.symbols["BTCUSDT"]) == 2
        assert list(setting.kraken.numbers) == ["BTC/USDT"]


async def test_a_source_that_nothing_makes_is_missed_when_it_is_asked_for(tmp_path: Path) -> None:
    setting = Setting()
    given = {"binance": setting.binance}
    async with open_connector(load_config(None), lambda *_, **__: None, given) as connector:
        await connector.connect_crypto_stream([])
        assert (await connector.validate_symbol_metadata("BTCUSDT")).instrument.symbol == "BTCUSDT"
        with pytest.raises(ConfigError, match="'mt5'.*binance"):
            await connector.connect_forex_stream([])


async def test_what_the_configuration_names_is_made(tmp_path: Path) -> None:
    file = tmp_path / "papertape.toml"
    file.write_text('[real_time.crypto]\nbackups = ["ccxt:kraken", "binance-usdm"]\nwebsocket_timeout = 7\n')
    async with open_connector(load_config(file), lambda *_, **__: None) as connector:
        venues = {name: connector._hub.source(name).venue for name in connector._hub.names}
        assert venues == {"binance": "binance-spot", "ccxt:kraken": "ccxt-kraken", "binance-usdm": "binance-usdm"}
        assert connector._hub.source("binance")._network.silence_s == 7  # type: ignore[attr-defined]


async def test_a_server_of_the_configuration_is_a_source_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "papertape.toml"
    file.write_text(
        '[real_time.crypto]\nprovider = "server:mirror"\n'
        '[real_time.servers.mirror]\nspeaks = "binance-usdm"\nws_urls = ["ws://a", "ws://b"]\nrest_url = "http://c"\n'
    )
    async with made_sources(["server:mirror"], load_config(file), lambda *_, **__: None) as made:
        source = made["server:mirror"]
        assert isinstance(source, BinanceSource)
        assert source.venue == "mirror"
        assert (source._network.ws_urls, source._network.rest_url) == (("ws://a", "ws://b"), "http://c")
        assert source._rules.rest_prefix == USDM.rest_prefix
    file.write_text('[real_time.crypto]\nbackups = ["server:mirror"]\n')
    with pytest.raises(ConfigError, match="expected a server of `real_time.servers` .none., was server:mirror"):
        load_config(file)


async def test_a_plug_in_is_asked_for_the_symbols_that_name_it() -> None:
    for symbols, asked in ((["ABC", "DEF"], ["ABC", "DEF"]), (["BTCUSDT", "toy:ABC"], ["ABC"])):
        async with made_sources([TOY_FILE], Config(), lambda *_, **__: None, symbols, "ws://a/") as made:
            source = made[TOY_FILE]
            assert isinstance(source, VenueSource)
            assert (source.venue, source._symbols, source._url) == ("toy", asked, "ws://a")


async def test_a_market_is_found_at_its_own_servers_unless_others_are_named() -> None:
    async with AiohttpClient() as http:
        made = binance_source(SPOT, http, UtcClock(), lambda *_, **__: None, 30)
        assert (made._network.ws_urls, made._network.rest_url) == ((SPOT.ws_url, *SPOT.ws_backups), SPOT.rest_url)
        made = binance_source(
            SPOT, http, UtcClock(), lambda *_, **__: None, 30, ws_urls=("ws://a",), rest_url="http://b"
        )
        assert (made._network.ws_urls, made._network.rest_url) == (("ws://a",), "http://b")
