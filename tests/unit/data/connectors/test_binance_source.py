import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import numpy as np
import pytest

from papertape.core.clock import ManualClock
from papertape.core.errors import RemoteProtocolError, UnknownInstrument
from papertape.core.records import Kind, as_records
from papertape.data.connectors.aiohttp_client import AiohttpClient
from papertape.data.connectors.binance_session import Network
from papertape.data.connectors.binance_source import BinanceSource
from papertape.data.connectors.picows_transport import PicowsTransport
from papertape.data.connectors.ports import Answer
from papertape.data.wire.binance.rules import SPOT
from papertape.runtime.clocks import UtcClock
from papertape.venue.rules import RULES
from papertape.venue.server import running_market

DEADLINE_S = 30


@asynccontextmanager
async def running() -> AsyncIterator[tuple[BinanceSource, Callable[[], np.ndarray]]]:
    """A source over the exchange in a box, at work, and everything that it has delivered."""
    rules = msgspec.structs.replace(RULES["binance-spot"], opening_quiet_s=0.05)
    delivered: list[bytes] = []
    async with (
        running_market(7, ("BTCUSDT", "ETHUSDT"), begin_ns=None, rules=rules) as box,
        AiohttpClient() as http,
        asyncio.TaskGroup() as group,
    ):
        network = Network((box.ws_url,), box.rest_url, PicowsTransport(), http, 30)
        source = BinanceSource(SPOT, network, UtcClock(), lambda *_, **__: None)
        running = group.create_task(source.run(delivered.append))
        yield source, lambda: as_records(b"".join(delivered))
        running.cancel()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.01)


def numbers(found: np.ndarray, kind: Kind) -> set[int]:
    return set(found["instrument"][found["kind"] == kind].tolist())


async def test_a_symbol_comes_goes_and_comes_again_without_touching_the_other() -> None:
    async with running() as (source, delivered):
        infos = await source.catalogue()
        assert {one.instrument.symbol for one in infos} >= {"BTCUSDT", "ETHUSDT"}
        await source.subscribe({"BTCUSDT": 5, "ETHUSDT": 6})
        await until(lambda: numbers(delivered(), Kind.DEPTH_SNAPSHOT) == {5, 6})
        assert source.health().connected
        await source.unsubscribe(["BTCUSDT"])
        count = len(delivered())
        await until(lambda: len(delivered()) > count + 300)
        after = delivered()[count:]
        market = after["instrument"][after["kind"] >= Kind.QUOTE]
        assert set(market.tolist()) == {6}
        assert not after["verdict"].any(), "the other did not lose anything"
        assert Kind.GAP not in after["kind"]
        count = len(delivered())
        await source.subscribe({"BTCUSDT": 5})
        await until(lambda: 5 in numbers(delivered()[count:], Kind.DEPTH_SNAPSHOT))
        assert 5 in numbers(delivered()[count:], Kind.GAP)
        health = source.health()
        assert (health.reconnects, health.trouble) == (0, "")
        assert health.records == len(delivered())


async def test_a_book_is_told_anew_on_request() -> None:
    async with running() as (source, delivered):
        await source.catalogue()
        await source.subscribe({"BTCUSDT": 5})
        await until(lambda: 5 in numbers(delivered(), Kind.DEPTH_DELTA) & numbers(delivered(), Kind.DEPTH_SNAPSHOT))
        count = len(delivered())
        source.resync(["BTCUSDT", "NEVER"])
        await until(lambda: 5 in numbers(delivered()[count:], Kind.DEPTH_SNAPSHOT))
        assert delivered()[count]["kind"] == Kind.GAP


async def test_what_is_subscribed_to_before_the_run_waits_for_it() -> None:
    async with running() as (source, _delivered):
        with pytest.raises(UnknownInstrument, match="binance-spot does not list BTCUSDT"):
            await source.subscribe({"BTCUSDT": 1})
        await source.catalogue()
        other = BinanceSource(SPOT, source._network, UtcClock(), lambda *_, **__: None)
        await other.catalogue()
        await other.subscribe({"ETHUSDT": 3})
        assert not other.health().connected
        found: list[bytes] = []
        for _ in range(2):
            async with asyncio.TaskGroup() as group:
                task = group.create_task(other.run(found.append))
                await until(lambda: 3 in numbers(as_records(b"".join(found)), Kind.QUOTE))
                task.cancel()
            assert not other.health().connected
            found.clear()


class Refusing:
    """An HTTP client of a venue that answers everything with one status and body."""

    def __init__(self, status: int, body: bytes) -> None:
        self.answer = Answer(status, body, None)

    async def get(self, url: str, query: dict[str, str]) -> Answer:
        return self.answer


def over(http: Refusing, notes: list[str]) -> BinanceSource:
    network = Network(("ws://venue",), "http://venue", PicowsTransport(), http, 30)
    return BinanceSource(SPOT, network, ManualClock(), lambda text, **_: notes.append(text))


async def test_a_venue_that_does_not_tell_is_named() -> None:
    with pytest.raises(RemoteProtocolError, match=r"binance-spot: expected exchangeInfo of http://venue, was .*451"):
        await over(Refusing(451, b"{}"), []).catalogue()


async def test_symbols_that_cannot_be_listed_are_left_out_and_halted_ones_told() -> None:
    filters = [{"filterType": "PRICE_FILTER", "tickSize": "0.01"}]
    absurd = [{"filterType": "PRICE_FILTER", "tickSize": "1" + "0" * 18}]
    symbols = [
        {"symbol": "AUSDT", "status": "BREAK", "baseAsset": "A", "quoteAsset": "USDT", "filters": filters},
        {"symbol": "BUSDT", "status": "TRADING", "baseAsset": "B", "quoteAsset": "USDT", "filters": absurd},
    ]
    notes: list[str] = []
    (info,) = await over(Refusing(200, msgspec.json.encode({"symbols": symbols})), notes).catalogue()
    assert (info.instrument.symbol, info.trade_mode) == ("AUSDT", "disabled")
    assert notes == ["symbol cannot be listed"]
