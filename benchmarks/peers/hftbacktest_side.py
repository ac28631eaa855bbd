"""hftbacktest's side of replay.py, run by the Python of .bench-peers: `hftbacktest_side.py EVENTS.npy TICK LOT DEPTH`.

DEPTH is `hashmap` or `roivector`. One call runs to the end of the data, with no strategy and no order.
"""

import json
import sys
import time
from typing import Any

import numpy as np
from hftbacktest import HashMapMarketDepthBacktest, ROIVectorMarketDepthBacktest
from hftbacktest_asset import plain_asset

FOR_EVER_NS = 10**18
END_OF_DATA = 1
ROUNDS = 3


def started(events: np.ndarray, tick: float, lot: float, depth: str) -> Any:
    asset = plain_asset(events, tick, lot)
    if depth == "hashmap":
        return HashMapMarketDepthBacktest([asset])
    prices = events["px"][events["px"] > 0]
    return ROIVectorMarketDepthBacktest([asset.roi_lb(float(prices.min())).roi_ub(float(prices.max()))])


def run(events: np.ndarray, tick: float, lot: float, depth: str) -> tuple[float, list[float]]:
    backtest = started(events, tick, lot, depth)
    began = time.perf_counter()
    code = backtest.elapse(FOR_EVER_NS)
    seconds = time.perf_counter() - began
    if code != END_OF_DATA:
        raise SystemExit(f"elapse: expected {END_OF_DATA} (end of data), was {code}")
    found = backtest.depth(0)
    best = [float(found.best_bid), float(found.best_ask)]
    backtest.close()
    return seconds, best


def main() -> None:
    events, (tick, lot), depth = np.load(sys.argv[1]), map(float, sys.argv[2:4]), sys.argv[4]
    run(events[: len(events) // 100], tick, lot, depth)  # compiles
    rounds = [run(events, tick, lot, depth) for _ in range(ROUNDS)]
    print(json.dumps({"seconds": min(seconds for seconds, _ in rounds), "best": rounds[-1][1]}))


main()
