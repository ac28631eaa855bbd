"""What a simulated Binance says, as text: payloads and REST bodies with the venue's keys, in the order it writes them.

Written from the venue's documents and from real frames, and not from the decoders that read them here.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from papertape.testing.world.market import FINER, Depth, Event, Print, Quote, SimMarket

SPOT_DECIMALS = 8


def decimal(units: int, decimals: int, least: int = 0) -> str:
    """`units` of 10**-decimals as text, with at least `least` decimals."""
    whole, part = divmod(units, 10**decimals)
    digits = f"{part:0{decimals}d}" if decimals else ""
    digits = digits.ljust(least, "0")
    return f"{whole}.{digits}" if digits else str(whole)


class Texts:
    """The form of one market's texts: spot, or USD-M when `usdm`."""

    def __init__(self, *, usdm: bool) -> None:
        self.usdm = usdm

    def frame(self, market: SimMarket, event: Event, event_ms: int) -> tuple[str, bytes]:
        """(stream, combined frame) of an event that the venue sends at `event_ms` of its clock."""
        name = market.symbol.lower()
        if isinstance(event, Print):
            return f"{name}@trade", self._combined(f"{name}@trade", self._trade(market, event, event_ms))
        if isinstance(event, Quote):
            return f"{name}@bookTicker", self._combined(f"{name}@bookTicker", self._quote(market, event, event_ms))
        return f"{name}@depth@100ms", self._combined(f"{name}@depth@100ms", self._depth(market, event, event_ms))

    def price(self, market: SimMarket, units: int) -> str:
        """A price as this market writes it: spot always with eight decimals, USD-M with those of the tick."""
        decimals = market.price_decimals + 1
        if self.usdm and market.units_per_tick == FINER:
            return decimal(units // FINER, market.price_decimals)
        return decimal(units, decimals, 0 if self.usdm else SPOT_DECIMALS)

    def size(self, market: SimMarket, units: int) -> str:
        """A size as this market writes it."""
        return decimal(units, market.size_decimals, 0 if self.usdm else SPOT_DECIMALS)

    def _combined(self, stream: str, data: dict[str, Any]) -> bytes:
        return compact({"stream": stream, "data": data})

    def _trade(self, market: SimMarket, one: Print, event_ms: int) -> dict[str, Any]:
        numbers = {"t": one.id, "p": self.price(market, one.price), "q": self.size(market, one.size)}
        if self.usdm:
            head = {"e": "trade", "E": event_ms, "T": one.time_ms, "s": market.symbol}
            return {**head, **numbers, "X": "MARKET", "m": one.buyer_is_maker, "st": 1}
        head = {"e": "trade", "E": event_ms, "s": market.symbol}
        return {**head, **numbers, "T": one.time_ms, "m": one.buyer_is_maker, "M": True}

    def _quote(self, market: SimMarket, one: Quote, event_ms: int) -> dict[str, Any]:
        top = {
            "b": self.price(market, one.bid),
            "B": self.size(market, one.bid_size),
            "a": self.price(market, one.ask),
            "A": self.size(market, one.ask_size),
        }
        if self.usdm:
            head = {"e": "bookTicker", "u": one.update_id, "E": event_ms, "T": one.time_ms, "s": market.symbol}
            return {**head, "ps": market.symbol, **top, "st": 1}
        return {"u": one.update_id, "s": market.symbol, **top}

    def _depth(self, market: SimMarket, one: Depth, event_ms: int) -> dict[str, Any]:
        levels = {
            "b": self.levels(market, sorted(one.bids.items(), reverse=not self.usdm)),
            "a": self.levels(market, sorted(one.asks.items())),
        }
        if self.usdm:
            head = {"e": "depthUpdate", "E": event_ms, "T": one.time_ms, "s": market.symbol}
            ids = {"U": one.first_id, "u": one.last_id, "pu": one.previous_id}
            return {**head, **ids, **levels, "ps": market.symbol, "st": 1}
        head = {"e": "depthUpdate", "E": event_ms, "s": market.symbol}
        # Spot's ids follow each other without a hole, so a batch begins where the one before it ended.
        return {**head, "U": one.previous_id + 1, "u": one.last_id, **levels}

    def levels(self, market: SimMarket, levels: Iterable[tuple[int, int]]) -> list[list[str]]:
        """Levels as pairs of texts, in the order given."""
        return [[self.price(market, price), self.size(market, size)] for price, size in levels]

    def snapshot(self, market: SimMarket, limit: int, now_ms: int) -> bytes:
        """REST depth of the moment."""
        bids = self.levels(market, sorted(market.sides[0].items(), reverse=True)[:limit])
        asks = self.levels(market, sorted(market.sides[1].items())[:limit])
        times = {"E": now_ms, "T": now_ms} if self.usdm else {}
        return compact({"lastUpdateId": market.update_id, **times, "bids": bids, "asks": asks})

    def trades(self, market: SimMarket, prints: Sequence[Print]) -> bytes:
        """REST trades and historicalTrades."""
        return compact(
            [
                {
                    "id": one.id,
                    "price": self.price(market, one.price),
                    "qty": self.size(market, one.size),
                    "quoteQty": "0",
                    "time": one.time_ms,
                    "isBuyerMaker": one.buyer_is_maker,
                }
                for one in prints
            ]
        )

    def exchange_info(self, markets: Sequence[SimMarket], now_ms: int) -> bytes:
        """REST exchangeInfo of these markets."""
        return compact({"timezone": "UTC", "serverTime": now_ms, "symbols": [self._listing(one) for one in markets]})

    def _listing(self, market: SimMarket) -> dict[str, Any]:
        tick = self.price(market, market.units_per_tick)
        lot = decimal(1, market.size_decimals, SPOT_DECIMALS)
        filters = [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "9000", "stepSize": lot},
        ]
        quote = {"quoteAsset": "USDT", "marginAsset": "USDT"} if self.usdm else {"quoteAsset": "USDT"}
        base = {"baseAsset": market.symbol.removesuffix("USDT")}
        return {"symbol": market.symbol, "status": "TRADING", **base, **quote, "filters": filters}


def compact(value: object) -> bytes:
    """JSON without spaces, as the venue writes it."""
    return json.dumps(value, separators=(",", ":")).encode()


def error(code: int, text: str) -> bytes:
    """An error body."""
    return compact({"code": code, "msg": text})
