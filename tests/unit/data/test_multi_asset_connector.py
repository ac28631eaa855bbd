import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from papertape.core.clock import ManualClock
from papertape.core.errors import ConfigError, ConnectFailed, DataError, DecodeError, IntegrityError, UnknownInstrument
from papertape.core.records import Kind, as_records
from papertape.data.multi_asset_connector import AssetClass, MultiAssetConnector, NormalizedData
from tests.made_source import MadeSource, crypto, fx

FOREX = AssetClass(
    provider="mt5", symbols=("EURUSD", "GBPUSD"), timeframes=("M1",), buffer_size=1_000, backups=("spare",)
)
CRYPTO = AssetClass(provider="binance", symbols=("BTCUSDT",), timeframes=("1m",), buffer_size=500, backups=("kraken",))


class Setting:
    def __init__(self, forex: AssetClass = FOREX, crypto_class: AssetClass = CRYPTO) -> None:
        self.mt5 = MadeSource("mt5", [fx("EURUSD.raw"), fx("GBPUSD.raw"), fx("USDJPY.raw", price_scale=3)])
        self.spare = MadeSource("spare-broker", [fx("EURUSDm", "spare-broker")])
        self.binance = MadeSource("binance-spot", [crypto("BTCUSDT"), crypto("ETHUSDT")])
        self.usdm = MadeSource("binance-usdm", [crypto("BTCUSDT", "binance-usdm", perpetual=True)])
        self.kraken = MadeSource("ccxt-kraken", [crypto("BTC/USDT", "ccxt-kraken", 1)])
        self.notes: list[tuple[str, dict[str, Any]]] = []
        self.clock = ManualClock(1_000)
        sources = {
            "mt5": self.mt5,
            "spare": self.spare,
            "binance": self.binance,
            "binance-usdm": self.usdm,
            "kraken": self.kraken,
        }
        self.connector = MultiAssetConnector(
            sources, forex, crypto_class, self.clock, lambda text, **more: self.notes.append((text, more))
        )


@asynccontextmanager
async def running(**changes: Any) -> AsyncIterator[Setting]:
    setting = Setting(**changes)
    async with setting.connector:
        async with asyncio.timeout(10):
            while not setting.kraken.runs:
                await asyncio.sleep(0)
        yield setting


async def test_streams_bring_what_is_configured_unless_told_otherwise() -> None:
    async with running() as setting:
        forex = await setting.connector.connect_forex_stream([])
        assert list(forex.symbols) == ["EURUSD", "GBPUSD"]
        assert set(setting.mt5.numbers) == {"EURUSD.raw", "GBPUSD.raw"}
        one = await setting.connector.connect_crypto_stream(["eth-usdt"])
        assert list(one.symbols) == ["eth-usdt"]
        assert set(setting.binance.numbers) == {"ETHUSDT"}


async def test_the_provider_says_which_source_a_stream_reads() -> None:
    usdm = AssetClass(provider="binance-usdm", symbols=("BTCUSDT",), buffer_size=500)
    async with running(crypto_class=usdm) as setting:
        await setting.connector.connect_crypto_stream([])
        assert (setting.usdm.numbers, setting.binance.numbers) == ({"BTCUSDT": 0}, {})
    wrong = AssetClass(provider="coinbase", symbols=(), buffer_size=500)
    async with running(crypto_class=wrong) as setting:
        with pytest.raises(ConfigError, match="'coinbase'.*binance"):
            await setting.connector.connect_crypto_stream(["BTCUSDT"])


async def test_backups_that_list_the_symbol_are_followed_and_those_that_do_not_are_noted() -> None:
    async with running() as setting:
        stream = await setting.connector.connect_crypto_stream(["BTCUSDT", "ETHUSDT"])
        assert stream.symbols == {"BTCUSDT": (0, 1), "ETHUSDT": (2,)}
        assert setting.kraken.numbers == {"BTC/USDT": 1}
        assert [text for text, _ in setting.notes] == ["no backup"]
        forex = await setting.connector.connect_forex_stream(["EURUSD"])
        assert setting.spare.numbers == {"EURUSDm": 4}
        assert forex.symbols == {"EURUSD": (3, 4)}


async def test_a_backup_that_does_not_answer_holds_nothing_up_and_a_provider_does() -> None:
    async with running() as setting:
        setting.kraken._catalogue_error = ConnectFailed("kraken is away")
        stream = await setting.connector.connect_crypto_stream(["BTCUSDT"])
        assert stream.symbols == {"BTCUSDT": (0,)}
        assert setting.notes[0][1]["error"] == "kraken is away"
        setting.mt5._catalogue_error = ConnectFailed("no terminal")
        with pytest.raises(ConnectFailed, match="no terminal"):
            await setting.connector.connect_forex_stream(["EURUSD"])


async def test_a_stream_that_fails_to_begin_leaves_nothing_behind() -> None:
    async with running() as setting:
        with pytest.raises(UnknownInstrument, match="BTCUSDX"):
            await setting.connector.connect_crypto_stream(["BTCUSDT", "BTCUSDX"])
        assert setting.binance.numbers == {}


async def test_the_buffer_size_bounds_what_waits_and_timeframes_make_the_bars() -> None:
    small = AssetClass(provider="binance", symbols=("BTCUSDT",), timeframes=("1m", "H1"), buffer_size=20)
    async with running(crypto_class=small) as setting:
        stream = await setting.connector.connect_crypto_stream([])
        before = len(stream.queue)
        for ts in range(100):
            setting.binance.quote("BTCUSDT", ts, 1, 2)
        assert stream.queue.shed == 100 - (20 - before)
        assert list(stream._intervals) == ["1m", "H1"]
    with pytest.raises(DataError, match="expected a timeframe"):
        Setting(forex=AssetClass(provider="mt5", symbols=(), timeframes=("1M",), buffer_size=1))


RAW = {"e": "trade", "E": 5, "s": "BTCUSDT", "t": 12, "p": "100.01", "q": "0.5", "T": 4, "m": True}


async def test_payloads_of_every_world_become_records() -> None:
    async with running() as setting:
        normalize = setting.connector.normalize_data
        one = await normalize(RAW)
        assert isinstance(one, NormalizedData)
        assert (one.instrument, as_records(one.records)["price"].tolist()) == (crypto("BTCUSDT"), [10_001])
        tick = {"symbol": "USDJPY", "time_msc": 5, "bid": 150.123, "ask": 150.125}
        two = await normalize(tick)
        assert as_records(two.records)[["ts_recv_ns", "price", "x"]].tolist() == [(1_000, 150_123, 150_125)]
        three = await normalize(RAW | {"p": "100.001"})
        kinds = as_records(three.records)["kind"].tolist()
        assert (kinds[0], kinds[-1], three.instrument.price_scale) == (Kind.INSTRUMENT, Kind.PRINT, 3)
        assert (await normalize(RAW)).number == one.number


async def test_a_payload_may_name_its_venue_and_bad_ones_leave_nothing_behind() -> None:
    async with running() as setting:
        normalize = setting.connector.normalize_data
        with pytest.raises(UnknownInstrument):
            await normalize(RAW | {"venue": "nowhere"})
        await setting.connector.connect_crypto_stream(["BTCUSDT"])
        kraken = await normalize({"venue": "ccxt-kraken", "symbol": "BTC/USDT", "bid": "1.5", "ask": "1.6"})
        assert kraken.instrument.venue == "ccxt-kraken"
        with pytest.raises(DecodeError):
            await normalize(RAW | {"p": "100.00001", "q": "x"})
        assert set(as_records((await normalize(RAW)).records)["kind"].tolist()) == {Kind.PRINT}


async def test_symbols_are_validated_from_memory_once_told() -> None:
    async with running() as setting:
        validate = setting.connector.validate_symbol_metadata
        for text, symbol in (("BTC/USDT", "BTCUSDT"), ("EURUSD.pro", "EURUSD.raw"), ("usdjpy", "USDJPY.raw")):
            assert (await validate(text)).instrument.symbol == symbol
        assert (setting.binance.catalogues, setting.mt5.catalogues) == (1, 1)
        with pytest.raises(UnknownInstrument, match="the nearest: binance-spot:BTCUSDT"):
            await validate("BTCUSDQ")
        setting.mt5._catalogue_error = ConnectFailed("away")
        assert (await validate("ETHUSDT")).trade_mode == "full"


async def test_without_any_catalogue_the_failure_is_told() -> None:
    async with running() as setting:
        setting.mt5._catalogue_error = setting.binance._catalogue_error = ConnectFailed("away")
        with pytest.raises(ConnectFailed, match="away"):
            await setting.connector.validate_symbol_metadata("ETHUSDT")


async def test_the_sources_stop_with_the_block() -> None:
    async with running() as setting:
        await setting.connector.connect_forex_stream([])
    assert not setting.mt5.health().connected


async def broken() -> None:
    async with running() as setting:
        setting.binance.fail(IntegrityError("broken"))
        await asyncio.Event().wait()


async def test_errors_of_the_block_leave_it_as_they_are_and_so_do_faults_of_papertape_itself() -> None:
    with pytest.raises(ValueError, match="mine"):
        async with running():
            raise ValueError("mine")
    with pytest.raises(IntegrityError, match="broken"):
        await broken()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01), running():
            await asyncio.sleep(10)


async def test_one_stream_may_carry_every_venue() -> None:
    async with running() as setting:
        stream = await setting.connector.connect_crypto_stream(["BTCUSDT"])
        await stream.subscribe(["binance-usdm:BTC/USDT:USDT", "mt5:EURUSD"])
        assert (setting.usdm.numbers, setting.mt5.numbers) == ({"BTCUSDT": 2}, {"EURUSD.raw": 3})
        setting.usdm.quote("BTCUSDT", 5, 1, 2)
        setting.mt5.quote("EURUSD.raw", 6, 1, 2)
        setting.binance.quote("BTCUSDT", 7, 1, 2)
        await stream.close()
        found = [int(one["instrument"]) async for batch in stream for one in batch.records if one["kind"] == Kind.QUOTE]
        assert found == [2, 3, 0]


async def test_a_symbol_listed_since_is_found_when_the_catalogue_is_old() -> None:
    async with running() as setting:
        with pytest.raises(UnknownInstrument):
            await setting.connector.connect_crypto_stream(["SOLUSDT"])
        setting.binance._instruments["SOLUSDT"] = crypto("SOLUSDT")
        with pytest.raises(UnknownInstrument):
            await setting.connector.validate_symbol_metadata("SOLUSDT")
        assert setting.binance.catalogues == 1
        setting.clock.advance_to(10**12)
        assert (await setting.connector.validate_symbol_metadata("SOLUSDT")).instrument.symbol == "SOLUSDT"
        await setting.connector.connect_crypto_stream(["SOLUSDT"])
        assert setting.binance.catalogues == 2


async def test_health_is_told_by_source() -> None:
    async with running() as setting:
        health = setting.connector.health
        assert list(health) == ["mt5", "spare", "binance", "binance-usdm", "kraken"]
        assert health["mt5"].connected
