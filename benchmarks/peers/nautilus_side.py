"""nautilus_trader's side of strategies.py, run by the Python of .bench-peers: `nautilus_side.py QUOTES.npy CASE`.

CASE is `bars`, `callback` or `requote`. The quotes are objects of its own before the clock starts; the clock stands
around BacktestEngine.run, without logs and without the analysis after the run. No latency, no fees, default fill model.
"""

import sys
import time
from decimal import Decimal
from typing import Any

import numpy as np
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.currencies import ETH, USDT
from nautilus_trader.model.data import Bar, BarType, QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide, TimeInForce
from nautilus_trader.model.identifiers import InstrumentId, Venue
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy
from side import LOT, PRICE_DECIMALS, REQUOTE_EVERY, SIZE_DECIMALS, TICK, TICKS_BELOW, answer

INSTRUMENT = InstrumentId.from_str("ETHUSDT.BINANCE")
BAR_TYPE = BarType.from_str(f"{INSTRUMENT}-1-MINUTE-BID-INTERNAL")
ROUNDS = 3
ONE_LOT = Quantity(LOT, SIZE_DECIMALS)


class Bars(Strategy):
    """Buys a lot at market when a minute closes higher than the one before, sells it when one closes lower."""

    def on_start(self) -> None:
        self.seen = 0
        self.bars: list[Bar] = []
        self.subscribe_bars(BAR_TYPE)

    def on_bar(self, bar: Bar) -> None:
        self.bars.append(bar)
        if len(self.bars) == 1:
            return
        before = self.bars[-2].close
        if bar.close > before and self.portfolio.is_flat(INSTRUMENT):
            self.submit_order(self.order_factory.market(INSTRUMENT, OrderSide.BUY, ONE_LOT))
        elif bar.close < before and self.portfolio.is_net_long(INSTRUMENT):
            self.submit_order(self.order_factory.market(INSTRUMENT, OrderSide.SELL, ONE_LOT))


class Callback(Strategy):
    """Counts the quotes."""

    def on_start(self) -> None:
        self.seen = 0
        self.bars: list[Bar] = []
        self.subscribe_quote_ticks(INSTRUMENT)

    def on_quote_tick(self, _: QuoteTick) -> None:
        self.seen += 1


class Requote(Callback):
    """At every hundredth quote takes back what still rests of its buy order and places a new one below the best bid."""

    order: Any = None

    def on_quote_tick(self, tick: QuoteTick) -> None:
        self.seen += 1
        if self.seen % REQUOTE_EVERY:
            return
        if self.order is not None and self.order.is_open:
            self.cancel_order(self.order)
        price = Price(tick.bid_price.as_double() - TICKS_BELOW * TICK, PRICE_DECIMALS)
        self.order = self.order_factory.limit(
            INSTRUMENT, OrderSide.BUY, ONE_LOT, price, time_in_force=TimeInForce.GTC, post_only=True
        )
        self.submit_order(self.order)


STRATEGIES = {"bars": Bars, "callback": Callback, "requote": Requote}


def instrument() -> CryptoPerpetual:
    return CryptoPerpetual(
        instrument_id=INSTRUMENT,
        raw_symbol=INSTRUMENT.symbol,
        base_currency=ETH,
        quote_currency=USDT,
        settlement_currency=USDT,
        is_inverse=False,
        price_precision=PRICE_DECIMALS,
        size_precision=SIZE_DECIMALS,
        price_increment=Price(TICK, PRICE_DECIMALS),
        size_increment=ONE_LOT,
        margin_init=Decimal("0.01"),
        margin_maint=Decimal("0.005"),
        maker_fee=Decimal(0),
        taker_fee=Decimal(0),
        ts_event=0,
        ts_init=0,
    )


def ticks_of(quotes: np.ndarray) -> list[QuoteTick]:
    prices = [quotes[name] / 10**PRICE_DECIMALS for name in ("bid", "ask")]
    sizes = [quotes[name] / 10**SIZE_DECIMALS for name in ("bid_size", "ask_size")]
    times = quotes["time_ns"].astype(np.uint64)
    return QuoteTick.from_raw_arrays_to_list(INSTRUMENT, PRICE_DECIMALS, SIZE_DECIMALS, *prices, *sizes, times, times)


def run(ticks: list[QuoteTick], case: str) -> tuple[float, Any, list[Any]]:
    """Seconds, the strategy after its run, and its orders."""
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False))
    engine.add_venue(Venue("BINANCE"), OmsType.NETTING, AccountType.MARGIN, [Money(1_000_000, USDT)])
    engine.add_instrument(instrument())
    engine.add_data(ticks)
    strategy = STRATEGIES[case]()
    engine.add_strategy(strategy)
    began = time.perf_counter()
    engine.run()
    seconds = time.perf_counter() - began
    orders = engine.cache.orders()
    engine.dispose()
    return seconds, strategy, orders


def main() -> None:
    ticks, case = ticks_of(np.load(sys.argv[1], mmap_mode="r")), sys.argv[2]
    rounds = [run(ticks, case) for _ in range(ROUNDS)]
    _, strategy, orders = rounds[-1]
    lots = [(1 if order.side == OrderSide.BUY else -1) * round(float(order.filled_qty) / LOT) for order in orders]
    answer(
        min(seconds for seconds, *_ in rounds),
        [[round(float(price) / TICK) for price in (bar.open, bar.high, bar.low, bar.close)] for bar in strategy.bars],
        seen=strategy.seen,
        orders=len(orders),
        fills=sum(size != 0 for size in lots),
        position=sum(lots),
        cash=-sum(size * round(order.avg_px / TICK) for size, order in zip(lots, orders, strict=True) if size),
    )


main()
