"""What spot holds and moves for an order; the rest goes through the desk."""

import pytest

from papertape.venue.matching import BUY
from papertape.venue.orders.account import UNIT, Account, Key
from papertape.venue.orders.clearing import Meets
from papertape.venue.orders.order import ClientOrder
from papertape.venue.orders.request import NewOrder
from papertape.venue.orders.spot_clearing import SpotClearing
from papertape.venue.parameters import RestError
from papertape.venue.rules import SPOT
from papertape.venue.synthetic.listings import listings_of


def made(lots: int) -> ClientOrder:
    account = Account(Key("k", "s", {"USDT": 100_000}), 1)
    asked = NewOrder("BTCUSDT", BUY, "LIMIT", "GTC", 6_400_000, lots, "c")
    return ClientOrder(1, account, asked, listings_of(("BTCUSDT",))[0], "BTC", "USDT", 5)


def test_an_order_holds_what_it_may_pay_and_gives_back_the_rest() -> None:
    clearing, order = SpotClearing(SPOT), made(100_000)
    clearing.admit(order, Meets([], [], None), [])
    usdt = order.account.balance("USDT")
    assert usdt.locked == 64_000 * UNIT
    told = clearing.fill(order, 6_300_000, 50_000, 7, maker=False)
    assert (told["l"], told["n"], told["N"]) == ("0.50000000", "0.00050000", "BTC")
    clearing.release(order)
    assert (usdt.free, usdt.locked) == ((100_000 - 31_500) * UNIT, 0)
    assert clearing.fees == {"BTC": 50_000}


def test_more_than_there_is_cannot_be_held() -> None:
    with pytest.raises(RestError, match="insufficient balance"):
        SpotClearing(SPOT).admit(made(200_000), Meets([], [], None), [])
