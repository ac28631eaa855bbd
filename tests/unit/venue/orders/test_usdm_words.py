"""How USD-M tells of an order."""

from papertape.venue.matching import SELL
from papertape.venue.orders import usdm_words
from papertape.venue.orders.account import Account, Key
from papertape.venue.orders.order import ClientOrder
from papertape.venue.orders.request import NewOrder
from papertape.venue.synthetic.listings import listings_of


def test_an_order_in_the_venues_words() -> None:
    asked = NewOrder("BTCUSDT", SELL, "LIMIT", "GTX", 6_400_010, 150_000, "c", reduce_only=True)
    order = ClientOrder(7, Account(Key(), 1), asked, listings_of(("BTCUSDT",))[0], "BTC", "USDT", 5)
    order.filled, order.quote, order.status = 100_000, 6_400_010_000_000, "PARTIALLY_FILLED"
    row = usdm_words.told(order)
    assert (row["price"], row["origQty"], row["executedQty"], row["avgPrice"]) == (
        "64000.10",
        "1.50000",
        "1.00000",
        "64000.10000000",
    )
    assert (row["timeInForce"], row["reduceOnly"], row["positionSide"], row["time"]) == ("GTX", True, "BOTH", 5)
    first = usdm_words.acknowledged(order)
    assert (first["status"], first["executedQty"], first["avgPrice"]) == ("NEW", "0", "0")
    event = usdm_words.report(order, "TRADE_PREVENTION", 9, {"rp": "1"})
    assert (event["e"], event["E"], event["o"]["x"], event["o"]["rp"]) == ("ORDER_TRADE_UPDATE", 9, "EXPIRED", "1")
    # In the order in which the venue sends them.
    assert list(event["o"])[:13] == ["s", "c", "S", "o", "f", "q", "p", "ap", "sp", "x", "X", "i", "l"]
