"""Binance payloads as typed structs, and their decoders.

Field names are the venue's own (streams: wire-protocol tables of spot and USD-M; REST: depth,
trades, exchangeInfo). Prices and quantities stay text until the instrument's scale is known, levels of depth the JSON that came.
Unknown keys are ignored, as the venue adds some now and then.
"""

from typing import Annotated, Any

import msgspec

from papertape.core.errors import DecodeError

Id = Annotated[int, msgspec.Meta(ge=-1, le=1 << 62)]
Ms = Annotated[int, msgspec.Meta(ge=0, le=9_000_000_000_000_000)]
"""Milliseconds since 1970, or microseconds (the connection's `timeUnit`); the bound (year 2255) keeps ns within 64 bits."""
MS_MAX = 9_000_000_000_000
"""Above this a time is in microseconds: as milliseconds it would lie beyond the year 2255."""


def time_ns(time: int) -> int:
    """A time of the venue in ns, whichever unit it came in; microseconds are told by their magnitude."""
    return time * 1_000_000 if time <= MS_MAX else time * 1_000


class Trade(msgspec.Struct, gc=False):
    """`<s>@trade`: one print. `X` is USD-M's undocumented cause."""

    t: Id
    p: str
    q: str
    T: Ms
    m: bool
    E: Ms = 0
    s: str = ""
    X: str = ""


class AggTrade(msgspec.Struct, gc=False):
    """`<s>@aggTrade`: prints of one taker order at one price."""

    a: Id
    p: str
    q: str
    f: Id
    l: Id  # noqa: E741 - the venue's name
    T: Ms
    m: bool
    E: Ms = 0
    s: str = ""


class BookTicker(msgspec.Struct, gc=False):
    """`<s>@bookTicker`: best bid and ask. Spot gives no times."""

    u: Id
    b: str
    B: str
    a: str
    A: str
    E: Ms = 0
    T: Ms = 0
    s: str = ""


class DepthUpdate(msgspec.Struct):
    """`<s>@depth`: absolute sizes of changed levels. `pu` and `T` are given by USD-M only."""

    U: Id
    u: Id
    b: msgspec.Raw
    a: msgspec.Raw
    E: Ms = 0
    T: Ms = 0
    pu: Id = -1
    s: str = ""


class PartialDepth(msgspec.Struct):
    """`<s>@depth5|10|20` of spot: the top of the book, without symbol or event type."""

    lastUpdateId: Id
    bids: msgspec.Raw
    asks: msgspec.Raw


class Snapshot(msgspec.Struct):
    """REST `depth`. Spot gives no times."""

    lastUpdateId: Id
    bids: msgspec.Raw
    asks: msgspec.Raw
    E: Ms = 0
    T: Ms = 0


class RestTrade(msgspec.Struct, gc=False):
    """One row of REST `trades` and `historicalTrades`."""

    id: Id
    price: str
    qty: str
    time: Ms
    isBuyerMaker: bool


class SymbolFilter(msgspec.Struct):
    """One filter of exchangeInfo; only the fields that price, lot and notional rules need."""

    filterType: str
    tickSize: str = "0"
    stepSize: str = "0"
    minQty: str = "0"
    minNotional: str = "0"
    notional: str = "0"


class ExchangeSymbol(msgspec.Struct):
    """One symbol of exchangeInfo."""

    symbol: str
    status: str = ""
    baseAsset: str = ""
    quoteAsset: str = ""
    marginAsset: str = ""
    filters: list[SymbolFilter] = []


class RateLimit(msgspec.Struct):
    """One limit of exchangeInfo."""

    rateLimitType: str
    interval: str
    intervalNum: int
    limit: int


class ExchangeInfo(msgspec.Struct):
    """REST `exchangeInfo`."""

    symbols: list[ExchangeSymbol]
    serverTime: Ms = 0
    rateLimits: list[RateLimit] = []

    @property
    def weight_limit(self) -> int | None:
        """REST weight a minute, if it says so."""
        for one in self.rateLimits:
            if (one.rateLimitType, one.interval, one.intervalNum) == ("REQUEST_WEIGHT", "MINUTE", 1) and one.limit > 0:
                return one.limit
        return None


class ServerTime(msgspec.Struct):
    """REST `time`."""

    serverTime: Ms


class ReelNote(msgspec.Struct):
    """What a reel notes beside what the venue said: the connection went down, another recorder goes on, or prints exist
    up to an id; and klines of REST, whose own text does not say of which interval they are.
    """

    link: str = ""
    trades_until: Id = -1
    interval: str = ""
    klines: msgspec.Raw = msgspec.Raw()


_ABSENT = msgspec.Raw()
"""Where no value stands, and then false; msgspec takes `Raw | None` to mean null alone."""


class Envelope(msgspec.Struct):
    """The keys by which any text the venue sends, or a reel holds, can be told apart."""

    stream: str | None = None
    e: str | None = None
    s: str | None = None
    u: Id | None = None
    lastUpdateId: Id | None = None
    symbols: msgspec.Raw = _ABSENT
    serverTime: msgspec.Raw = _ABSENT
    papertape: ReelNote | None = None


class TradeFrame(msgspec.Struct, gc=False):
    """A combined frame with `Trade`."""

    data: Trade


class AggTradeFrame(msgspec.Struct, gc=False):
    """A combined frame with `AggTrade`."""

    data: AggTrade


class BookTickerFrame(msgspec.Struct, gc=False):
    """A combined frame with `BookTicker`."""

    data: BookTicker


class DepthUpdateFrame(msgspec.Struct):
    """A combined frame with `DepthUpdate`."""

    data: DepthUpdate


class PartialDepthFrame(msgspec.Struct):
    """A combined frame with `PartialDepth`."""

    data: PartialDepth


decode_trade_frame = msgspec.json.Decoder(TradeFrame).decode
decode_agg_trade_frame = msgspec.json.Decoder(AggTradeFrame).decode
decode_book_ticker_frame = msgspec.json.Decoder(BookTickerFrame).decode
decode_depth_update_frame = msgspec.json.Decoder(DepthUpdateFrame).decode
decode_partial_depth_frame = msgspec.json.Decoder(PartialDepthFrame).decode
decode_trade = msgspec.json.Decoder(Trade).decode
decode_agg_trade = msgspec.json.Decoder(AggTrade).decode
decode_book_ticker = msgspec.json.Decoder(BookTicker).decode
decode_depth_update = msgspec.json.Decoder(DepthUpdate).decode
decode_snapshot = msgspec.json.Decoder(Snapshot).decode
decode_rest_trades = msgspec.json.Decoder(list[RestTrade]).decode
decode_rest_agg_trades = msgspec.json.Decoder(list[AggTrade]).decode
decode_exchange_info = msgspec.json.Decoder(ExchangeInfo).decode
decode_server_time = msgspec.json.Decoder(ServerTime).decode
decode_envelope = msgspec.json.Decoder(Envelope).decode


def readable(decode: Any, body: bytes, what: str) -> Any:
    """`decode(body)`; raises DecodeError that says what was expected, what is wrong, and shows the start."""
    try:
        return decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(f"expected {what}, was {body[:80]!r}: {error}") from error
