"""Time bars for kernels, by the rules told in `rows.py`: one pass over the records of all instruments."""

import numpy as np
from numba import literal_unroll

from papertape.core.bars.rows import BAR_DTYPE, BAR_STATE_DTYPE, UNUSABLE, BarSource
from papertape.core.fixed.rows import MANTISSA_MAX, VALUE_MAX
from papertape.core.jit import array_of, njit
from papertape.core.records import RECORD_DTYPE, Flag, Kind

_NOTHING, _PRINTS = int(BarSource.NOTHING), int(BarSource.PRINT)
_ASK, _MID = int(BarSource.ASK), int(BarSource.MID)
_PRINT, _QUOTE, _SOLD = int(Kind.PRINT), int(Kind.QUOTE), int(Flag.ASK)
_MAX, _VALUE_MAX = MANTISSA_MAX, VALUE_MAX
_BAR_FIELDS = BAR_DTYPE.names or ()


@njit
def add_record(state, record, closed):
    """Take one record of the instrument; True when it closed a bar, which then stands in `closed`."""
    source = state["source"]
    if record["kind"] != (_PRINT if source == _PRINTS else _QUOTE) or source == _NOTHING:
        return False
    price = record["x"] if source == _ASK else record["price"]
    other = record["x"] if source == _MID else record["y"] if source == _ASK else record["size"]
    if record["verdict"] & UNUSABLE or not (0 < price <= _VALUE_MAX and 0 < other <= _VALUE_MAX):
        return False
    ts_ns = record["ts_event_ns"] if record["ts_event_ns"] != 0 else record["ts_recv_ns"]
    bar = state["bar"]
    price += other if source == _MID else 0
    made = False
    # Most records fall into the open bar, and then no division is needed.
    if bar["records"] == 0 or not bar["start_ns"] <= ts_ns < bar["start_ns"] + state["interval_ns"]:
        if bar["records"] > 0 and ts_ns < bar["start_ns"]:
            state["late"] += 1
            return False
        if bar["records"] > 0:
            for name in literal_unroll(_BAR_FIELDS):
                closed[name] = bar[name]
            made = True
        bar["start_ns"], bar["instrument"], bar["records"] = (
            ts_ns - ts_ns % state["interval_ns"],
            record["instrument"],
            0,
        )
        bar["open"], bar["high"], bar["low"] = price, price, price
        bar["volume"], bar["taker_buy_volume"] = 0, 0
    bar["high"], bar["low"], bar["close"] = max(bar["high"], price), min(bar["low"], price), price
    bar["records"] += 1
    if source == _PRINTS:
        bar["volume"] = min(bar["volume"], _MAX - other) + other
        if not record["flags"] & _SOLD:
            bar["taker_buy_volume"] = min(bar["taker_buy_volume"], _MAX - other) + other
    return made


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
        if record["instrument"] < len(states) and add_record(states[record["instrument"]], record, closed[made]):
            made += 1
    return len(records), made
