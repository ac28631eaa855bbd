"""Decoded payloads of several worlds into judged records, one at a time.

What a payload is shows in its keys:

* Binance (spot and USD-M, bare or in a combined frame): `e` of trade, aggTrade, bookTicker or depthUpdate; spot's
  bookTicker has no `e` but `u`, `b` and `a`; its partial depth has `lastUpdateId` and only the frame's stream names it;
* MetaTrader 5: `time_msc` (UTC, milliseconds), `bid`, `ask`; a tick whose `last` is above 0 and whose flags have
  bit 8 or 16 is a print of `volume_real`, any other a quote without sizes;
* ccxt: `price` and `amount` are a trade, lists of `bids` and `asks` a book, single ones a quote.

A venue's ids stand where its protocol gives numbers, else NO_ID.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from papertape.core.errors import DecodeError
from papertape.core.records import EVENT_RECORDS_MAX, NO_ID, Flag, Kind, Verdict
from papertape.data.quality.gate import Side
from papertape.data.wire.listed import Listed, exact_text

MS_NS = 1_000_000
MS_MAX = 9_000_000_000_000
"""The year 2255: nanoseconds stay within 64 bits."""
ID_MAX = 1 << 62
MT5_PRINT_FLAGS = 8 | 16
"""TICK_FLAG_LAST and TICK_FLAG_VOLUME."""
_ASK = int(Flag.ASK)

Raw = Mapping[str, Any]


def unwrapped(raw: Raw) -> tuple[Raw, str]:
    """The payload, and the name of its symbol as it stands there. Raises DecodeError when none does."""
    stream, data = raw.get("stream"), raw.get("data")
    if isinstance(stream, str) and isinstance(data, dict):
        return data, data.get("s") or stream.partition("@")[0].upper()
    symbol = raw.get("s") or raw.get("symbol")
    if isinstance(symbol, str):
        return raw, symbol
    raise DecodeError(f"expected a payload that names its symbol in `s`, `symbol` or `stream`, was {_shown(raw)}")


def normalise(raw: Raw, listed: Listed, ts_recv_ns: int) -> None:
    """Judge and pack one unwrapped payload into the gate of `listed`. Raises DecodeError when it is of no known form."""
    try:
        _taker(raw)(raw, listed, ts_recv_ns)
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise DecodeError(
            f"{listed.instrument.venue} {listed.instrument.symbol}: a payload cannot be read "
            f"({type(error).__name__} {error}): {_shown(raw)}"
        ) from error


def _taker(raw: Raw) -> Callable[[Raw, Listed, int], None]:
    event = raw.get("e")
    if event is not None:
        taker = _BINANCE.get(event)
    elif "time_msc" in raw:
        taker = _mt5_tick
    elif "lastUpdateId" in raw or isinstance(raw.get("bids"), list):
        taker = _whole_book
    elif "amount" in raw:
        taker = _ccxt_trade
    elif "u" in raw and "b" in raw:
        taker = _binance_quote
    elif "bid" in raw:
        taker = _ccxt_quote
    else:
        taker = None
    if taker is None:
        raise DecodeError(f"expected a trade, a quote or a book, was {_shown(raw)}")
    return taker


def _binance_trade(raw: Raw, listed: Listed, ts_recv_ns: int) -> None:
    (price,), (size,) = listed.read([exact_text(raw["p"])], [exact_text(raw["q"])], ts_recv_ns)
    side = _ASK if raw["m"] is True else 0
    ts = _ns(raw.get("T") or raw.get("E"))
    if raw["e"] == "trade":
        _trade(listed, ts, ts_recv_ns, side, price, size, _id(raw["t"]))
    else:
        first, last, ident = _id(raw["f"]), _id(raw["l"]), _id(raw["a"])
        listed.gate.trade(listed.number, ts, ts_recv_ns, Kind.AGG_PRINT, side, 0, price, size, first, last, ident)


def _binance_quote(raw: Raw, listed: Listed, ts_recv_ns: int) -> None:
    ts = _ns(raw.get("T") or raw.get("E"))
    _quote(listed, ts, ts_recv_ns, (raw["b"], raw["a"]), (raw["B"], raw["A"]), _id(raw["u"]))


def _binance_depth(raw: Raw, listed: Listed, ts_recv_ns: int) -> None:
    levels = _levels(listed, raw["b"], raw["a"], ts_recv_ns)
    ts = _ns(raw.get("T") or raw.get("E"))
    first, previous, final = _id(raw["U"]), _id(raw.get("pu")), _id(raw["u"])
    kind = int(Kind.DEPTH_DELTA)
    listed.gate.depth(listed.number, ts, ts_recv_ns, kind, 0, 0, *levels, first, previous, final)


def _whole_book(raw: Raw, listed: Listed, ts_recv_ns: int) -> None:
    """The top of a book as it is sent whole: Binance's partial depth, and every book of ccxt."""
    levels = _levels(listed, raw["bids"], raw["asks"], ts_recv_ns)
    ident = _id(raw.get("lastUpdateId", raw.get("nonce")))
    ts = _ns(raw.get("timestamp"))
    listed.gate.depth(listed.number, ts, ts_recv_ns, int(Kind.DEPTH_PARTIAL), 0, 0, *levels, 0, 0, ident)


def _mt5_tick(raw: Raw, listed: Listed, ts_recv_ns: int) -> None:
    ts = _ns(raw["time_msc"])
    last = raw.get("last") or 0
    if last and raw.get("flags", 0) & MT5_PRINT_FLAGS:
        size = raw.get("volume_real") or raw.get("volume") or 0
        (price,), (volume,) = listed.read([exact_text(last)], [exact_text(size)], ts_recv_ns)
        _trade(listed, ts, ts_recv_ns, 0, price, volume, NO_ID)
    else:
        _quote(listed, ts, ts_recv_ns, (raw["bid"], raw["ask"]), (0, 0), NO_ID)


def _ccxt_trade(raw: Raw, listed: Listed, ts_recv_ns: int) -> None:
    (price,), (size,) = listed.read([exact_text(raw["price"])], [exact_text(raw["amount"])], ts_recv_ns)
    side = _ASK if raw.get("side") == "sell" else 0
    _trade(listed, _ns(raw.get("timestamp")), ts_recv_ns, side, price, size, _id(raw.get("id")))


def _ccxt_quote(raw: Raw, listed: Listed, ts_recv_ns: int) -> None:
    """A ticker without sizes has sizes of 0: unknown."""
    sizes = (raw.get("bidVolume") or 0, raw.get("askVolume") or 0)
    _quote(listed, _ns(raw.get("timestamp")), ts_recv_ns, (raw["bid"], raw["ask"]), sizes, NO_ID)


_BINANCE = {
    "trade": _binance_trade,
    "aggTrade": _binance_trade,
    "bookTicker": _binance_quote,
    "depthUpdate": _binance_depth,
}


def _trade(listed: Listed, ts_event_ns: int, ts_recv_ns: int, side: int, price: int, size: int, ident: int) -> None:
    repeated = int(Verdict.DUPLICATE) if listed.is_repeated(ident) else 0
    listed.gate.trade(listed.number, ts_event_ns, ts_recv_ns, Kind.PRINT, side, repeated, price, size, 0, 0, ident)


def _quote(
    listed: Listed,
    ts_event_ns: int,
    ts_recv_ns: int,
    prices: tuple[object, object],
    sizes: tuple[object, object],
    ident: int,
) -> None:
    (bid, ask), (bid_size, ask_size) = listed.read(
        [exact_text(one) for one in prices], [exact_text(one) for one in sizes], ts_recv_ns
    )
    listed.gate.quote(listed.number, ts_event_ns, ts_recv_ns, bid, bid_size, ask, ask_size, ident)


def _levels(
    listed: Listed, bids: Sequence[Sequence[object]], asks: Sequence[Sequence[object]], ts_recv_ns: int
) -> tuple[Side, Side]:
    count = len(bids) + len(asks)
    if count > EVENT_RECORDS_MAX:
        raise DecodeError(f"expected at most {EVENT_RECORDS_MAX} levels in an event, was {count}")
    both = [*bids, *asks]
    prices, sizes = listed.read([exact_text(one[0]) for one in both], [exact_text(one[1]) for one in both], ts_recv_ns)
    return (prices[: len(bids)], sizes[: len(bids)]), (prices[len(bids) :], sizes[len(bids) :])


def _ns(milliseconds: object) -> int:
    """Milliseconds as nanoseconds; 0 for a time that is not given."""
    if milliseconds is None:
        return 0
    if not isinstance(milliseconds, int) or not 0 <= milliseconds <= MS_MAX:
        raise ValueError(f"expected milliseconds since 1970, was {milliseconds!r}")
    return milliseconds * MS_NS


def _id(value: object) -> int:
    """A venue's id as a number; NO_ID for one that is none, or is not given."""
    if isinstance(value, str) and value.isdigit() and value.isascii() and len(value) <= 19:
        value = int(value)
    return value if isinstance(value, int) and 0 <= value <= ID_MAX else NO_ID


def _shown(raw: Raw) -> str:
    return repr(raw)[:120]
