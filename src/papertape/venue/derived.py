"""Streams and REST rows that the box derives from its own prints and books: klines, tickers, mark prices, liquidations.

A frame is made only when somebody wants it, at beats of the market's time: the same market tells the same.
"""

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import islice
from typing import Any

import msgspec

from papertape.venue import lines
from papertape.venue.bars import INTERVALS, Bar, BarSeries, Spelling, merged, spelling_of
from papertape.venue.market import Market
from papertape.venue.rules import VenueRules

BEAT_MS = 250
DAY_MINUTES = 1_440
FUNDING_MS = 8 * 3_600_000
FUNDING_RATE = "0.00010000"
LIQUIDATIONS_ONE_IN = 8
"""The largest print of a second is told as a liquidation when its id is a multiple of this: nobody here has leverage."""
_INDEX_SHARE = Decimal("0.05")
_STREAM = re.compile(
    r"([^@!/]+)@(?:(kline)_(\w+)|(miniTicker|ticker|forceOrder|avgPrice)|(markPrice)(@1s)?)"
    r"|!(miniTicker|ticker|forceOrder)@arr|!(markPrice)@arr(@1s)?"
)
_USDM_ONLY = ("forceOrder", "markPrice", "!ticker", "!forceOrder", "!markPrice")
FinalTimes = Callable[[str], int]
"""How often the last message of a symbol's bar is sent: once, unless a fault says otherwise."""


class _Wanted(msgspec.Struct, frozen=True):
    """A stream name that was understood."""

    kind: str
    symbol: str
    """Empty for all."""
    period_ms: int
    interval: str = ""


class Derived:
    """What is derived from one market."""

    def __init__(self, market: Market, rules: VenueRules, final_times: FinalTimes = lambda symbol: 1) -> None:
        self._market = market
        self._spot = rules.name == "binance-spot"
        self._final_times = final_times
        self._series: dict[tuple[str, str], BarSeries] = {}
        self._index: dict[str, Decimal] = {}
        self._understood: dict[str, _Wanted | None] = {}
        self._beat_ms = 0

    def knows(self, stream: str) -> bool:
        """Whether a stream can be derived."""
        return self._wanted(stream) is not None

    def due(self, now_ms: int, streams: Iterable[str]) -> list[tuple[str, bytes]]:
        """The frames of the beats since the last call, for these streams."""
        beat_ms = now_ms // BEAT_MS * BEAT_MS
        if beat_ms <= self._beat_ms:
            return []
        wanted = [(stream, kind) for stream in streams if (kind := self._wanted(stream))]
        frames: list[tuple[str, bytes]] = []
        first_ms = self._beat_ms + BEAT_MS if self._beat_ms and wanted else beat_ms
        for at_ms in range(first_ms, beat_ms + 1, BEAT_MS):
            for stream, kind in wanted:
                frames += [(stream, payload) for payload in self._frames(kind, at_ms)]
        self._beat_ms = beat_ms
        return frames

    def bars(self, symbol: str, interval: str, now_ms: int) -> BarSeries:
        """The bars of a symbol, up to now."""
        key = symbol, interval
        if key not in self._series:
            self._series[key] = BarSeries(interval, self._market.prints[symbol])
        self._series[key].pass_to(now_ms)
        return self._series[key]

    def kline_row(self, symbol: str, bar: Bar) -> list[Any]:
        """A bar as REST gives it."""
        spell = self.spelling(symbol)
        return [
            bar.open_ms,
            *map(spell.price, (bar.open, bar.high, bar.low, bar.close)),
            spell.size(bar.volume),
            bar.end_ms - 1,
            spell.price(bar.quote),
            bar.prints,
            spell.size(bar.taker_volume),
            spell.price(bar.taker_quote),
            "0",
        ]

    def day(self, symbol: str, now_ms: int) -> Bar | None:
        """The last 24 hours as one bar; None without a print."""
        return merged(self.bars(symbol, "1m", now_ms).last(DAY_MINUTES))

    def mark(self, symbol: str) -> dict[str, str] | None:
        """Mark, average and index price; None before a best bid and ask."""
        data = self._market.tickers.get(symbol)
        if data is None:
            return None
        ticker = lines.ticker_decoder.decode(data)
        mid = (Decimal(ticker.bid) + Decimal(ticker.ask)) / 2
        index = self._index.get(symbol, mid)
        last = Decimal(lines.trade_decoder.decode(prints[-1]).price) if (prints := self._market.prints[symbol]) else mid
        texts = sorted((index, mid, last))
        return {"p": f"{texts[1]:.8f}", "ap": f"{(index + mid) / 2:.8f}", "i": f"{index:.8f}", "P": f"{index:.8f}"}

    def spelling(self, symbol: str) -> Spelling:
        """How numbers of a symbol are written."""
        return spelling_of(self._market.facts.grids[symbol], self._spot)

    def _wanted(self, stream: str) -> _Wanted | None:
        if stream not in self._understood:
            if len(self._understood) > 100_000:
                self._understood.clear()
            self._understood[stream] = self._parsed(stream)
        return self._understood[stream]

    def _parsed(self, stream: str) -> _Wanted | None:
        found = _STREAM.fullmatch(stream)
        if found is None:
            return None
        name, kline, interval, plain, mark, mark_1s, array, mark_array, array_1s = found.groups()
        kind = kline or plain or mark or f"!{array or mark_array}"
        symbol = (name or "").upper()
        if name and (name != name.lower() or symbol not in self._market.prints):
            return None
        if kline and (interval not in INTERVALS or (interval == "1s" and not self._spot)):
            return None
        if kind in _USDM_ONLY and self._spot:
            return None
        if (kind == "!ticker" and self._spot) or (kind == "avgPrice" and not self._spot):
            return None
        period_ms = 1_000
        if kline:
            period_ms = (1_000 if interval == "1s" else 2_000) if self._spot else BEAT_MS
        elif kind.endswith("markPrice"):
            period_ms = 1_000 if mark_1s or array_1s else 3_000
        elif kind == "ticker" and not self._spot:
            period_ms = 2_000
        return _Wanted(kind, symbol, period_ms, interval or "")

    def _frames(self, wanted: _Wanted, at_ms: int) -> list[bytes]:
        if wanted.kind == "kline":
            return self._klines(wanted, at_ms)
        if at_ms % wanted.period_ms:
            return []
        make = {
            "miniTicker": self._mini_ticker,
            "ticker": self._ticker,
            "markPrice": self._mark_price,
            "forceOrder": self._force_order,
            "avgPrice": self._average,
        }[wanted.kind.lstrip("!")]
        symbols = [wanted.symbol] if wanted.symbol else list(self._market.prints)
        made = [frame for symbol in symbols if (frame := make(symbol, at_ms))]
        if wanted.symbol or wanted.kind == "!forceOrder":
            return [msgspec.json.encode(frame) for frame in made]
        return [msgspec.json.encode(made)] if made else []

    def _klines(self, wanted: _Wanted, at_ms: int) -> list[bytes]:
        series = self.bars(wanted.symbol, wanted.interval, at_ms)
        frames = []
        if series.closed and series.closed[-1].end_ms == at_ms:
            frames += [self._kline(wanted, series.closed[-1], at_ms, True)] * self._final_times(wanted.symbol)
        elif series.current and not at_ms % wanted.period_ms:
            frames.append(self._kline(wanted, series.current, at_ms, False))
        return frames

    def _kline(self, wanted: _Wanted, bar: Bar, at_ms: int, closed: bool) -> bytes:
        row = self.kline_row(wanted.symbol, bar)
        kline = {"t": bar.open_ms, "T": bar.end_ms - 1, "s": wanted.symbol, "i": wanted.interval}
        kline |= {"f": bar.first_id, "L": bar.last_id, "o": row[1], "c": row[4], "h": row[2], "l": row[3]}
        kline |= {"v": row[5], "n": bar.prints, "x": closed, "q": row[7], "V": row[9], "Q": row[10], "B": "0"}
        return msgspec.json.encode({"e": "kline", "E": at_ms, "s": wanted.symbol, "k": kline})

    def _mini_ticker(self, symbol: str, at_ms: int) -> dict[str, Any] | None:
        day = self.day(symbol, at_ms)
        if day is None:
            return None
        row = self.kline_row(symbol, day)
        prices = {"c": row[4], "o": row[1], "h": row[2], "l": row[3], "v": row[5], "q": row[7]}
        return {"e": "24hrMiniTicker", "E": at_ms, "s": symbol} | prices

    def _ticker(self, symbol: str, at_ms: int) -> dict[str, Any] | None:
        day = self.day(symbol, at_ms)
        if day is None:
            return None
        rest = self.ticker_row(symbol, day, at_ms)
        frame = {"e": "24hrTicker", "E": at_ms, "s": symbol, "p": rest["priceChange"], "P": rest["priceChangePercent"]}
        frame |= {"w": rest["weightedAvgPrice"], "c": rest["lastPrice"], "Q": rest["lastQty"]}
        if self._spot:
            frame |= {"x": rest["prevClosePrice"], "b": rest["bidPrice"], "B": rest["bidQty"]}
            frame |= {"a": rest["askPrice"], "A": rest["askQty"]}
        frame |= {"o": rest["openPrice"], "h": rest["highPrice"], "l": rest["lowPrice"], "v": rest["volume"]}
        frame |= {"q": rest["quoteVolume"], "O": rest["openTime"], "C": rest["closeTime"]}
        return frame | {"F": rest["firstId"], "L": rest["lastId"], "n": rest["count"]}

    def ticker_row(self, symbol: str, day: Bar, at_ms: int) -> dict[str, Any]:
        """24 hours of a symbol as REST gives them."""
        spell = self.spelling(symbol)
        change = day.close - day.open
        row: dict[str, Any] = {"symbol": symbol, "priceChange": spell.price(change)}
        row["priceChangePercent"] = f"{change * 100 / day.open:.3f}"
        row["weightedAvgPrice"] = spell.price(day.quote / day.volume)
        row["lastPrice"] = spell.price(day.close)
        row["lastQty"] = lines.trade_decoder.decode(self._market.prints[symbol][-1]).size
        if self._spot:
            data = self._market.tickers.get(symbol)
            ticker = lines.ticker_decoder.decode(data) if data else lines.Ticker(0, "0", "0", "0", "0")
            row |= {"prevClosePrice": spell.price(day.open), "bidPrice": ticker.bid, "bidQty": ticker.bid_size}
            row |= {"askPrice": ticker.ask, "askQty": ticker.ask_size}
        row |= {"openPrice": spell.price(day.open), "highPrice": spell.price(day.high)}
        row |= {
            "lowPrice": spell.price(day.low),
            "volume": spell.size(day.volume),
            "quoteVolume": spell.price(day.quote),
        }
        row |= {"openTime": day.open_ms, "closeTime": at_ms}
        return row | {"firstId": day.first_id, "lastId": day.last_id, "count": day.prints}

    def _mark_price(self, symbol: str, at_ms: int) -> dict[str, Any] | None:
        prices = self.mark(symbol)
        if prices is None:
            return None
        index = Decimal(prices["i"])
        self._index[symbol] = index + (Decimal(prices["p"]) - index) * _INDEX_SHARE
        next_ms = (at_ms // FUNDING_MS + 1) * FUNDING_MS
        return {"e": "markPriceUpdate", "E": at_ms, "s": symbol} | prices | {"r": FUNDING_RATE, "T": next_ms}

    def _force_order(self, symbol: str, at_ms: int) -> dict[str, Any] | None:
        newest = [lines.trade_decoder.decode(data) for data in islice(reversed(self._market.prints[symbol]), 1_000)]
        second = [trade for trade in newest if at_ms - 1_000 <= trade.time_ms < at_ms]
        trade = max(second, key=lambda one: Decimal(one.size), default=None)
        if trade is None or trade.id % LIQUIDATIONS_ONE_IN:
            return None
        order = {"s": symbol, "S": "SELL" if trade.buyer_is_maker else "BUY", "o": "LIMIT", "f": "IOC"}
        order |= {"q": trade.size, "p": trade.price, "ap": trade.price, "X": "FILLED", "l": trade.size}
        return {"e": "forceOrder", "E": at_ms, "o": order | {"z": trade.size, "T": trade.time_ms}}

    def _average(self, symbol: str, at_ms: int) -> dict[str, Any] | None:
        five = merged(self.bars(symbol, "1m", at_ms).last(5))
        if five is None:
            return None
        average = self.spelling(symbol).price(five.quote / five.volume)
        last = lines.trade_decoder.decode(self._market.prints[symbol][-1])
        return {"e": "avgPrice", "E": at_ms, "s": symbol, "i": "5m", "w": average, "T": last.time_ms}
