"""Depth levels per second after decoding: the compiled market beside hftbacktest, on the same levels.

papertape keeps the books, the running hash and the audit; hftbacktest keeps the exchange's book and the
trader's. Data of both is in memory and in its own form before the clock starts. `--reel` is a recording of
Binance USD-M futures; without one the levels are made. After either both must have the same best prices.
"""

import argparse
import json
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import environment
import numpy as np

from papertape.core.book.compiled import CompiledMarket
from papertape.core.instruments import Instrument, read_instrument_event
from papertape.core.records import Flag, Kind, RecordBuffer, as_records
from papertape.data.connectors.reel_connector import ReelConnector
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import USDM
from papertape.runtime.bench.market_stream import level_updates, listing

HERE = Path(__file__).resolve().parent
RECORDED = environment.ROOT.parent / "shared/data/hftbacktest/usdm/ethusdt_20240808.gz"
ROUNDS = 3
EVENT_DTYPE = np.dtype(
    {
        "names": ["ev", "exch_ts", "local_ts", "px", "qty", "order_id", "ival", "fval"],
        "formats": ["u8", "i8", "i8", "f8", "f8", "u8", "i8", "f8"],
    },
    align=True,
)
"""hftbacktest's event; the numbers below are its own as well."""
DEPTH, CLEAR, SNAPSHOT = 1, 3, 4
AT_BOTH = 1 << 31 | 1 << 30
BUY, SELL = 1 << 29, 1 << 28

Records = np.ndarray[Any, np.dtype[Any]]


def recorded(reel: Path, symbol: str) -> tuple[Records, Records]:
    """The listing and the depth levels of a reel. Levels that were held and are told again count once."""
    machine = BinanceMachine(USDM, {symbol: 0}, Gate(RecordBuffer()))
    records = as_records(b"".join(ReelConnector(machine, [reel]).batches()))
    depth = np.isin(records["kind"], (Kind.DEPTH_DELTA, Kind.DEPTH_SNAPSHOT))
    levels = records[depth & (records["flags"] & int(Flag.HELD) == 0)].copy()
    levels["flags"] &= ~np.array(int(Flag.REPEAT), levels["flags"].dtype)
    return records[records["kind"] == Kind.INSTRUMENT].copy(), levels


def tiled(levels: Records, count: int) -> Records:
    """`levels` again and again, each round later than the one before, at least `count` of them."""
    rounds = -(-count // len(levels))
    result = np.tile(levels, rounds)
    # Arrival is time on both sides, so it may never go back.
    arrival = np.maximum.accumulate(levels["ts_recv_ns"])
    span = int(arrival[-1] - arrival[0]) + 1_000_000_000
    result["ts_recv_ns"] = (arrival + span * np.arange(rounds)[:, np.newaxis]).ravel()
    return result


def events_of(levels: Records, instrument: Instrument) -> Records:
    """The levels as events of hftbacktest; a side's snapshot is preceded by a clear up to its last price."""
    levels = levels[levels["flags"] & int(Flag.EMPTY) == 0]
    ask, snapshot = levels["flags"] & int(Flag.ASK) != 0, levels["kind"] == Kind.DEPTH_SNAPSHOT
    events = np.zeros(len(levels), EVENT_DTYPE)
    events["ev"] = AT_BOTH + np.where(ask, SELL, BUY) + np.where(snapshot, SNAPSHOT, DEPTH)
    events["exch_ts"] = events["local_ts"] = levels["ts_recv_ns"]
    events["px"] = levels["price"] / 10**instrument.price_scale
    events["qty"] = levels["size"] / 10**instrument.size_scale
    side = np.where(snapshot, 1 + ask, 0)
    edges = np.flatnonzero(np.diff(side, prepend=0, append=0))
    starts = [(start, stop) for start, stop in pairwise(edges) if side[start]]
    clears = events[[start for start, _ in starts]].copy()
    clears["ev"] = clears["ev"] - SNAPSHOT + CLEAR
    clears["px"] = [events["px"][stop - 1] for _, stop in starts]
    clears["qty"] = 0
    return np.insert(events, [start for start, _ in starts], clears)


def papertape(listed: Records, levels: Records) -> tuple[float, list[int]]:
    """Seconds of the best round, and the best prices at the end."""
    seconds = []
    for _ in range(ROUNDS):
        market = CompiledMarket()
        market.apply(listed)
        began = time.perf_counter()
        market.apply(levels)
        seconds.append(time.perf_counter() - began)
    view = market.views()[0]
    return min(seconds), [view.bids[0][0], view.asks[0][0]]


def measure(reel: Path | None, symbol: str, count: int) -> dict[str, dict[str, Any]]:
    python = environment.ready()
    listed, levels = recorded(reel, symbol) if reel else (listing(), level_updates(count))
    instrument, levels = read_instrument_event(listed), tiled(levels, count)
    took, ours = papertape(listed, levels)
    rows = {"papertape": {"level_updates_per_s": round(len(levels) / took), "papertape_ratio": 1.0}}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "events.npy"
        np.save(file, events_of(levels, instrument))
        steps = [repr(instrument.tick / 10**instrument.price_scale), repr(instrument.lot / 10**instrument.size_scale)]
        for depth in ("hashmap", "roivector"):
            answer = environment.answer_of(python, str(HERE / "hftbacktest_side.py"), str(file), *steps, depth)
            theirs = [round(price * 10**instrument.price_scale) for price in answer["best"]]
            if theirs != ours:
                raise SystemExit(f"hftbacktest, {depth}: expected the best prices {ours}, was {theirs}")
            rate = round(len(levels) / answer["seconds"])
            ratio = round(rows["papertape"]["level_updates_per_s"] / rate, 2)
            rows[f"hftbacktest {depth}"] = {"level_updates_per_s": rate, "papertape_ratio": ratio}
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Depth levels per second after decoding.")
    parser.add_argument("--levels", type=int, default=5_000_000, help="at least so many; the reel is repeated")
    parser.add_argument("--reel", type=Path, default=RECORDED if RECORDED.exists() else None)
    parser.add_argument("--symbol", default="ETHUSDT")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    chosen = parser.parse_args()
    sys.stderr.write(f"levels of {chosen.reel.name if chosen.reel else 'a made stream'}\n")
    result = measure(chosen.reel, chosen.symbol, chosen.levels)
    print(json.dumps(result)) if chosen.json else environment.show(result)
