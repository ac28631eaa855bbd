"""What the two strategies of the demo do, on a context that only writes down what they ask for."""

from decimal import Decimal
from typing import Any

import pytest

from papertape.core.instruments import Instrument
from papertape.paper_trading.strategy import BarUpdate, KnownOrder, Quote, Side
from papertape.runtime.demo_strategies import FAST, MONEY, QUOTED, SHARE, SLOW, Quoter, Trend, size_for
from tests.binance_frames import instrument

ONE = instrument(lot=5)


class Desk:
    """The part of a context that the strategies use; `held` and `live` are set by a test."""

    symbols = ("ETHUSDT", "BTCUSDT", "SOLUSDT")

    def __init__(self) -> None:
        self.held = 0
        self.live: list[KnownOrder] = []
        self.asked: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **named: self.asked.append((name, *arguments, *named.values()))

    def orders(self, symbol: str | None = None) -> list[KnownOrder]:
        return self.live

    def position_units(self, symbol: str) -> int:
        return self.held

    def taken(self) -> list[tuple[Any, ...]]:
        asked, self.asked = self.asked, []
        return asked


@pytest.fixture
def desk() -> Any:
    return Desk()


def bar(close: int, one: Instrument = ONE) -> BarUpdate:
    """A bar of the middle: it counts half units."""
    price = 2 * close
    return BarUpdate(one, 10**9, 0, price, price, price, price, 0, 0, 1, one.price_scale, True)


def quote(bid: int, ask: int) -> Quote:
    return Quote(ONE, 0, bid, 10, ask, 10)


def order(number: int) -> KnownOrder:
    return KnownOrder(number, "ETHUSDT", Side.BUY, Decimal(1), Decimal(1), Decimal(1), is_working=True)


def test_sizes_are_whole_lots_worth_a_share() -> None:
    price = 2_000 * 10**ONE.price_scale
    size = size_for(ONE, price, SHARE)
    assert size % ONE.lot == 0
    assert size * 2_000 == MONEY // SHARE * 10**ONE.size_scale
    assert size_for(ONE, price + 1, SHARE) % ONE.lot == 0
    assert size_for(ONE, 0, SHARE) > 0, "a price of nothing divides by nothing"


def test_trend_buys_above_its_slow_average_once_and_sells_below(desk: Any) -> None:
    trend = Trend()
    trend.on_start(desk)
    assert desk.taken() == [("subscribe_bars", symbol, "1s") for symbol in desk.symbols]
    trend.on_bar(desk, bar(100_000))
    assert desk.taken() == [], "one bar is no trend"
    trend.on_bar(desk, bar(101_000))
    assert desk.taken() == [("submit_units", "ETHUSDT", Side.BUY, size_for(ONE, 101_000, SHARE))]
    desk.live = [order(1)]
    trend.on_bar(desk, bar(102_000))
    desk.live, desk.held = [], 40
    trend.on_bar(desk, bar(103_000))
    assert desk.taken() == [], "it waits for its order, then holds"
    for _ in range(SLOW):
        trend.on_bar(desk, bar(90_000))
        desk.held = 0 if desk.asked else desk.held
    assert desk.taken()[0] == ("submit_units", "ETHUSDT", Side.SELL, 40)
    assert FAST < SLOW


def test_quoter_follows_the_best_prices(desk: Any) -> None:
    quoter = Quoter()
    quoter.on_start(desk)
    assert [asked[:2] for asked in desk.taken()] == [("subscribe_quotes", symbol) for symbol in desk.symbols[:QUOTED]]
    quoter.on_quote(desk, quote(100_000, 100_010))
    size = size_for(ONE, 100_000, 50)
    buy = ("submit_units", "ETHUSDT", Side.BUY, size, 100_000, "post_only")
    assert desk.taken() == [buy]
    desk.live = [order(1)]
    quoter.on_quote(desk, quote(100_000, 100_010))
    assert desk.taken() == [], "the prices are the same"
    quoter.on_quote(desk, quote(100_001, 100_010))
    assert desk.taken() == [("cancel", 1)]
    desk.live, desk.held = [], size
    quoter.on_quote(desk, quote(100_000, 100_010))
    assert desk.taken() == [buy, ("submit_units", "ETHUSDT", Side.SELL, size, 100_010, "post_only")]
    desk.held = 4 * size
    quoter.on_quote(desk, quote(100_000, 100_010))
    assert [asked[2] for asked in desk.taken()] == [Side.SELL], "it holds enough"
