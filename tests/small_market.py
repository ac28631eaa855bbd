"""A spot and a perpetual market as records: quotes that walk, prints at their prices; the same for the same seed."""

from itertools import pairwise
from typing import Any

import numpy as np

from papertape.core.draws import draw_below, purpose_id
from papertape.core.instruments import Instrument, InstrumentKind, instrument_event
from papertape.core.records import WHOLE, Flag, Kind, RecordBuffer, as_records

_WALK = purpose_id("tests.small_market")
STEP_NS = 200_000_000
SPOT = Instrument(
    venue="test",
    symbol="AAAUSDT",
    kind=InstrumentKind.CRYPTO_SPOT,
    base="AAA",
    quote="USDT",
    settle="USDT",
    price_scale=2,
    size_scale=3,
    tick=1,
    lot=1,
    min_notional=500_000,
)
PERPETUAL = Instrument(
    venue="test",
    symbol="BBBUSDT",
    kind=InstrumentKind.LINEAR_PERPETUAL,
    base="BBB",
    quote="USDT",
    settle="USDT",
    price_scale=1,
    size_scale=2,
    tick=5,
    lot=10,
    min_size=10,
)


def small_market(steps: int, seed: int = 1) -> "np.ndarray[Any, np.dtype[Any]]":
    """Both instruments listed, then so many steps of 200 ms: a quote of each, and now and then a print."""
    buffer = RecordBuffer()
    for index, one in enumerate((SPOT, PERPETUAL)):
        buffer.extend(instrument_event(one, index, STEP_NS))
    mids = [10_000, 20_000]
    for step in range(1, steps + 1):
        ts = (step + 1) * STEP_NS
        for index, one in enumerate((SPOT, PERPETUAL)):
            throw = draw_below(1_000, seed, _WALK, index, step)
            mids[index] += one.tick * (throw % 3 - 1)
            bid, ask = mids[index] - one.tick, mids[index] + one.tick
            buffer.pack(ts, ts, Kind.QUOTE, WHOLE, index, 0, bid, 50_000, ask, 40_000, step)
            if throw % 4 == 0:
                flags, price = (WHOLE | Flag.ASK, bid) if throw % 8 else (WHOLE, ask)
                size = 10_000 * (1 + throw % 9)
                buffer.pack(ts, ts, Kind.PRINT, flags, index, 0, price, size, 0, 0, step)
    return as_records(buffer.take())


def events(records: "np.ndarray[Any, np.dtype[Any]]", count: int) -> "list[tuple[int, np.ndarray[Any, np.dtype[Any]]]]":
    """Batches of so many whole events, each with the Seq of its first record."""
    ends = np.flatnonzero(records["flags"] & Flag.LAST) + 1
    cuts = [0, *ends[count - 1 :: count].tolist(), len(records)]
    return [(a, records[a:b]) for a, b in pairwise(cuts) if b > a]
