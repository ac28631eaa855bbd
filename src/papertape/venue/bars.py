"""Bars of the box's own prints, made when somebody asks for them: from the prints it still has, and from then on."""

import re
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from papertape.venue import lines
from papertape.venue.scan import Grid

BARS_KEPT_MAX = 1_500
_MINUTE_MS = 60_000
_DAY_MS = 86_400_000
_UNITS_MS = {"s": 1_000, "m": _MINUTE_MS, "h": 60 * _MINUTE_MS, "d": _DAY_MS, "w": 7 * _DAY_MS}
_FIRST_MONDAY_MS = 4 * _DAY_MS
INTERVALS = ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M")
_INTERVAL = re.compile(r"(\d+)([smhdwM])")
ZERO = Decimal(0)


class Bar(msgspec.Struct):
    """One bar, exact. One without a print has the price of the one before, and ids of -1."""

    open_ms: int
    end_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    quote: Decimal = ZERO
    taker_volume: Decimal = ZERO
    taker_quote: Decimal = ZERO
    prints: int = 0
    first_id: int = -1
    last_id: int = -1

    def add(self, trade: lines.Trade) -> None:
        """Take a print."""
        price, size = Decimal(trade.price), Decimal(trade.size)
        if not self.prints:
            self.open = self.high = self.low = price
            self.first_id = trade.id
        self.high, self.low, self.close = max(self.high, price), min(self.low, price), price
        self.prints += 1
        self.last_id = trade.id
        self.volume += size
        self.quote += price * size
        if not trade.buyer_is_maker:
            self.taker_volume += size
            self.taker_quote += price * size


def span_ms(interval: str, at_ms: int) -> tuple[int, int]:
    """Beginning and end (exclusive) of the bar that holds this time; weeks begin on Monday, all in UTC."""
    found = _INTERVAL.fullmatch(interval)
    if found is None:
        raise ValueError(f"expected an interval such as 1m, was {interval}")
    count, unit = int(found[1]), found[2]
    if unit == "M":
        first = datetime.fromtimestamp(at_ms // 1000, UTC).replace(day=1, hour=0, minute=0, second=0)
        after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
        return int(first.timestamp()) * 1000, int(after.timestamp()) * 1000
    length_ms = count * _UNITS_MS[unit]
    offset_ms = _FIRST_MONDAY_MS if unit == "w" else 0
    begin_ms = (at_ms - offset_ms) // length_ms * length_ms + offset_ms
    return begin_ms, begin_ms + length_ms


class BarSeries:
    """The bars of one symbol and interval."""

    def __init__(self, interval: str, prints: deque[bytes]) -> None:
        self.interval = interval
        self.closed = deque[Bar](maxlen=BARS_KEPT_MAX)
        self.current: Bar | None = None
        self._prints = prints
        self._last_id = -1

    def pass_to(self, now_ms: int) -> None:
        """Take the prints that came since, and close the bars that are over."""
        new: list[lines.Trade] = []
        for data in reversed(self._prints):
            trade = lines.trade_decoder.decode(data)
            if trade.id <= self._last_id:
                break
            new.append(trade)
        for trade in reversed(new):
            self._last_id = trade.id
            self._roll(trade.time_ms, trade.price)
            if self.current:
                self.current.add(trade)
        if self.current:
            self._roll(now_ms, "")

    def last(self, count: int) -> list[Bar]:
        """The newest bars, the one in progress last."""
        bars = [*self.closed, *([self.current] if self.current else [])]
        return bars[-count:]

    def _roll(self, at_ms: int, price: str) -> None:
        if self.current is None:
            self.current = _empty(span_ms(self.interval, at_ms), Decimal(price))
        while self.current.end_ms <= at_ms:
            self.closed.append(self.current)
            self.current = _empty(span_ms(self.interval, self.current.end_ms), self.current.close)


def _empty(span: tuple[int, int], price: Decimal) -> Bar:
    return Bar(*span, price, price, price, price)


def merged(bars: Iterable[Bar]) -> Bar | None:
    """Several bars that follow each other as one; None without a print in them."""
    whole: Bar | None = None
    for bar in bars:
        if not bar.prints:
            continue
        if whole is None:
            whole = msgspec.structs.replace(bar)
            continue
        whole.high, whole.low, whole.close = max(whole.high, bar.high), min(whole.low, bar.low), bar.close
        whole.end_ms, whole.last_id = bar.end_ms, bar.last_id
        whole.prints += bar.prints
        whole.volume += bar.volume
        whole.quote += bar.quote
        whole.taker_volume += bar.taker_volume
        whole.taker_quote += bar.taker_quote
    return whole


class Spelling(msgspec.Struct, frozen=True):
    """How a venue writes numbers of one symbol: decimals of prices and of sizes."""

    price_places: int
    size_places: int

    def price(self, number: Decimal) -> str:
        """A price, or an amount of the quote currency."""
        return f"{number:.{self.price_places}f}"

    def size(self, number: Decimal) -> str:
        """A size."""
        return f"{number:.{self.size_places}f}"


def spelling_of(grid: Grid, spot: bool) -> Spelling:
    """Spot writes every number with eight decimals, USD-M with those of the grid."""
    return Spelling(8, 8) if spot else Spelling(grid.price_decimals, grid.size_decimals)
