"""Time bars for kernels, by the rules told in `rows.py`: one pass over the records of all instruments."""

import numpy as np

from papertape.core.bars.rows import BAR_DTYPE, BAR_STATE_DTYPE, UNUSABLE, BarSource
from papertape.core.fixed.rows import MANTISSA_MAX, VALUE_MAX
from papertape.core.jit import array_of, njit
from papertape.core.records import RECORD_DTYPE, Flag, Kind

_NOTHING, _PRINTS = int(BarSource.NOTHING), int(BarSource.PRINT)
_ASK, _MID = int(BarSource.ASK), int(BarSource.MID)
_PRINT, _QUOTE, _SOLD = int(Kind.PRINT), int(Kind.QUOTE), int(Flag.ASK)
_MAX, _VALUE_MAX = MANTISSA_MAX, VALUE_MAX


@njit(
    (
        array_of(RECORD_DTYPE, writable=False),
        array_of(BAR_STATE_DTYPE, writable=True),
        array_of(BAR_DTYPE, writable=True),
    )
)
def make_bars(records: np.ndarray, states: np.ndarray, closed: np.ndarray) -> tuple[int, int]:
    """Apply `records` to `states` (by instrument number) and write closed bars: (records applied, bars written).

    Stops early when `closed` is full; call again with the rest. Instruments beyond `states` have no bars.
    """
    made = 0
    for i in range(len(records)):
        if made == len(closed):
            return i, made
        record = records[i]
        if record["instrument"] >= len(states):
            continue
        state = states[record["instrument"]]
        source = state["source"]
        if source == _NOTHING or record["kind"] != (_PRINT if source == _PRINTS else _QUOTE):
            continue
        price = record["x"] if source == _ASK else record["price"]
        other = record["x"] if source == _MID else record["y"] if source == _ASK else record["size"]
        if record["verdict"] & UNUSABLE or not (0 < price <= _VALUE_MAX and 0 < other <= _VALUE_MAX):
            continue
        ts_ns = record["ts_event_ns"] if record["ts_event_ns"] != 0 else record["ts_recv_ns"]
        start_ns = ts_ns - ts_ns % state["interval_ns"]
        bar = state["bar"]
        if bar["records"] > 0 and start_ns < bar["start_ns"]:
            state["late"] += 1
            continue
        price += other if source == _MID else 0
        if bar["records"] == 0 or start_ns > bar["start_ns"]:
            if bar["records"] > 0:
                closed[made] = bar
                made += 1
            bar["start_ns"], bar["instrument"], bar["records"] = start_ns, record["instrument"], 0
            bar["open"], bar["high"], bar["low"] = price, price, price
            bar["volume"], bar["taker_buy_volume"] = 0, 0
        bar["high"], bar["low"], bar["close"] = max(bar["high"], price), min(bar["low"], price), price
        bar["records"] += 1
        if source == _PRINTS:
            bar["volume"] = min(bar["volume"], _MAX - other) + other
            if not record["flags"] & _SOLD:
                bar["taker_buy_volume"] = min(bar["taker_buy_volume"], _MAX - other) + other
    return len(records), made
