import asyncio
import importlib.util
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest

from papertape.core.errors import ConfigError, ConnectFailed, UnknownInstrument
from papertape.core.records import Kind, as_records
from papertape.data.connectors.ccxt_connector import CcxtSource, exact_number, in_base_units
from papertape.runtime.clocks import UtcClock
from papertape.venue.rules import RULES
from papertape.venue.server import RunningVenue, running_market

DEADLINE_S = 60
needs_ccxt = pytest.mark.skipif(
    importlib.util.find_spec("ccxt") is None, reason="the package ccxt, an extra, is not installed"
)


def settings_for(box: RunningVenue) -> dict[str, Any]:
    """What makes ccxt's binance speak to the exchange in a box."""
    return {
        "aiohttp_trust_env": False,
        "enableRateLimit": False,
        "has": {"fetchCurrencies": False},
        "options": {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False},
        "urls": {"api": {"public": f"{box.rest_url}/api/v3", "ws": {"spot": f"{box.ws_url}/ws"}}},
    }


class Setting:
    def __init__(self, box: RunningVenue) -> None:
        self.box = box
        self.notes: list[tuple[str, dict[str, Any]]] = []
        self.source = CcxtSource("binance", UtcClock(), self.note, settings_for(box))
        self.batches: list[bytes] = []

    def note(self, text: str, **more: Any) -> None:
        self.notes.append((text, more))

    def found(self) -> np.ndarray:
        return as_records(b"".join(self.batches))

    def numbers(self, kind: Kind, since: int = 0) -> set[int]:
        found = self.found()[since:]
        return set(found["instrument"][found["kind"] == kind].tolist())


@asynccontextmanager
async def running() -> AsyncIterator[Setting]:
    rules = msgspec.structs.replace(RULES["binance-spot"], opening_quiet_s=0.05)
    async with running_market(7, ("BTCUSDT", "ETHUSDT"), begin_ns=None, rules=rules) as box:
        setting = Setting(box)
        await setting.source.catalogue()
        before = asyncio.all_tasks()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(setting.source.run(setting.batches.append))
            yield setting
            task.cancel()
        left = [
            one
            for one in asyncio.all_tasks() - before
            if "aiohttp.server" not in repr(one) and "venue" not in repr(one)
        ]
        assert left == [], "a task has leaked"
        assert not setting.source.health().connected


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.01)


@needs_ccxt
async def test_the_markets_are_instruments_with_the_venues_rules() -> None:
    rules = msgspec.structs.replace(RULES["binance-spot"], opening_quiet_s=0.05)
    async with running_market(7, ("BTCUSDT", "ETHUSDT"), begin_ns=None, rules=rules) as box:
        before = asyncio.all_tasks()
        infos = await Setting(box).source.catalogue()
        (btc,) = [one.instrument for one in infos if one.instrument.symbol == "BTC/USDT"]
        assert (btc.venue, btc.base, btc.quote, btc.price_scale, btc.size_scale) == (
            "ccxt-binance",
            "BTC",
            "USDT",
            2,
            5,
        )
        assert (btc.tick, btc.lot, btc.min_size, btc.min_notional) == (1, 1, 1, 5 * 10**7)
        assert not [one for one in asyncio.all_tasks() - before if "ccxt" in repr(one)]


@needs_ccxt
async def test_trades_quotes_and_books_come_exactly_and_go() -> None:
    async with running() as setting:
        await setting.source.subscribe({"BTC/USDT": 4, "ETH/USDT": 5})
        for kind in (Kind.INSTRUMENT, Kind.QUOTE, Kind.PRINT, Kind.DEPTH_PARTIAL):
            await until(lambda: setting.numbers(kind) == {4, 5})
        assert setting.source.health().connected
        found = setting.found()
        assert not found["verdict"].any()
        prints = found[(found["kind"] == Kind.PRINT) & (found["instrument"] == 4)]
        assert np.diff(prints["id"]).tolist() == [1] * (len(prints) - 1), "no trade lost or doubled"
        assert set((found["kind"] == Kind.INSTRUMENT).nonzero()[0].tolist()), "listed before the first record"
        await setting.source.unsubscribe(["BTC/USDT"])
        since = len(setting.found())
        await until(lambda: len(setting.found()) > since + 50)
        assert setting.numbers(Kind.QUOTE, since) | setting.numbers(Kind.PRINT, since) == {5}
        assert setting.notes == []
        await setting.source.subscribe({"BTC/USDT": 4})
        await until(lambda: 4 in setting.numbers(Kind.DEPTH_PARTIAL, since) & setting.numbers(Kind.PRINT, since))
        assert 4 in setting.numbers(Kind.GAP, since), "what was missed in between is told"


@needs_ccxt
async def test_the_numbers_are_those_that_the_venue_sent() -> None:
    """Prints by ccxt against prints of our own decoder: the same ids have the same price and size."""
    from papertape.data.connectors.aiohttp_client import AiohttpClient
    from papertape.data.connectors.binance_session import Network
    from papertape.data.connectors.binance_source import BinanceSource
    from papertape.data.connectors.picows_transport import PicowsTransport
    from papertape.data.wire.binance.rules import SPOT

    async with running() as setting, AiohttpClient() as http, asyncio.TaskGroup() as group:
        network = Network((setting.box.ws_url,), setting.box.rest_url, PicowsTransport(), http, 30)
        own = BinanceSource(SPOT, network, UtcClock(), lambda *_, **__: None)
        ours: list[bytes] = []
        await own.catalogue()
        task = group.create_task(own.run(ours.append))
        await own.subscribe({"BTCUSDT": 4})
        await setting.source.subscribe({"BTC/USDT": 4})

        def both() -> tuple[dict[int, tuple[int, ...]], dict[int, tuple[int, ...]]]:
            sides = []
            for found in (setting.found(), as_records(b"".join(ours))):
                prints = found[found["kind"] == Kind.PRINT]
                sides.append({one[-1]: (one[0], one[3], *one[6:8]) for one in prints.tolist()})
            return sides[0], sides[1]

        await until(lambda: len(both()[0].keys() & both()[1].keys()) >= 30)
        theirs, own_prints = both()
        assert [theirs[n] for n in theirs if n in own_prints] == [own_prints[n] for n in theirs if n in own_prints]
        task.cancel()


@needs_ccxt
async def test_a_venue_that_goes_away_is_a_gap_and_comes_back_by_itself() -> None:
    rules = msgspec.structs.replace(RULES["binance-spot"], opening_quiet_s=0.05)
    async with running_market(7, ("BTCUSDT",), begin_ns=None, rules=rules) as box:
        setting = Setting(box)
        await setting.source.catalogue()
        port = box.port
        async with asyncio.TaskGroup() as group:
            task = group.create_task(setting.source.run(setting.batches.append))
            await setting.source.subscribe({"BTC/USDT": 4})
            await until(lambda: 4 in setting.numbers(Kind.PRINT))
            await box.stop()
            await until(lambda: 4 in setting.numbers(Kind.GAP))
            since = len(setting.found())
            async with running_market(8, ("BTCUSDT",), begin_ns=None, rules=rules, port=port):
                await until(lambda: 4 in setting.numbers(Kind.PRINT, since) & setting.numbers(Kind.QUOTE, since))
            assert setting.source.health().reconnects >= 1
            assert "ccxt-binance: watch" in setting.source.health().trouble
            task.cancel()


@needs_ccxt
async def test_errors_are_ours_and_name_the_venue() -> None:
    nowhere = {"urls": {"api": {"public": "http://127.0.0.1:9/api/v3"}}, "has": {"fetchCurrencies": False}}
    nowhere |= {"aiohttp_trust_env": False, "options": {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False}}
    source = CcxtSource("binance", UtcClock(), lambda *_, **__: None, nowhere)
    with pytest.raises(ConnectFailed, match="ccxt-binance: load_markets: "):
        await source.catalogue()
    with pytest.raises(UnknownInstrument, match="ccxt-binance does not list BTC/USDT"):
        await source.subscribe({"BTC/USDT": 1})
    with pytest.raises(ConfigError, match="no exchange called 'nasdaq'"):
        await CcxtSource("nasdaq", UtcClock(), lambda *_, **__: None).catalogue()


async def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("papertape.data.connectors.ccxt_connector.importlib.import_module", absent)
    with pytest.raises(ConfigError, match=r"ccxt:kraken needs the package ccxt.*papertape\[ccxt\]"):
        await CcxtSource("kraken", UtcClock(), lambda *_, **__: None).catalogue()


def test_amounts_in_contracts_become_amounts_of_the_base_currency() -> None:
    contract = Decimal("0.01")
    assert in_base_units({"price": "5", "amount": "7"}, contract) == {"price": "5", "amount": Decimal("0.07")}
    book = in_base_units({"bids": [[1, 2.5]], "asks": [], "symbol": "X"}, contract)
    assert book == {"bids": [(1, Decimal("0.025"))], "asks": [], "symbol": "X"}
    assert in_base_units({"bid": "1", "bidVolume": None}, contract) == {"bid": "1", "bidVolume": None}


def test_ccxts_own_reading_of_numbers_is_exact() -> None:
    assert exact_number(["0.1", "123456789.123456789"], 1) == Decimal("123456789.123456789")
    assert exact_number({"a": None}, "a", 5) == 5
    assert exact_number([], 0) is None
    assert exact_number({"a": "x"}, "a") is None
