"""The front door to all venues over real sockets of the exchange in a box: streams, subscriptions, switches."""

import asyncio
import importlib.util
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec
import numpy as np
import pytest

from papertape.core.errors import ConnectFailed, InputError, UnknownInstrument
from papertape.core.records import Kind, Verdict
from papertape.data.connectors.aiohttp_client import AiohttpClient
from papertape.data.connectors.binance_session import Network
from papertape.data.connectors.binance_source import BinanceSource
from papertape.data.connectors.ccxt_connector import CcxtSource
from papertape.data.connectors.picows_transport import PicowsTransport
from papertape.data.multi_asset_connector import AssetClass, MultiAssetConnector
from papertape.data.quality.rivals import RivalRules
from papertape.data.record_stream import RecordStream
from papertape.data.wire.binance.rules import VENUES, Rules
from papertape.data.wire.failover import SwitchRule
from papertape.runtime.clocks import UtcClock
from papertape.runtime.sources import binance_source
from papertape.tape.market_writer import MarketWriter
from papertape.tape.verify import verify_tape
from papertape.venue.rules import RULES, VenueName
from papertape.venue.server import RunningVenue, running_market
from tests.made_source import MadeSource, fx

DEADLINE_S = 30
SYMBOLS = ("BTCUSDT", "ETHUSDT", "ADAUSDT")
FOREX = AssetClass(provider="mt5", symbols=("EURUSD",), buffer_size=10_000)
CRYPTO = AssetClass(provider="binance", symbols=("BTCUSDT",), buffer_size=100_000)


@asynccontextmanager
async def box_and_source(venue: VenueName = "binance-spot") -> AsyncIterator[tuple[RunningVenue, BinanceSource]]:
    rules = msgspec.structs.replace(RULES[venue], opening_quiet_s=0.05)
    async with running_market(7, SYMBOLS, venue, begin_ns=None, rules=rules) as box, AiohttpClient() as http:
        network = Network((box.ws_url,), box.rest_url, PicowsTransport(), http, 30)
        yield box, BinanceSource(VENUES[venue], network, UtcClock(), lambda *_, **__: None)


async def read_until(
    stream: RecordStream, done: Callable[[np.ndarray], bool], keep: Callable[[bytes], object] = len
) -> np.ndarray:
    """Everything that the stream gives until `done` says so of all of it; `keep` is handed each batch."""
    parts = []
    async with asyncio.timeout(DEADLINE_S):
        async for batch in stream:
            parts.append(batch.records)
            keep(batch.records.tobytes())
            found = np.concatenate(parts)
            if done(found):
                return found
    raise AssertionError("the stream ended")


def numbers_of(found: np.ndarray, kind: Kind) -> set[int]:
    return set(found["instrument"][found["kind"] == kind].tolist())


@pytest.mark.parametrize("venue", ["binance-spot", "binance-usdm"])
async def test_quotes_prints_and_a_book_come_from_real_sockets(venue: VenueName) -> None:
    async with box_and_source(venue) as (_, source):
        sources = {"binance": source, "mt5": MadeSource("mt5", [fx("EURUSD.raw")])}
        async with MultiAssetConnector(sources, FOREX, CRYPTO, UtcClock(), lambda *_, **__: None) as connector:
            stream = await connector.connect_crypto_stream(["btc-usdt" if venue == "binance-spot" else "BTC/USDT:USDT"])
            wanted = {Kind.INSTRUMENT, Kind.QUOTE, Kind.PRINT, Kind.DEPTH_SNAPSHOT, Kind.DEPTH_DELTA}
            found = await read_until(stream, lambda found: wanted <= set(found["kind"].tolist()))
            assert found["kind"][0] == Kind.INSTRUMENT
            assert [one.symbol for one in stream.instruments.values()] == ["BTCUSDT"]
            assert not found["verdict"].any()


async def test_symbols_come_and_go_while_the_stream_runs() -> None:
    async with box_and_source() as (_box, source):
        sources = {"binance": source, "mt5": MadeSource("mt5", [fx("EURUSD.raw")])}
        async with MultiAssetConnector(sources, FOREX, CRYPTO, UtcClock(), lambda *_, **__: None) as connector:
            stream = await connector.connect_crypto_stream([])
            await read_until(stream, lambda found: numbers_of(found, Kind.QUOTE) == {0})
            await stream.subscribe(["ETH/USDT"])
            await read_until(stream, lambda found: numbers_of(found, Kind.QUOTE) == {0, 1})
            await stream.unsubscribe(["BTCUSDT"])
            left = len(stream.queue)
            found = await read_until(stream, lambda found: len(found) > left + 200)
            assert 0 not in numbers_of(found[left:], Kind.QUOTE)
            with pytest.raises(InputError, match="expected a symbol of this stream"):
                await stream.unsubscribe(["BTCUSDT"])
            await stream.subscribe(["BTCUSDT"])
            found = await read_until(stream, lambda found: 0 in numbers_of(found, Kind.DEPTH_SNAPSHOT))
            assert 0 in numbers_of(found, Kind.GAP), "what was missed in between is told"


async def test_one_stream_holds_no_more_connections_than_its_symbols_need() -> None:
    async with box_and_source() as (_box, source):
        sources = {"binance": source, "mt5": MadeSource("mt5", [fx("EURUSD.raw")])}
        async with MultiAssetConnector(sources, FOREX, CRYPTO, UtcClock(), lambda *_, **__: None) as connector:
            one = await connector.connect_crypto_stream(["BTCUSDT"])
            two = await connector.connect_crypto_stream(["BTCUSDT"])
            await read_until(one, lambda found: numbers_of(found, Kind.QUOTE) == {0})
            await read_until(two, lambda found: numbers_of(found, Kind.DEPTH_SNAPSHOT) == {0})
            assert source.health().connected
            await one.close()
            await read_until(two, lambda found: len(found) > 500)
            await two.close()
            assert not source.health().connected


async def test_errors_name_what_is_wrong_and_what_is_near() -> None:
    async with box_and_source() as (_, source):
        forex = MadeSource("mt5", [fx("EURUSD.raw")], catalogue_error=ConnectFailed("no terminal"))
        sources = {"binance": source, "mt5": forex}
        async with MultiAssetConnector(sources, FOREX, CRYPTO, UtcClock(), lambda *_, **__: None) as connector:
            with pytest.raises(UnknownInstrument, match="binance-spot:BTCUSDT"):
                await connector.connect_crypto_stream(["BTCUSDC"])
            with pytest.raises(ConnectFailed, match="no terminal"):
                await connector.connect_forex_stream(["EURUSD"])
            info = await connector.validate_symbol_metadata("eth/usdt")
            assert (info.instrument.symbol, info.instrument.price_scale) == ("ETHUSDT", 2)


async def test_a_venue_that_goes_away_is_replaced_by_the_backup_and_returned_to(tmp_path: Path) -> None:
    """Two markets with one seed; the provider's server stops and starts again on the same port; all of it is a tape."""
    rules = msgspec.structs.replace(RULES["binance-spot"], opening_quiet_s=0.05)
    other = msgspec.structs.replace(VENUES["binance-spot"], venue="other")
    switch = RivalRules(switch=SwitchRule(stale_ns=500_000_000, return_ns=500_000_000))
    crypto = AssetClass(provider="binance", symbols=("BTCUSDT",), buffer_size=100_000, backups=("other",))
    clock = UtcClock()

    def to(box: RunningVenue, market: Rules) -> BinanceSource:
        return binance_source(
            market, http, clock, lambda *_, **__: None, 30, ws_urls=(box.ws_url,), rest_url=box.rest_url
        )

    def market(port: int = 0) -> AbstractAsyncContextManager[RunningVenue]:
        return running_market(7, SYMBOLS, begin_ns=None, rules=rules, port=port)

    writer = MarketWriter.open(tmp_path)
    async with AsyncExitStack() as stack, market() as backup, AiohttpClient() as http:
        box = await stack.enter_async_context(market())
        sources = {"binance": to(box, VENUES["binance-spot"]), "other": to(backup, other)}
        connector = MultiAssetConnector(sources, FOREX, crypto, clock, lambda *_, **__: None, switch)
        async with connector:
            stream = await connector.connect_crypto_stream([])
            await read_until(stream, lambda found: numbers_of(found, Kind.DEPTH_SNAPSHOT) == {0, 1}, writer.append)
            assert stream.current("BTCUSDT") == 0
            port = box.port
            await stack.aclose()
            found = await read_until(stream, lambda found: Kind.SOURCE in found["kind"], writer.append)
            assert stream.current("BTCUSDT") == 1
            assert Kind.GAP in found["kind"], "the loss itself is told too"
            async with market(port):
                await read_until(stream, lambda found: Kind.SOURCE in found["kind"], writer.append)
                assert stream.current("BTCUSDT") == 0
    writer.close()
    report = verify_tape(tmp_path)
    assert (report.findings, report.records > 1_000) == ([], True)
    replay = await asyncio.create_subprocess_exec(sys.executable, "-m", "papertape", "replay", str(tmp_path), "--json")
    assert await replay.wait() == 0


@pytest.mark.skipif(importlib.util.find_spec("ccxt") is None, reason="the package ccxt, an extra, is not installed")
async def test_ccxt_stands_beside_our_own_connector_and_says_the_same() -> None:
    crypto = AssetClass(provider="binance", symbols=("BTCUSDT",), buffer_size=100_000, backups=("ccxt:binance",))
    async with box_and_source() as (box, source):
        settings = {
            "aiohttp_trust_env": False,
            "has": {"fetchCurrencies": False},
            "options": {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False},
            "urls": {"api": {"public": f"{box.rest_url}/api/v3", "ws": {"spot": f"{box.ws_url}/ws"}}},
        }
        beside = CcxtSource("binance", UtcClock(), lambda *_, **__: None, settings)
        sources = {"binance": source, "ccxt:binance": beside}
        async with MultiAssetConnector(sources, FOREX, crypto, UtcClock(), lambda *_, **__: None) as connector:
            stream = await connector.connect_crypto_stream([])
            assert len(stream.symbols["BTCUSDT"]) == 2

            def is_enough(found: np.ndarray) -> bool:
                quotes = found["kind"] == Kind.QUOTE
                return all(np.count_nonzero(quotes & (found["instrument"] == number)) > 100 for number in (0, 1))

            found = await read_until(stream, is_enough)
            assert not (found["verdict"] & Verdict.DIVERGENT).any()
            assert stream.current("BTCUSDT") == 0
