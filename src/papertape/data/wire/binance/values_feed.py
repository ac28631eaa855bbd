"""Klines, mark prices, liquidations and tickers of one symbol: typed payloads in, judged events of values out.

Decimals are told apart from the instrument's scales (`core/values`), so none of them opens an epoch.
"""

from papertape.core.errors import DecodeError
from papertape.core.records import Flag, GapCause, Kind, Verdict
from papertape.core.values import INTERVAL_NAMES, INTERVALS, Field, Interval, parse_decimal
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.kline_times import KlineTimes
from papertape.data.wire.binance.payloads import time_ns
from papertape.data.wire.binance.value_payloads import ForceOrder, Kline, KlineEvent, MarkPrice, RestKline, Ticker

Values = list[tuple[Field, int, int]]


class ValuesFeed:
    """State of one symbol. The `take_*` methods raise DecodeError and leave no trace then."""

    def __init__(self, index: int, gate: Gate) -> None:
        self.klines = KlineTimes()
        self._index = index
        self._gate = gate

    def take_kline(self, ts_recv_ns: int, event: KlineEvent) -> None:
        """A kline as it stands, or closed."""
        one, interval = event.k, interval_of(event.k.i)
        values = _kline_values(one, interval)
        open_ns = time_ns(one.t)
        verdict = self.klines.arrive(interval, open_ns, time_ns(one.T), one.x)
        if verdict & Verdict.SEQUENCE_GAP:
            missing = self.klines.missing[-1]
            self._gap(ts_recv_ns, missing.first_ns, missing.until_ns - 1)
        self._gate.values(self._index, time_ns(event.E), ts_recv_ns, Kind.KLINE, 0, verdict, values)

    def take_rest_klines(self, ts_recv_ns: int, interval: Interval, rows: list[RestKline]) -> None:
        """Klines fetched to heal a gap: only those that are missing count."""
        name = INTERVAL_NAMES[interval]
        missing = [row for row in rows if self.klines.lacks(interval, time_ns(row[0]))]
        bars = [
            Kline(t=t, T=end, i=name, o=o, h=h, l=low, c=c, v=v, n=n, x=True, q=q, V=taker, Q=taker_quote)
            for t, o, h, low, c, v, end, q, n, taker, taker_quote, _ in missing
        ]
        events = [(time_ns(bar.T), _kline_values(bar, interval)) for bar in bars]
        for ts, values in events:
            late = int(Verdict.OUT_OF_ORDER)
            self._gate.values(self._index, ts, ts_recv_ns, Kind.KLINE, int(Flag.BACKFILL), late, values)

    def take_mark_price(self, ts_recv_ns: int, mark: MarkPrice) -> None:
        """Mark price, index and funding."""
        values = _decimals(
            (Field.MARK, mark.p),
            (Field.MARK_AVERAGE, mark.ap),
            (Field.INDEX, mark.i),
            (Field.SETTLE, mark.P),
            (Field.FUNDING_RATE, mark.r),
        )
        if mark.T:
            values.append((Field.FUNDING_TIME, time_ns(mark.T), 0))
        self._gate.values(self._index, time_ns(mark.E), ts_recv_ns, Kind.MARK_PRICE, 0, 0, values)

    def take_force_order(self, ts_recv_ns: int, event: ForceOrder) -> None:
        """A liquidation. The venue tells at most one a second of each symbol, hence SAMPLE."""
        order = event.o
        values = _decimals(
            (Field.PRICE, order.p),
            (Field.SIZE, order.q),
            (Field.AVERAGE_PRICE, order.ap),
            (Field.LAST_SIZE, order.l),
            (Field.FILLED_SIZE, order.z),
        )
        if order.S not in ("BUY", "SELL"):
            raise DecodeError(f"expected the side of a liquidation to be BUY or SELL, was {order.S!r}")
        flags = int(Flag.SAMPLE) | (int(Flag.ASK) if order.S == "SELL" else 0)
        self._gate.values(self._index, time_ns(order.T), ts_recv_ns, Kind.LIQUIDATION, flags, 0, values)

    def take_ticker(self, ts_recv_ns: int, ticker: Ticker) -> None:
        """A ticker of 24 hours or another window."""
        self._ticker(ts_recv_ns, Kind.TICKER, ticker)

    def take_mini_ticker(self, ts_recv_ns: int, ticker: Ticker) -> None:
        """The short form of a 24-hour ticker."""
        self._ticker(ts_recv_ns, Kind.MINI_TICKER, ticker)

    def _ticker(self, ts_recv_ns: int, kind: Kind, ticker: Ticker) -> None:
        values: Values = []
        if ticker.C:
            values.append((Field.SPAN, time_ns(ticker.O), time_ns(ticker.C)))
        if ticker.n >= 0:
            values += [(Field.TRADE_IDS, ticker.F, ticker.L), (Field.TRADES, ticker.n, 0)]
        values += _decimals(
            (Field.OPEN, ticker.o),
            (Field.HIGH, ticker.h),
            (Field.LOW, ticker.l),
            (Field.CLOSE, ticker.c),
            (Field.VOLUME, ticker.v),
            (Field.QUOTE_VOLUME, ticker.q),
            (Field.AVERAGE_PRICE, ticker.w),
            (Field.LAST_SIZE, ticker.Q),
            (Field.CHANGE, ticker.p),
            (Field.CHANGE_PERCENT, ticker.P),
            (Field.PREVIOUS_CLOSE, ticker.x),
            (Field.BID, ticker.b),
            (Field.BID_SIZE, ticker.B),
            (Field.ASK, ticker.a),
            (Field.ASK_SIZE, ticker.A),
        )
        self._gate.values(self._index, time_ns(ticker.E), ts_recv_ns, kind, 0, 0, values)

    def _gap(self, ts_recv_ns: int, first: int, last: int) -> None:
        self._gate.buffer.gap(ts_recv_ns, self._index, GapCause.IDS_MISSING, Kind.KLINE, first, last)


def interval_of(name: str) -> Interval:
    """The interval that the venue names so; raises DecodeError where there is none."""
    interval = INTERVALS.get(name)
    if interval is None:
        raise DecodeError(f"expected a kline interval ({', '.join(INTERVALS)}), was {name!r}")
    return interval


def _kline_values(one: Kline, interval: Interval) -> Values:
    return [
        (Field.SPAN, time_ns(one.t), time_ns(one.T)),
        (Field.STATE, interval, int(one.x)),
        (Field.TRADE_IDS, one.f, one.L),
        (Field.TRADES, one.n, 0),
        *_decimals(
            (Field.OPEN, one.o),
            (Field.HIGH, one.h),
            (Field.LOW, one.l),
            (Field.CLOSE, one.c),
            (Field.VOLUME, one.v),
            (Field.QUOTE_VOLUME, one.q),
            (Field.TAKER_VOLUME, one.V),
            (Field.TAKER_QUOTE_VOLUME, one.Q),
        ),
    ]


def _decimals(*texts: tuple[Field, str]) -> Values:
    """What is given, which an empty text is not."""
    return [(field, *parse_decimal(text)) for field, text in texts if text]
