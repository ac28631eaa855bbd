"""Which payload goes where: a taker per stream name, and per event type for payloads without a wrapper."""

from collections.abc import Callable

from papertape.data.wire.binance import payloads
from papertape.data.wire.binance.feed import SymbolFeed
from papertape.data.wire.binance.stream_names import DIFF_SPEEDS, PARTIAL_LEVELS
from papertape.data.wire.binance.value_routing import bare_value_taker, value_takers

Take = Callable[[int, bytes], None]
"""Takes (arrival in ns, frame as received); raises msgspec's errors when it is not of its form."""


def stream_takers(feed: SymbolFeed) -> dict[bytes, Take]:
    """Takers of combined frames by stream name. Partial depth is told from diffs by the name alone."""
    symbol = feed.symbol.lower()

    def trade(ts: int, frame: bytes) -> None:
        feed.take_trade(ts, payloads.decode_trade_frame(frame).data)

    def agg_trade(ts: int, frame: bytes) -> None:
        feed.take_agg_trade(ts, payloads.decode_agg_trade_frame(frame).data)

    def book_ticker(ts: int, frame: bytes) -> None:
        feed.take_book_ticker(ts, payloads.decode_book_ticker_frame(frame).data)

    def depth(ts: int, frame: bytes) -> None:
        feed.take_depth(ts, payloads.decode_depth_update_frame(frame).data)

    def partial(ts: int, frame: bytes) -> None:
        if b'"lastUpdateId"' in frame:
            feed.take_partial(ts, payloads.decode_partial_depth_frame(frame).data)
        else:
            feed.take_partial_update(ts, payloads.decode_depth_update_frame(frame).data)

    takers = {"trade": trade, "aggTrade": agg_trade, "bookTicker": book_ticker}
    takers |= {f"depth{speed}": depth for speed in DIFF_SPEEDS}
    takers |= {f"depth{levels}{speed}": partial for levels in PARTIAL_LEVELS for speed in DIFF_SPEEDS}
    takers |= value_takers(feed.values)
    return {f"{symbol}@{name}".encode(): taker for name, taker in takers.items()}


def bare_taker(feed: SymbolFeed, event_type: str | None) -> Take | None:
    """The taker of a payload without wrapper; spot's bookTicker is the one that has no event type."""
    match event_type:
        case "trade":
            return lambda ts, payload: feed.take_trade(ts, payloads.decode_trade(payload))
        case "aggTrade":
            return lambda ts, payload: feed.take_agg_trade(ts, payloads.decode_agg_trade(payload))
        case "depthUpdate":
            return lambda ts, payload: feed.take_depth(ts, payloads.decode_depth_update(payload))
        case "bookTicker" | None:
            return lambda ts, payload: feed.take_book_ticker(ts, payloads.decode_book_ticker(payload))
    return bare_value_taker(feed.values, event_type)
