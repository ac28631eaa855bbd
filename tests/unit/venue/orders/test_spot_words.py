"""How spot tells of an order."""

from papertape.venue.matching import SELL
from papertape.venue.orders import spot_words
from papertape.venue.orders.account import Account, Key
from papertape.venue.orders.order import ClientOrder
from papertape.venue.orders.request import NewOrder
from papertape.venue.synthetic.listings import listings_of


def test_an_order_in_the_venues_words() -> None:
    asked = NewOrder("BTCUSDT", SELL, "LIMIT", "GTC", 6_400_010, 150_000, "c")
    order = ClientOrder(7, Account(Key(), 1), asked, listings_of(("BTCUSDT",))[0], "BTC", "USDT", 5)
    told = spot_words.told(order)
    assert (told["price"], told["origQty"], told["side"], told["orderId"]) == (
        "64000.10000000",
        "1.50000000",
        "SELL",
        7,
    )
    report = spot_words.report(order, "NEW", 9)
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
    assert spot_words.answer(order)["fills"] == []
    assert spot_words.cancelled(order, "d")["origClientOrderId"] == "c"
    assert spot_words.account_row(order.account)["balances"] == []
    assert spot_words.position_report(order.account, 9)["B"] == []
