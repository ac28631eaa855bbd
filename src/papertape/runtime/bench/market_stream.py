"""A level-by-level market stream as records, shaped like a recorded one, made by numpy from a fixed seed."""

from typing import Any

import numpy as np

from papertape.core.instruments import Instrument, InstrumentKind, instrument_event
from papertape.core.records import RECORD_DTYPE, Flag, Kind, as_records

SEED = 7
LEVELS_PER_EVENT = 40
FAR_SHARE = 0.12
"""Levels outside the dense window, at round prices; 12 % of ETHUSDT's levels and 34 % of BTCUSDT's are."""
REMOVED_SHARE = 0.3
START, SWING = 268_000, 25
INSTRUMENT = Instrument(
    venue="binance-usdm",
    symbol="ETHUSDT",
    kind=InstrumentKind.LINEAR_PERPETUAL,
    base="ETH",
    quote="USDT",
    settle="USDT",
    price_scale=2,
    size_scale=3,
    tick=1,
    lot=1,
)

Records = np.ndarray[Any, np.dtype[Any]]


def listing() -> Records:
    """The INSTRUMENT event of the stream's only instrument."""
    return as_records(instrument_event(INSTRUMENT, 0, 0))


def _mid(random: np.random.Generator, count: int) -> Any:
    """A random walk in ticks; nineteen of twenty events leave the price where it is."""
    return START + np.cumsum(random.integers(-3, 4, count) * (random.random(count) < 0.05))


def level_updates(count: int) -> Records:
    """`count` depth levels in events of 40, half of them bids, around a slowly moving price."""
    random = np.random.default_rng(SEED)
    count -= count % LEVELS_PER_EVENT
    event = np.arange(count) // LEVELS_PER_EVENT
    place = np.arange(count) % LEVELS_PER_EVENT
    # The walk is folded into SWING ticks around its start, and no level stands nearer than that: old levels of one
    # side are never crossed by new ones of the other.
    walk = _mid(random, count // LEVELS_PER_EVENT)
    mid = (START + np.abs((walk - START) % (4 * SWING) - 2 * SWING) - SWING)[event]
    near = random.geometric(0.02, count) + SWING
    far = random.integers(20, 120, count) * 1_000
    is_ask = place >= LEVELS_PER_EVENT // 2
    distance = np.where(random.random(count) < FAR_SHARE, np.where(is_ask, -mid % 1_000, mid % 1_000) + far, near)
    records = np.zeros(count, RECORD_DTYPE)
    records["ts_event_ns"] = records["ts_recv_ns"] = event * 50_000_000
    records["kind"] = Kind.DEPTH_DELTA
    ends = (place == 0) * int(Flag.FIRST) + (place == LEVELS_PER_EVENT - 1) * int(Flag.LAST)
    records["flags"] = is_ask * int(Flag.ASK) + ends
    records["price"] = np.where(is_ask, mid + distance, mid - distance + 1)
    records["size"] = np.where(random.random(count) < REMOVED_SHARE, 0, random.integers(1, 50_000, count))
    records["x"], records["y"], records["id"] = event * 3 + 1, event * 3, event * 3 + 3
    records.flags.writeable = False
    return records


def quotes(count: int) -> Records:
    """`count` quotes one tick wide around the same kind of price."""
    random = np.random.default_rng(SEED)
    records = np.zeros(count, RECORD_DTYPE)
    mid = _mid(random, count)
    records["ts_event_ns"] = records["ts_recv_ns"] = np.arange(count) * 5_000_000
    records["kind"] = Kind.QUOTE
    records["flags"] = int(Flag.FIRST | Flag.LAST)
    records["price"], records["x"] = mid, mid + 1
    records["size"], records["y"] = random.integers(1, 50_000, (2, count))
    records["id"] = np.arange(count) + 1
    records.flags.writeable = False
    return records
