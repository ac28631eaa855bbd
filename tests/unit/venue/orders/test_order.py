"""How an order is told."""

from papertape.venue.matching import SELL
from papertape.venue.orders.account import Account, Key
from papertape.venue.orders.order import ClientOrder, amount_text
from papertape.venue.orders.request import NewOrder
from papertape.venue.synthetic.listings import listings_of


def test_an_order_in_the_venues_words() -> None:
    asked = NewOrder("BTCUSDT", SELL, "LIMIT", "GTC", 6_400_010, 150_000, "c")
    order = ClientOrder(7, Account(Key(), 1), asked, listings_of(("BTCUSDT",))[0], "BTC", "USDT", 5)
    assert (order.paying, order.receiving) == ("BTC", "USDT")
    assert order.amounts(6_400_010, 150_000) == (150_000_000, 9_600_015_000_000)
    told = order.told()
    assert (told["price"], told["origQty"], told["side"], told["orderId"]) == (
        "64000.10000000",
        "1.50000000",
        "SELL",
        7,
    )
    report = order.report("NEW", 9)
    assert list(report) == [
        "e",
        "E",
        "s",
        "c",
        "S",
        "o",
        "f",
        "q",
        "p",
        "P",
        "F",
        "g",
        "C",
        "x",
        "X",
        "r",
        "i",
        "l",
        "z",
        "L",
        "n",
        "N",
        "T",
        "t",
        "w",
        "m",
        "O",
        "Z",
        "Y",
        "Q",
        "W",
        "V",
    ]
    assert (report["x"], report["X"], report["E"], report["w"]) == ("NEW", "NEW", 9, True)
    assert order.answer()["fills"] == []
    assert order.cancelled("d")["origClientOrderId"] == "c"
    assert amount_text(1) == "0.00000001"
