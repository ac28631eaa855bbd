"""The front door over real sockets, against the exchange in a box with a made market."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from papertape.core.book.rows import Market
from papertape.core.errors import DecodeError, InputError
from papertape.core.records import Kind
from papertape.data.connectors.aiohttp_client import AiohttpClient
from papertape.data.connectors.binance_connector import BinanceConnector
from papertape.data.connectors.binance_session import Network
from papertape.data.connectors.picows_transport import PicowsTransport
from papertape.data.connectors.record_stream import Policy
from papertape.data.wire.binance.rules import SPOT
from papertape.runtime.clocks import UtcClock
from papertape.venue.server import running_market

DEADLINE_S = 30


@asynccontextmanager
async def connector_to_a_box(**more: Any) -> AsyncIterator[BinanceConnector]:
    async with running_market(7, ["BTCUSDT", "ETHUSDT"], speed=5) as box, AiohttpClient() as http:
        network = Network((box.ws_url,), box.rest_url, PicowsTransport(), http, 30)
        async with BinanceConnector(SPOT, network, UtcClock().now_ns, **more) as connector:
            yield connector


async def test_a_stream_brings_judged_records_of_every_symbol_and_books_follow_from_them() -> None:
    market = Market()
    kinds: set[int] = set()
    async with asyncio.timeout(DEADLINE_S), connector_to_a_box() as connector:
        stream = await connector.connect_websocket_stream(["btcusdt", "ETHUSDT"])
        async for records in stream:
            market.apply(records.tobytes())
            kinds |= set(records["kind"].tolist())
            if {Kind.QUOTE, Kind.PRINT} <= kinds and market.synced and market.counts().book_checks > 20:
                break
        await stream.aclose()
    assert {book.instrument.symbol for book in market.books.values()} == {"BTCUSDT", "ETHUSDT"}
    assert market.counts().book_mismatches == 0


async def test_a_book_comes_as_deep_as_asked() -> None:
    async with asyncio.timeout(DEADLINE_S), connector_to_a_box() as connector:
        books = await connector.subscribe_orderbook("BTCUSDT", 7)
        seen = [await anext(books) for _ in range(3)]
        assert [book.update_id for book in seen] == sorted({book.update_id for book in seen})
        for book in seen:
            assert book.symbol == "BTCUSDT"
            assert len(book.bids) == len(book.asks) == 7
            assert book.bids == sorted(book.bids, reverse=True)
            assert book.bids[0][0] < book.asks[0][0]
        with pytest.raises(InputError, match="at least 1"):
            await connector.subscribe_orderbook("BTCUSDT", 0)


async def test_the_weight_that_was_used_is_the_venues_count() -> None:
    async with asyncio.timeout(DEADLINE_S), connector_to_a_box() as connector:
        before = await connector.handle_rate_limits()
        assert (before.used, before.is_banned, before.wait_s) == (0, False, 0)
        await anext(await connector.subscribe_orderbook("BTCUSDT", 1))
        after = await connector.handle_rate_limits()
    assert after.used + before.usable - after.usable >= 20 + 250, "exchangeInfo and a whole book"
    assert 0 < after.resets_in_s <= 60


async def test_what_is_no_symbol_is_refused() -> None:
    async with asyncio.timeout(DEADLINE_S), connector_to_a_box() as connector:
        for symbols in ([], [" "], ["NOSUCHUSDT"]):
            with pytest.raises(InputError):
                await connector.connect_websocket_stream(symbols)
    with pytest.raises(InputError, match="conflate"):
        async with connector_to_a_box(policy=Policy.CONFLATE):
            pass


def kline() -> dict[str, Any]:
    bar = {"t": 1653818760000, "T": 1653818819999, "s": "BTCUSDT", "i": "1m", "f": 1, "L": 31, "o": "29038.46000000"}
    bar |= {"c": "29038.47", "h": "29038.50", "l": "29038.40", "v": "0.20926", "n": 31, "x": True, "q": "6076.58918320"}
    bar |= {"V": "0.10436", "Q": "3030.45472920", "B": "0"}
    return {"e": "kline", "E": 1653818820001, "s": "BTCUSDT", "k": bar}


async def test_a_kline_is_told_in_its_frame_or_bare() -> None:
    async with connector_to_a_box() as connector:
        one = await connector.process_kline_data(kline())
        assert one == await connector.process_kline_data({"stream": "btcusdt@kline_1m", "data": kline()})
        assert (one.symbol, one.interval, one.open_time_ns) == ("BTCUSDT", "1m", 1653818760000 * 1_000_000)
        assert (one.open, one.quote_volume) == (Decimal("29038.46"), Decimal("6076.5891832"))
        assert (one.trades, one.is_closed) == (31, True)
        for wrong in (
            {},
            {"k": {}},
            kline() | {"k": kline()["k"] | {"o": "1e5"}},
            kline() | {"k": kline()["k"] | {"i": "2m"}},
        ):
            with pytest.raises(DecodeError):
                await connector.process_kline_data(wrong)
