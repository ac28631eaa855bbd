"""What an order is, in amounts."""

from papertape.venue.matching import SELL
from papertape.venue.orders.account import Account, Key
from papertape.venue.orders.order import ClientOrder, amount_text
from papertape.venue.orders.request import NewOrder
from papertape.venue.synthetic.listings import listings_of


def test_amounts_and_what_is_left() -> None:
    asked = NewOrder("BTCUSDT", SELL, "LIMIT", "GTC", 6_400_010, 150_000, "c")
    order = ClientOrder(7, Account(Key(), 1), asked, listings_of(("BTCUSDT",))[0], "BTC", "USDT", 5)
    assert (order.paying, order.receiving) == ("BTC", "USDT")
    assert order.amounts(6_400_010, 150_000) == (150_000_000, 9_600_015_000_000)
    assert (order.side, order.left, amount_text(1)) == ("SELL", 150_000, "0.00000001")
    order.filled = 50_000
    assert order.left == 100_000
