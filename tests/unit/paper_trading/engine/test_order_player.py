"""Orders without code, on a market of a few records."""

from typing import NamedTuple

from papertape.core.instruments import Instrument, InstrumentKind, instrument_event
from papertape.core.records import WHOLE, Kind, RecordBuffer, as_records
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.order_player import OrderPlayer, OrderResult, PlannedOrder, PlannedPrice
from papertape.paper_trading.engine.rows import OrderType, Side, TimeInForce
from papertape.paper_trading.engine.run import Run
from papertape.paper_trading.engine.terms import Terms

SECOND = 1_000_000_000
ABC = Instrument(
    venue="binance-usdm",
    symbol="ABCUSDT",
    kind=InstrumentKind.LINEAR_PERPETUAL,
    base="ABC",
    quote="USDT",
    settle="USDT",
    price_scale=2,
    size_scale=1,
    tick=5,
    lot=1,
)


class Top(NamedTuple):
    """A quote at a second: prices in hundredths, sizes in tenths."""

    at_s: int
    bid: int
    bid_size: int
    ask: int
    ask_size: int


def order(at_s: float, price: str = "", size: str = "1", cancel_s: float = 0, side: Side = Side.BUY) -> PlannedOrder:
    anchor = price[:3] if price[:3] in ("bid", "ask") else ""
    planned = PlannedPrice(anchor, "" if anchor else price, int(price[3:-1] or 0) if anchor else 0) if price else None
    kind = OrderType.LIMIT if price else OrderType.MARKET
    cancel_ns = int(cancel_s * SECOND) if cancel_s else None
    return PlannedOrder(int(at_s * SECOND), 0, "ABCUSDT", side, kind, TimeInForce.GTC, planned, size, cancel_ns)


def played(tops: list[Top], orders: list[PlannedOrder], terms: Terms | None = None) -> list[OrderResult]:
    engine = Engine(lambda _: terms or Terms(), 0)
    run = Run(engine, lambda _: terms or Terms())
    run.open_account("a", 10**14, leverage=10)
    player = OrderPlayer(orders)
    run.follow(player)
    buffer = RecordBuffer()
    for number, top in enumerate(tops, 1):
        now_ns = top.at_s * SECOND
        buffer.pack(now_ns, now_ns, Kind.QUOTE, WHOLE, 0, 0, top.bid, top.bid_size, top.ask, top.ask_size, number)
    run.take(0, as_records(instrument_event(ABC, 0, SECOND) + buffer.take()))
    return player.results(engine.now_ns)


TOPS = [Top(1, 1000, 50, 1005, 30), Top(5, 1010, 50, 1015, 30), Top(9, 1020, 50, 1025, 30)]


def test_an_order_meets_the_market_of_its_time() -> None:
    at_start, exactly, between = played(TOPS, [order(1), order(5), order(5.5)])
    assert at_start == OrderResult("rejected", "0", "", SECOND, "no_market"), "it is sent before the first quote"
    assert exactly == OrderResult("filled", "1", "10.05", 5 * SECOND, ""), "before the record of the same time"
    assert between.exec_price == "10.15"


def test_a_price_hangs_on_the_best_price_of_its_time() -> None:
    results = played(
        TOPS, [order(6, "ask+2t"), order(6, "bid-1t"), order(6, "10.151"), order(6, "ask", side=Side.SELL)]
    )
    assert [(one.status, one.exec_price, one.reason) for one in results] == [
        ("filled", "10.15", ""),
        ("open", "", ""),
        ("rejected", "", "not_on_tick"),
        ("filled", "10.15", ""),
    ]
    assert results[1].ts_ns == 9 * SECOND


def test_a_price_of_a_side_that_is_not_there() -> None:
    assert played(TOPS, [order(0.5, "bid")])[0] == OrderResult("rejected", "0", "", SECOND, "no_market")


def test_cancelled_at_its_time() -> None:
    unfilled, partly = played(TOPS, [order(2, "bid-9t", cancel_s=4), order(2, "10.05", size="5", cancel_s=3)])
    assert unfilled == OrderResult("expired", "0", "", 4 * SECOND, "by_request")
    assert partly == OrderResult("partial", "3", "10.05", 2 * SECOND, "by_request")


def test_a_cancel_travels_as_orders_do() -> None:
    late = Terms(latency_out_ns=SECOND)
    assert played(TOPS, [order(2, "bid-9t", cancel_s=4)], late)[0].ts_ns == 5 * SECOND


def test_after_the_market_nothing_is_sent() -> None:
    assert played(TOPS, [order(9.5)])[0] == OrderResult("rejected", "0", "", 9 * SECOND, "not_sent")


def test_the_average_price_is_weighted_by_size() -> None:
    first, second = Top(1, 1000, 50, 1005, 10), Top(3, 1000, 50, 1010, 20)
    result = played([first, second, Top(9, 1000, 50, 1015, 20)], [order(2, "10.10", size="3")])[0]
    assert result == OrderResult("filled", "3", "10.083333", 3 * SECOND, ""), "1 at 10.05, then 2 at 10.10"


def test_orders_need_not_be_sorted() -> None:
    forward = [order(2), order(6, side=Side.SELL)]
    assert played(TOPS, forward[::-1]) == played(TOPS, forward)[::-1]
