"""Ticks for a MetaTrader 5 double: made from a seed, or recorded ones moved in time."""

import zlib

import numpy as np

from papertape.venue.mt5_rates import Rows
from papertape.venue.mt5_types import TICK_DTYPE, TICK_FLAG_ASK, TICK_FLAG_BID, fx_pair

_BEGIN = {"EURUSD": 1.16, "GBPUSD": 1.33, "USDCHF": 0.80, "USDJPY": 155.0}
_MEAN_GAP_MS = 250


def made_ticks(symbol: str, seed: int, begin_msc: int, count: int) -> Rows:
    """A random walk of `symbol`: a tick every quarter of a second on average, a point up or down, a spread of 0 to 2 points."""
    draws = np.random.default_rng([seed, zlib.crc32(symbol.encode())])
    info = fx_pair(symbol)
    rows = np.zeros(count, TICK_DTYPE)
    rows["time_msc"] = begin_msc + np.cumsum(draws.exponential(_MEAN_GAP_MS, count).astype(np.int64))
    rows["time"] = rows["time_msc"] // 1000
    bids = round(_BEGIN.get(symbol[:6], 1.0) / info.point) + np.cumsum(draws.integers(-1, 2, count))
    rows["bid"] = bids / 10**info.digits
    rows["ask"] = (bids + draws.integers(0, 3, count)) / 10**info.digits
    rows["flags"] = TICK_FLAG_BID | TICK_FLAG_ASK
    return rows


def moved(rows: Rows, begin_msc: int, speed: float = 1.0) -> Rows:
    """Recorded ticks as if the first came at `begin_msc`, and the times between them divided by `speed`."""
    result = rows.copy()
    if len(rows):
        result["time_msc"] = begin_msc + ((rows["time_msc"] - rows["time_msc"][0]) / speed).astype(np.int64)
        result["time"] = result["time_msc"] // 1000
    return result
