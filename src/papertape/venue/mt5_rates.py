"""Bars of the MetaTrader 5 double, made from its ticks as the terminal makes them: of bids, in the broker's wall clock."""

from typing import Any

import numpy as np

from papertape.venue.mt5_types import RATE_DTYPE, TIMEFRAME_MINUTES, TIMEFRAME_MN1, TIMEFRAME_W1

Rows = np.ndarray[Any, np.dtype[Any]]

_DAY_S = 86_400
_FIRST_SUNDAY_S = 3 * _DAY_S
"""1970-01-04; weeks of the terminal begin on Sunday."""


def bars(ticks: Rows, timeframe: int, point: float) -> Rows | None:
    """Bars of `ticks`, oldest first; None for a timeframe that does not exist. A time without a tick makes no bar."""
    starts = _starts(ticks["time"], timeframe)
    if starts is None:
        return None
    if not len(ticks):
        return np.zeros(0, RATE_DTYPE)
    first = np.flatnonzero(np.diff(starts, prepend=starts[0] - 1))
    last = np.append(first[1:], len(ticks)) - 1
    rates = np.zeros(len(first), RATE_DTYPE)
    rates["time"] = starts[first]
    rates["open"], rates["close"] = ticks["bid"][first], ticks["bid"][last]
    rates["high"] = np.maximum.reduceat(ticks["bid"], first)
    rates["low"] = np.minimum.reduceat(ticks["bid"], first)
    rates["tick_volume"] = last - first + 1
    spreads = np.rint((ticks["ask"] - ticks["bid"]) / point).astype(np.int64)
    rates["spread"] = np.minimum.reduceat(spreads, first)
    rates["real_volume"] = np.add.reduceat(ticks["volume"], first)
    return rates


def _starts(times_s: Rows, timeframe: int) -> Rows | None:
    """When the bar of each tick begins."""
    starts: Rows | None = None
    if minutes := TIMEFRAME_MINUTES.get(timeframe):
        starts = times_s - times_s % (60 * minutes)
    elif timeframe == TIMEFRAME_W1:
        starts = times_s - (times_s - _FIRST_SUNDAY_S) % (7 * _DAY_S)
    elif timeframe == TIMEFRAME_MN1:
        months = times_s.astype("datetime64[s]").astype("datetime64[M]")
        starts = months.astype("datetime64[s]").astype(np.int64)
    return starts
