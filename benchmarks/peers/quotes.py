"""The quotes of strategies.py: those of a recording again and again, or made ones where there is no recording."""

from pathlib import Path
from typing import Any

import numpy as np
from replay import AT_BOTH, BUY, DEPTH, EVENT_DTYPE, SELL
from side import MINUTE_NS, PRICE_DECIMALS, QUOTE_DTYPE, SIZE_DECIMALS, Quotes

from papertape.core.records import Kind, RecordBuffer, as_records
from papertape.data.connectors.reel_connector import ReelConnector
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import USDM
from papertape.runtime.bench import market_stream

PAUSE_NS = 1_000_000_000
"""Between the end of a recording and its next round."""
STEP_NS = 1_000


def recorded(reel: Path, symbol: str) -> Quotes:
    """The quotes of a recording of Binance USD-M futures."""
    machine = BinanceMachine(USDM, {symbol: 0}, Gate(RecordBuffer()))
    records = as_records(b"".join(ReelConnector(machine, [reel]).batches()))
    return plain(records[records["kind"] == Kind.QUOTE])


def plain(records: Any) -> Quotes:
    """QUOTE records as the sides read them; the time is the arrival."""
    quotes = np.zeros(len(records), QUOTE_DTYPE)
    for name, field in zip(QUOTE_DTYPE.names or (), ("ts_recv_ns", "price", "size", "x", "y"), strict=True):
        quotes[name] = records[field]
    return quotes


def tiled(quotes: Quotes, count: int) -> Quotes:
    """`quotes` again and again, each round later than the one before, cut at `count`."""
    rounds = -(-count // len(quotes))
    span = int(quotes["time_ns"][-1] - quotes["time_ns"][0]) + PAUSE_NS
    result = np.tile(quotes, rounds)[:count]
    result["time_ns"] += np.repeat(span * np.arange(rounds), len(quotes))[:count]
    return result


def apart(quotes: Quotes) -> Quotes:
    """No two quotes at one time and none on a minute, where engines may rightly differ.

    hftbacktest wakes once for all data of one time; whether a quote on the minute belongs to the bar before it
    is a matter of settings.
    """
    steps = STEP_NS * np.arange(len(quotes))
    quotes["time_ns"] = np.maximum.accumulate(quotes["time_ns"] - steps) + steps
    if (quotes["time_ns"] % MINUTE_NS == 0).any():
        raise SystemExit("expected no quote exactly on a minute; choose another recording or number of quotes")
    return quotes


def make(reel: Path | None, symbol: str, count: int) -> Quotes:
    """`count` quotes, the same ones at every call."""
    if reel:
        return apart(tiled(recorded(reel, symbol), count))
    quotes = plain(market_stream.quotes(count))
    quotes["time_ns"] += STEP_NS
    return apart(quotes)


def bars_of(quotes: Quotes) -> Any:
    """Open, high, low and close of the bid in each minute that a later quote ends, in ticks; plain numpy as the judge."""
    starts, bid = _minutes(quotes), quotes["bid"]
    highs, lows = np.maximum.reduceat(bid, starts), np.minimum.reduceat(bid, starts)
    return np.stack([bid[starts[:-1]], highs[:-1], lows[:-1], bid[starts[1:] - 1]], axis=1)


def _minutes(quotes: Quotes) -> Any:
    """The first quote of each minute."""
    return np.flatnonzero(np.diff(quotes["time_ns"] // MINUTE_NS, prepend=-1))


def bar_trades_of(quotes: Quotes, *, closed_by_quote: bool) -> dict[str, int]:
    """What the strategy on bars trades, as `side.answer` tells it; plain Python as the judge.

    A bar is closed by the first quote after it, at which the order is filled then, or by a clock before that quote.
    """
    starts, held, orders, cash = _minutes(quotes), 0, 0, 0
    closes = quotes["bid"][starts[1:] - 1]
    for before, close, quote in zip(
        closes[:-1], closes[1:], quotes[starts[2:] - (0 if closed_by_quote else 1)], strict=True
    ):
        if (close > before and not held) or (close < before and held):
            cash += int(quote["bid"]) if held else -int(quote["ask"])
            held, orders = 1 - held, orders + 1
    return {"orders": orders, "fills": orders, "position": held, "cash": cash}


def events_of(quotes: Quotes) -> Any:
    """The quotes as events of hftbacktest: on each side the new level, then the old one as gone.

    A side that stays as it is makes no event, except that a quote without any change tells one again. Where the
    ask rises it goes first, so that the book is never crossed within a quote.
    """
    told = np.empty((len(quotes), 2, 2), bool)
    for side, name in enumerate(("bid", "ask")):
        price, size = quotes[name], quotes[f"{name}_size"]
        told[:, side, 1] = np.diff(price, prepend=price[0]) != 0
        told[:, side, 0] = told[:, side, 1] | (np.diff(size, prepend=0) != 0)
    ask_first = np.diff(quotes["ask"], prepend=0) > 0
    told[ask_first] = told[ask_first, ::-1]
    told[~told.any(axis=(1, 2)), 0, 0] = True
    row, turn, gone = np.nonzero(told)
    is_ask = (turn == 1) != ask_first[row]
    events = np.zeros(len(row), EVENT_DTYPE)
    events["ev"] = AT_BOTH + DEPTH + np.where(is_ask, SELL, BUY)
    events["exch_ts"] = events["local_ts"] = quotes["time_ns"][row]
    events["px"] = np.where(is_ask, quotes["ask"][row - gone], quotes["bid"][row - gone]) / 10**PRICE_DECIMALS
    events["qty"] = np.where(is_ask, quotes["ask_size"][row], quotes["bid_size"][row]) * (1 - gone) / 10**SIZE_DECIMALS
    return events
