"""Timeframes of bars as the two worlds spell them: `M1`, `H4`, `D1` at MetaTrader 5; `1m`, `4h`, `1d` at Binance."""

import re

from papertape.core.errors import DataError

_SPELLING = re.compile(r"(?:([MHD])|)([1-9]\d{0,3})(?(1)|([smhd]))")
_UNIT_NS = {"s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000, "d": 86_400_000_000_000}


def interval_ns(timeframe: str) -> int:
    """Length of a timeframe in nanoseconds.

    Raises DataError for what is none. Weeks and months are refused: bars are aligned to 1970-01-01, a Thursday.
    """
    match = _SPELLING.fullmatch(timeframe)
    if match is None:
        raise DataError(f"expected a timeframe such as M1, H4, D1 or 1m, 4h, 1d, was {timeframe!r}")
    unit = (match[1] or match[3]).lower()
    return int(match[2]) * _UNIT_NS[unit]
