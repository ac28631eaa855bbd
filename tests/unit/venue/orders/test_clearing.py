"""Whom an order would meet."""

from papertape.venue.matching import BUY, SELL, OrderBook
from papertape.venue.orders.clearing import meets_of
from papertape.venue.orders.request import NewOrder


def asked(lots: int, kind: str = "LIMIT", price: int = 102) -> NewOrder:
    return NewOrder("BTCUSDT", BUY, kind, "GTC", price, lots, "c")


def test_others_are_met_by_price_and_time_and_own_orders_are_passed_over() -> None:
    book = OrderBook()
    own = [book.place(1, SELL, 100, 5).order_id]
    book.place(0, SELL, 101, 3)
    own.append(book.place(1, SELL, 101, 5).order_id)
    book.place(2, SELL, 102, 4)
    book.place(0, SELL, 103, 9)
    meets = meets_of(book, asked(5), 1)
    assert (meets.others, meets.own, meets.best, meets.lots) == ([(101, 3), (102, 2)], own, 100, 5)
    assert meets_of(book, asked(9), 1).lots == 7
    assert meets_of(book, asked(9, "MARKET", 0), 1).lots == 9
    # Own orders behind the last one that is needed are not in the way.
    assert meets_of(book, asked(2), 1).own == own[:1]
    assert not meets_of(book, asked(2, price=99), 1).any
