"""hftbacktest's side of strategies.py, run by the Python of .bench-peers: `hftbacktest_strategy_side.py EVENTS.npy CASE`.

CASE is `bars`, `callback`, `requote`, or `steps-N`: the strategy on bars that looks every N seconds, which misses
highs and lows. No latency, no fees, no partial fills. Compilation, which every process pays, is timed apart.
"""

import sys
import time
from typing import Any

import numpy as np
from hftbacktest import GTC, GTX, LIMIT, MARKET, ROIVectorMarketDepthBacktest
from hftbacktest_asset import plain_asset
from numba import njit
from side import LOT, MINUTE_NS, REQUOTE_EVERY, TICK, TICKS_BELOW, answer

FOR_EVER_NS = 10**18
TIMEOUT, END_OF_DATA, FEED = 0, 1, 2
ROUNDS = 3
OPEN, HIGH, LOW, CLOSE = 0, 1, 2, 3
SECOND_NS = 1_000_000_000


@njit
def trade(backtest: Any, bars: Any, count: int) -> int:
    """The rule on closed bars; the number of orders sent."""
    if count < 2 or bars[count - 1, CLOSE] == bars[count - 2, CLOSE]:
        return 0
    higher, flat = bars[count - 1, CLOSE] > bars[count - 2, CLOSE], backtest.position(0) < LOT / 2
    if higher and flat:
        backtest.submit_buy_order(0, count, backtest.depth(0).best_ask, LOT, GTC, MARKET, False)
    elif not higher and not flat:
        backtest.submit_sell_order(0, count, backtest.depth(0).best_bid, LOT, GTC, MARKET, False)
    else:
        return 0
    backtest.clear_inactive_orders(0)
    return 1


@njit
def look(bars: Any, count: int, bid: int) -> None:
    """Take a best bid into the bar that is being built."""
    if bars[count, OPEN] == 0:
        bars[count] = bid
    bars[count, HIGH] = max(bars[count, HIGH], bid)
    bars[count, LOW] = min(bars[count, LOW], bid)
    bars[count, CLOSE] = bid


@njit
def on_bars(backtest: Any, bars: Any) -> tuple[int, int, int]:
    """Wake at every quote and at every full minute; quotes seen, bars closed, orders sent."""
    seen = count = orders = 0
    code = backtest.wait_next_feed(False, FOR_EVER_NS)
    close_ns = (backtest.current_timestamp // MINUTE_NS + 1) * MINUTE_NS
    while True:
        if code == TIMEOUT:
            count += 1
            orders += trade(backtest, bars, count)
            close_ns += MINUTE_NS
        else:
            seen += 1
            look(bars, count, backtest.depth(0).best_bid_tick)
            if code != FEED:
                return seen, count, orders
        code = backtest.wait_next_feed(False, close_ns - backtest.current_timestamp)


@njit
def on_steps(backtest: Any, bars: Any, step_ns: int) -> tuple[int, int, int]:
    """Wake at every full step only; no quotes counted, bars closed, orders sent."""
    count = orders = 0
    code = backtest.wait_next_feed(False, FOR_EVER_NS)
    look(bars, count, backtest.depth(0).best_bid_tick)
    while True:
        code = backtest.elapse(step_ns - backtest.current_timestamp % step_ns)
        if code == END_OF_DATA:
            return 0, count, orders
        look(bars, count, backtest.depth(0).best_bid_tick)
        if backtest.current_timestamp % MINUTE_NS == 0:
            count += 1
            orders += trade(backtest, bars, count)


@njit
def on_quotes(backtest: Any) -> tuple[int, int, int]:
    """Count the quotes. The last one comes together with the end of the data."""
    seen = 1
    while backtest.wait_next_feed(False, FOR_EVER_NS) == FEED:
        seen += 1
    return seen, 0, 0


@njit
def requote(backtest: Any) -> tuple[int, int, int]:
    """At every hundredth quote take back what still rests and place a new buy order below the best bid."""
    seen = orders = 0
    code = FEED
    while code == FEED:
        code = backtest.wait_next_feed(False, FOR_EVER_NS)
        seen += 1
        if seen % REQUOTE_EVERY == 0:
            backtest.clear_inactive_orders(0)
            before = backtest.orders(0).get(orders)
            if before is not None and before.cancellable:
                backtest.cancel(0, orders, False)
            orders += 1
            price = (backtest.depth(0).best_bid_tick - TICKS_BELOW) * TICK
            backtest.submit_buy_order(0, orders, price, LOT, GTX, LIMIT, False)
    return seen, 0, orders


def started(events: np.ndarray) -> Any:
    prices = events["px"]
    asset = plain_asset(events, TICK, LOT).roi_lb(float(prices.min()) - 1).roi_ub(float(prices.max()) + 1)
    return ROIVectorMarketDepthBacktest([asset])


def run(events: np.ndarray, case: str) -> tuple[float, tuple[int, int, int], Any, Any]:
    """Seconds; quotes, bars and orders; the bars; position, cash and fills."""
    backtest = started(events)
    minutes = (events["exch_ts"][-1] - events["exch_ts"][0]) // MINUTE_NS + 2
    bars = np.zeros((minutes, 4), np.int64)
    began = time.perf_counter()
    if case == "bars":
        counts = on_bars(backtest, bars)
    elif case == "callback":
        counts = on_quotes(backtest)
    elif case == "requote":
        counts = requote(backtest)
    else:
        counts = on_steps(backtest, bars, int(case.removeprefix("steps-")) * SECOND_NS)
    seconds = time.perf_counter() - began
    values = backtest.state_values(0)
    traded = {
        "fills": int(values.num_trades),
        "position": round(values.position / LOT),
        "cash": round(values.balance / (TICK * LOT)),
    }
    backtest.close()
    return seconds, counts, bars[: counts[1]], traded


def main() -> None:
    events, case = np.load(sys.argv[1]), sys.argv[2]
    compiling, *_ = run(events[:1000], case)
    rounds = [run(events, case) for _ in range(ROUNDS)]
    (seen, _, orders), bars, traded = rounds[-1][1:]
    counted = {"seen": seen, "orders": orders, **traded, "events": len(events), "compile_seconds": compiling}
    answer(min(seconds for seconds, *_ in rounds), bars, **counted)


main()
