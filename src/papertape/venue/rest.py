"""REST answers of the box: pure functions of the market's state, and the weight account."""

from collections import deque
from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from itertools import islice
from typing import Any

import msgspec

from papertape.venue import lines
from papertape.venue.bars import BARS_KEPT_MAX, INTERVALS, merged
from papertape.venue.derived import FUNDING_MS, FUNDING_RATE, Derived
from papertape.venue.exchange_info import exchange_info
from papertape.venue.market import Market
from papertape.venue.parameters import Parameters, RestError
from papertape.venue.rules import VenueRules

ROW_LIMITS = range(1, 1001)
ROWS_DEFAULT = 500


class WeightAccount:
    """Weight used per client address in fixed minutes of the wall clock."""

    def __init__(self, weight_per_minute_max: int) -> None:
        self._max = weight_per_minute_max
        self._minute = -1
        self._used: dict[str, int] = {}

    def charge(self, address: str, weight: int, now_s: float) -> tuple[int, int]:
        """(weight used this minute, seconds to wait: 0 while within the limit)."""
        minute = int(now_s // 60)
        if minute != self._minute:
            self._minute = minute
            self._used.clear()
        used = self._used[address] = self._used.get(address, 0) + weight
        return used, 0 if used <= self._max else max(1, 60 - int(now_s % 60))


class RestDesk:
    """Answers market-data requests from the state of the market."""

    def __init__(self, market: Market, rules: VenueRules, derived: Derived) -> None:
        self._market = market
        self._derived = derived
        self._rules = rules
        self.routes = {
            "ping": self._ping,
            "time": self._time,
            "exchangeInfo": self._exchange_info,
            "depth": self._depth,
            "trades": self._trades,
            "historicalTrades": self._historical_trades,
            "aggTrades": self._aggregates,
            "ticker/bookTicker": self._book_ticker,
            "klines": self._klines,
            "ticker/24hr": self._day_ticker,
            "ticker/price": self._price_ticker,
        }
        if rules.name == "binance-spot":
            self.routes |= {"uiKlines": self._klines, "avgPrice": self._average}
        else:
            self.routes["premiumIndex"] = self._premium_index

    def weight(self, route: str, query: dict[str, str]) -> int:
        """What a request costs; an unreadable one costs as if it had the defaults."""
        rules = self._rules
        if route == "klines" and rules.kline_weights:
            return _by_limit(rules.kline_weights, query.get("limit", ""), ROWS_DEFAULT)
        if route != "depth":
            single = route if "symbol" in query or f"{route}*" not in rules.weights else f"{route}*"
            return rules.weights[single]
        return _by_limit(rules.depth_weights, query.get("limit", ""), rules.depth_limit_default)

    def answer(self, route: str, query: dict[str, str], venue_ms: int) -> Any:
        """What `GET <prefix>/<route>` answers. Raises RestError."""
        return self.routes[route](Parameters(query, self._market, self._rules), venue_ms)

    def _ping(self, parameters: Parameters, venue_ms: int) -> dict[str, Any]:
        return {}

    def _time(self, parameters: Parameters, venue_ms: int) -> dict[str, Any]:
        return {"serverTime": venue_ms}

    def _exchange_info(self, parameters: Parameters, venue_ms: int) -> dict[str, Any]:
        symbol = parameters.symbol() if parameters.has("symbol") else None
        return exchange_info(self._market.facts, self._rules, venue_ms, symbol)

    def _depth(self, parameters: Parameters, venue_ms: int) -> dict[str, Any]:
        rules = self._rules
        symbol = parameters.symbol()
        limit = parameters.limit(rules.depth_limit_default, rules.depth_limits or range(1, 1 << 63))
        book = self._market.frozen.get(symbol, self._market.books[symbol])
        if not book.known:
            raise RestError(-1112, "No orders on book for symbol.")
        bids, asks = book.top(min(limit, rules.depth_limit_max))
        if rules.name == "binance-spot":
            return {"lastUpdateId": book.last_update_id, "bids": bids, "asks": asks}
        times = {"E": book.event_ms, "T": book.transaction_ms}
        return {"lastUpdateId": book.last_update_id, **times, "bids": bids, "asks": asks}

    def _trades(self, parameters: Parameters, venue_ms: int) -> list[dict[str, Any]]:
        prints = self._market.prints[parameters.symbol()]
        return self._rows(_newest(prints, parameters.limit(ROWS_DEFAULT, ROW_LIMITS)))

    def _historical_trades(self, parameters: Parameters, venue_ms: int) -> list[dict[str, Any]]:
        prints = self._market.prints[parameters.symbol()]
        limit = parameters.limit(ROWS_DEFAULT, ROW_LIMITS)
        from_id = parameters.integer("fromId")
        if from_id is None:
            return self._rows(_newest(prints, limit))
        found = (data for data in prints if lines.trade_decoder.decode(data).id >= from_id)
        return self._rows(list(islice(found, limit)))

    def _aggregates(self, parameters: Parameters, venue_ms: int) -> list[dict[str, Any]]:
        aggregates = self._market.aggregates[parameters.symbol()]
        limit = parameters.limit(ROWS_DEFAULT, ROW_LIMITS)
        from_id = parameters.integer("fromId")
        start_ms, end_ms = parameters.integer("startTime"), parameters.integer("endTime")
        if from_id is None and start_ms is None and end_ms is None:
            return [_aggregate_row(data) for data in _newest(aggregates, limit)]
        rows = (_aggregate_row(data) for data in aggregates)
        found = (
            row
            for row in rows
            if row["a"] >= (from_id or 0) and row["T"] >= (start_ms or 0) and (end_ms is None or row["T"] <= end_ms)
        )
        return list(islice(found, limit))

    def _book_ticker(self, parameters: Parameters, venue_ms: int) -> Any:
        if parameters.has("symbol"):
            return self._ticker(parameters.symbol())
        return [self._ticker(symbol) for symbol in self._market.tickers]

    def _ticker(self, symbol: str) -> dict[str, Any]:
        data = self._market.tickers.get(symbol)
        if data is None:
            raise RestError(-1112, "No orders on book for symbol.")
        ticker = lines.ticker_decoder.decode(data)
        row: dict[str, Any] = {
            "symbol": symbol,
            "bidPrice": ticker.bid,
            "bidQty": ticker.bid_size,
            "askPrice": ticker.ask,
            "askQty": ticker.ask_size,
        }
        if self._rules.name == "binance-usdm":
            row |= {"time": ticker.transaction_ms, "lastUpdateId": ticker.update_id}
        return row

    def _klines(self, parameters: Parameters, venue_ms: int) -> list[Any]:
        symbol, interval = parameters.symbol(), parameters.text("interval")
        if interval not in INTERVALS or (interval == "1s" and self._rules.name != "binance-spot"):
            raise RestError(-1120, "Invalid interval.")
        limit = parameters.limit(ROWS_DEFAULT, range(1, self._rules.kline_limit_max + 1))
        start_ms, end_ms = parameters.integer("startTime"), parameters.integer("endTime")
        bars = [
            bar
            for bar in self._derived.bars(symbol, interval, venue_ms).last(BARS_KEPT_MAX + 1)
            if bar.open_ms >= (start_ms or 0) and (end_ms is None or bar.open_ms <= end_ms)
        ]
        found = bars[-limit:] if start_ms is None else bars[:limit]
        return [self._derived.kline_row(symbol, bar) for bar in found]

    def _day_ticker(self, parameters: Parameters, venue_ms: int) -> Any:
        return self._each(parameters, lambda symbol: self._day_row(symbol, venue_ms))

    def _day_row(self, symbol: str, venue_ms: int) -> dict[str, Any] | None:
        day = self._derived.day(symbol, venue_ms)
        return self._derived.ticker_row(symbol, day, venue_ms) if day else None

    def _price_ticker(self, parameters: Parameters, venue_ms: int) -> Any:
        return self._each(parameters, self._price_row)

    def _price_row(self, symbol: str) -> dict[str, Any] | None:
        prints = self._market.prints[symbol]
        if not prints:
            return None
        trade = lines.trade_decoder.decode(prints[-1])
        row: dict[str, Any] = {"symbol": symbol, "price": trade.price}
        return row if self._rules.name == "binance-spot" else row | {"time": trade.time_ms}

    def _average(self, parameters: Parameters, venue_ms: int) -> dict[str, Any]:
        symbol = parameters.symbol()
        five = merged(self._derived.bars(symbol, "1m", venue_ms).last(5))
        if five is None:
            raise RestError(-1112, "No orders on book for symbol.")
        price = self._derived.spelling(symbol).price(five.quote / five.volume)
        return {"mins": 5, "price": price, "closeTime": venue_ms}

    def _premium_index(self, parameters: Parameters, venue_ms: int) -> Any:
        return self._each(parameters, lambda symbol: self._premium_row(symbol, venue_ms))

    def _premium_row(self, symbol: str, venue_ms: int) -> dict[str, Any] | None:
        mark = self._derived.mark(symbol)
        if mark is None:
            return None
        row: dict[str, Any] = {"symbol": symbol, "markPrice": mark["p"], "indexPrice": mark["i"]}
        row |= {"estimatedSettlePrice": mark["P"], "lastFundingRate": FUNDING_RATE, "interestRate": FUNDING_RATE}
        return row | {"nextFundingTime": (venue_ms // FUNDING_MS + 1) * FUNDING_MS, "time": venue_ms}

    def _each(self, parameters: Parameters, row_of: Callable[[str], dict[str, Any] | None]) -> Any:
        """One symbol's row, or those of all symbols that have one."""
        if not parameters.has("symbol"):
            return [row for symbol in self._market.prints if (row := row_of(symbol))]
        row = row_of(parameters.symbol())
        if row is None:
            raise RestError(-1112, "No orders on book for symbol.")
        return row

    def _rows(self, prints: list[bytes]) -> list[dict[str, Any]]:
        trades = [lines.trade_decoder.decode(data) for data in prints]
        if self._rules.name == "binance-spot":
            return [_trade_row(trade) | {"isBestMatch": trade.best_match} for trade in trades]
        return [_trade_row(trade) | {"isRPITrade": False} for trade in trades]


def _by_limit(weights: tuple[tuple[int, int], ...], text: str, default: int) -> int:
    limit = int(text) if text.isascii() and text.isdigit() else default
    return next((weight for up_to, weight in weights if limit <= up_to), weights[-1][1])


def _newest(kept: deque[bytes], limit: int) -> list[bytes]:
    return list(islice(reversed(kept), limit))[::-1]


def _trade_row(trade: lines.Trade) -> dict[str, Any]:
    price = lines.number(trade.price)
    exponent = price.as_tuple().exponent
    # The venue cuts the product to the decimals its prices are written with.
    unit = Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)
    return {
        "id": trade.id,
        "price": trade.price,
        "qty": trade.size,
        "quoteQty": format((price * lines.number(trade.size)).quantize(unit, ROUND_DOWN), "f"),
        "time": trade.time_ms,
        "isBuyerMaker": trade.buyer_is_maker,
    }


def _aggregate_row(data: bytes) -> dict[str, Any]:
    frame: dict[str, Any] = msgspec.json.decode(data)
    return {key: frame[key] for key in ("a", "p", "q", "nq", "f", "l", "T", "m", "M") if key in frame}
