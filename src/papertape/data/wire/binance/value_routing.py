"""Which payload of values goes where: by stream name, by event type, and in the streams of all symbols."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from papertape.core.values import INTERVALS
from papertape.data.wire.binance import value_payloads as payloads
from papertape.data.wire.binance.stream_names import MARK_SPEEDS, TICKER_WINDOWS
from papertape.data.wire.binance.values_feed import ValuesFeed

USDM = 1
"""`st` of USD-M in streams that hold COIN-M (2) as well; spot, and USD-M before 2026-06-30, say nothing."""


class _Form(NamedTuple):
    """How a payload is decoded in a combined frame and bare, and who takes it."""

    decode_frame: Callable[[bytes], Any]
    decode: Callable[[bytes], Any]
    take: Callable[[ValuesFeed, int, Any], None]


_KLINE = _Form(payloads.decode_kline_frame, payloads.decode_kline, ValuesFeed.take_kline)
_MARK = _Form(payloads.decode_mark_price_frame, payloads.decode_mark_price, ValuesFeed.take_mark_price)
_FORCE = _Form(payloads.decode_force_order_frame, payloads.decode_force_order, ValuesFeed.take_force_order)
_TICKER = _Form(payloads.decode_ticker_frame, payloads.decode_ticker, ValuesFeed.take_ticker)
_MINI = _Form(payloads.decode_ticker_frame, payloads.decode_ticker, ValuesFeed.take_mini_ticker)

_BY_STREAM: dict[str, _Form] = {
    **{f"kline_{interval}": _KLINE for interval in INTERVALS},
    **{f"markPrice{speed}": _MARK for speed in MARK_SPEEDS},
    **{f"ticker{window}": _TICKER for window in TICKER_WINDOWS},
    "forceOrder": _FORCE,
    "miniTicker": _MINI,
}
_BY_EVENT: dict[str, _Form] = {
    "kline": _KLINE,
    "markPriceUpdate": _MARK,
    "forceOrder": _FORCE,
    "24hrMiniTicker": _MINI,
    **dict.fromkeys(("24hrTicker", "1hTicker", "4hTicker", "1dTicker"), _TICKER),
}
_OF_ALL: dict[str, tuple[Callable[[bytes], Any], Callable[[ValuesFeed, int, Any], None]]] = {
    **{f"!markPrice@arr{speed}": (payloads.decode_mark_prices_frame, _MARK.take) for speed in MARK_SPEEDS},
    **{f"!ticker{window}@arr": (payloads.decode_tickers_frame, _TICKER.take) for window in TICKER_WINDOWS},
    "!miniTicker@arr": (payloads.decode_tickers_frame, _MINI.take),
    "!forceOrder@arr": (payloads.decode_force_order_frame, _FORCE.take),
}


def value_takers(feed: ValuesFeed) -> dict[str, Callable[[int, bytes], None]]:
    """Takers of combined frames by the part of the stream's name behind the symbol."""

    def take(form: _Form, ts: int, frame: bytes) -> None:
        form.take(feed, ts, form.decode_frame(frame).data)

    return {name: partial(take, form) for name, form in _BY_STREAM.items()}


def bare_value_taker(feed: ValuesFeed, event_type: str) -> Callable[[int, bytes], None] | None:
    """The taker of a payload without wrapper, if it holds values."""
    form = _BY_EVENT.get(event_type)
    return None if form is None else lambda ts, payload: form.take(feed, ts, form.decode(payload))


def market_takers(feeds: Mapping[str, ValuesFeed]) -> dict[bytes, Callable[[int, bytes], None]]:
    """Takers of the streams of all symbols: those of `feeds` are taken, and on futures only what is of USD-M."""

    def take(
        decode: Callable[[bytes], Any], take_one: Callable[[ValuesFeed, int, Any], None], ts: int, frame: bytes
    ) -> None:
        data = decode(frame).data
        for one in data if isinstance(data, list) else [data]:
            feed = feeds.get(one.s)
            if feed is not None and one.st == USDM:
                take_one(feed, ts, one)

    return {name.encode(): partial(take, decode, take_one) for name, (decode, take_one) in _OF_ALL.items()}
