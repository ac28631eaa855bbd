"""Values that the venue gives apart from its books and prints: klines, mark prices, liquidations, tickers.

An event is one record per value; `id` says which it is (`Field`, never reused). Decimals stand in `x` and `y`
as whole units and parts of 10**-18, so that they are exact whatever the instrument's scales are: volumes of a
month and funding rates alike. Parts are never negative: -0.25 is -1 and 0.75. Times are ns since 1970, UTC.
"""

from enum import IntEnum

import numpy as np

from papertape.core.errors import DecodeError
from papertape.core.fixed import SCALE_MAX, VALUE_MAX, decimals, format_trimmed

_ONE = 10**SCALE_MAX

Pair = tuple[int, int]
"""What stands in `x` and `y`."""


class Field(IntEnum):
    """What a value is. Below 16 `x` and `y` are two integers of their own; from 16 on they are one decimal."""

    SPAN = 1
    """First and last moment that the event is about: open and close time."""
    STATE = 2
    """`Interval` of a kline, and 1 once it is closed, else 0."""
    TRADE_IDS = 3
    """First and last trade id; -1 without a trade."""
    TRADES = 4
    """How many trades, and 0."""
    FUNDING_TIME = 5
    """When the next funding is due, and 0."""
    OPEN = 16
    HIGH = 17
    LOW = 18
    CLOSE = 19
    """The last price, too."""
    VOLUME = 20
    """In the base asset."""
    QUOTE_VOLUME = 21
    TAKER_VOLUME = 22
    """Bought by takers, in the base asset."""
    TAKER_QUOTE_VOLUME = 23
    MARK = 32
    MARK_AVERAGE = 33
    INDEX = 34
    SETTLE = 35
    """Estimated settlement price."""
    FUNDING_RATE = 36
    PRICE = 48
    SIZE = 49
    AVERAGE_PRICE = 50
    LAST_SIZE = 51
    FILLED_SIZE = 52
    CHANGE = 64
    CHANGE_PERCENT = 65
    PREVIOUS_CLOSE = 66
    BID = 67
    BID_SIZE = 68
    ASK = 69
    ASK_SIZE = 70


FIRST_DECIMAL = int(Field.OPEN)


class Interval(IntEnum):
    """Length of a kline, as the venue names it, with a number that is never reused."""

    S1 = 1
    M1 = 2
    M3 = 3
    M5 = 4
    M15 = 5
    M30 = 6
    H1 = 7
    H2 = 8
    H4 = 9
    H6 = 10
    H8 = 11
    H12 = 12
    D1 = 13
    D3 = 14
    W1 = 15
    MONTH1 = 16


INTERVALS = dict(
    zip(
        ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M"),
        Interval,
        strict=True,
    )
)
"""Intervals by the names that trading venues use; `1m` is a minute, `1M` a month."""
INTERVAL_NAMES = {interval: name for name, interval in INTERVALS.items()}


def parse_decimal(text: str) -> Pair:
    """Whole units and parts of 10**-18. Raises DecodeError where `text` is no such number."""
    if decimals(text) > SCALE_MAX:
        raise DecodeError(f"expected at most {SCALE_MAX} decimals, was {text}")
    whole, _, fraction = text.removeprefix("-").partition(".")
    parts = int(whole) * _ONE + int(fraction[:SCALE_MAX].ljust(SCALE_MAX, "0"))
    units, rest = divmod(-parts if text[0] == "-" else parts, _ONE)
    if abs(units) > VALUE_MAX:
        raise DecodeError(f"expected a number whose whole units fit in 62 bits, was {text}")
    return units, rest


def format_decimal(pair: Pair) -> str:
    """Decimal text without trailing zeros."""
    return format_trimmed(pair[0] * _ONE + pair[1], SCALE_MAX)


def read_values(records: np.ndarray) -> dict[Field, Pair]:
    """The values of one whole event, by field."""
    return {Field(int(one["id"])): (int(one["x"]), int(one["y"])) for one in records}
