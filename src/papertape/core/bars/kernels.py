"""Time bars for kernels, by the rules told in `rows.py`: one pass over the records of all instruments."""

import numpy as np
from numba import int64, literal_unroll

from papertape.core.bars.rows import BAR_DTYPE, BAR_STATE_DTYPE, UNUSABLE, BarSource
from papertape.core.fixed.rows import MANTISSA_MAX, VALUE_MAX
from papertape.core.jit import array_of, njit
from papertape.core.records import RECORD_DTYPE, Flag, Kind

_NOTHING, _PRINTS = int(BarSource.NOTHING), int(BarSource.PRINT)
_BID, _ASK, _MID = int(BarSource.BID), int(BarSource.ASK), int(BarSource.MID)
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


@njit
def quotes_window(state, first_ns, end_ns):
    """The part of a span of time in which quotes close no bar and open none: none of it before the first quote."""
    source, bar = state["source"], state["bar"]
    if source == _NOTHING or source == _PRINTS:
        return first_ns, end_ns
    if bar["records"] == 0:
        return first_ns, first_ns
    return max(first_ns, bar["start_ns"]), min(end_ns, bar["start_ns"] + state["interval_ns"])


@njit
def add_quotes(state, records, start, end):
    """As `add_record` for usable quotes within `quotes_window`, `start` to `end` of `records`."""
    source, bar = state["source"], state["bar"]
    if source == _NOTHING or source == _PRINTS:
        return
    high, low = bar["high"], bar["low"]
    bids, asks = int64(source != _ASK), int64(source != _BID)
    for at in range(start, end):
        price = records[at]["price"] * bids + records[at]["x"] * asks
        high, low = max(high, price), min(low, price)
    bar["high"], bar["low"] = high, low
    bar["close"] = records[end - 1]["price"] * bids + records[end - 1]["x"] * asks
    bar["records"] += end - start


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
