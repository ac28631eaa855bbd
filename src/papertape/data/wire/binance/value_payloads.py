"""Payloads of klines, mark prices, liquidations and tickers as typed structs; see `payloads` for what they share."""

import msgspec

from papertape.data.wire.binance.payloads import Id, Ms


class Kline(msgspec.Struct, gc=False):
    """The bar in `KlineEvent`: times, interval, first and last trade id, prices, volumes; `x` says that it is closed."""

    t: Ms
    T: Ms
    i: str
    o: str
    c: str
    h: str
    l: str  # noqa: E741 - the venue's name
    v: str
    n: Id
    x: bool
    q: str
    V: str
    Q: str
    f: Id = -1
    L: Id = -1


class KlineEvent(msgspec.Struct):
    """`<s>@kline_<i>`."""

    k: Kline
    E: Ms = 0
    s: str = ""
    st: int = 1


class MarkPrice(msgspec.Struct, gc=False):
    """`<s>@markPrice[@1s]` of USD-M: mark, its average, index, settlement price, funding rate and time."""

    p: str
    E: Ms = 0
    s: str = ""
    ap: str = ""
    i: str = ""
    P: str = ""
    r: str = ""
    T: Ms = 0
    st: int = 1


class LiquidationOrder(msgspec.Struct, gc=False):
    """The order in `ForceOrder`: quantity, price, average price, last and accumulated filled quantity."""

    S: str
    q: str
    p: str
    ap: str
    l: str  # noqa: E741 - the venue's name
    z: str
    T: Ms
    s: str = ""


class ForceOrder(msgspec.Struct):
    """`<s>@forceOrder` of USD-M: one liquidation of the second, of perhaps many."""

    o: LiquidationOrder
    E: Ms = 0
    st: int = 1

    @property
    def s(self) -> str:
        """Its symbol."""
        return self.o.s


class Ticker(msgspec.Struct, gc=False):
    """`<s>@ticker`, `<s>@ticker_<window>` and `<s>@miniTicker`; each gives some of the fields."""

    o: str
    h: str
    l: str  # noqa: E741 - the venue's name
    c: str
    v: str
    q: str
    E: Ms = 0
    s: str = ""
    p: str = ""
    P: str = ""
    w: str = ""
    x: str = ""
    Q: str = ""
    b: str = ""
    B: str = ""
    a: str = ""
    A: str = ""
    O: Ms = 0  # noqa: E741 - the venue's name
    C: Ms = 0
    F: Id = -1
    L: Id = -1
    n: Id = -1
    st: int = 1


class KlineFrame(msgspec.Struct):
    """A combined frame with `KlineEvent`."""

    data: KlineEvent


class MarkPriceFrame(msgspec.Struct):
    """A combined frame with `MarkPrice`."""

    data: MarkPrice


class ForceOrderFrame(msgspec.Struct):
    """A combined frame with `ForceOrder`."""

    data: ForceOrder


class TickerFrame(msgspec.Struct):
    """A combined frame with `Ticker`."""

    data: Ticker


class MarkPricesFrame(msgspec.Struct):
    """A combined frame of `!markPrice@arr[@1s]`."""

    data: list[MarkPrice]


class TickersFrame(msgspec.Struct):
    """A combined frame of `!ticker@arr`, `!ticker_<window>@arr` and `!miniTicker@arr`."""

    data: list[Ticker]


decode_kline_frame = msgspec.json.Decoder(KlineFrame).decode
decode_mark_price_frame = msgspec.json.Decoder(MarkPriceFrame).decode
decode_force_order_frame = msgspec.json.Decoder(ForceOrderFrame).decode
decode_ticker_frame = msgspec.json.Decoder(TickerFrame).decode
decode_mark_prices_frame = msgspec.json.Decoder(MarkPricesFrame).decode
decode_tickers_frame = msgspec.json.Decoder(TickersFrame).decode
decode_kline = msgspec.json.Decoder(KlineEvent).decode
decode_mark_price = msgspec.json.Decoder(MarkPrice).decode
decode_force_order = msgspec.json.Decoder(ForceOrder).decode
decode_ticker = msgspec.json.Decoder(Ticker).decode

RestKline = tuple[Ms, str, str, str, str, str, Ms, str, Id, str, str, str]
"""A row of REST `klines`: open time, open, high, low, close, volume, close time, quote volume, trades, taker volumes."""
decode_rest_klines = msgspec.json.Decoder(list[RestKline]).decode
