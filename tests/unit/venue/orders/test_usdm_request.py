"""Orders of USD-M as whole ticks and lots, and the codes of those that are not."""

import pytest

from papertape.venue.matching import BUY, SELL
from papertape.venue.orders.request import NewOrder
from papertape.venue.orders.usdm_request import check_price, new_order
from papertape.venue.parameters import RestError
from papertape.venue.synthetic.listings import listings_of

LISTINGS = {one.symbol: one for one in listings_of(("BTCUSDT",))}
ASKED = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "LIMIT",
    "timeInForce": "GTX",
    "quantity": "1.5",
    "price": "64000.10",
}


def test_an_order_is_whole_ticks_and_lots() -> None:
    order = new_order(ASKED | {"reduceOnly": "true"}, LISTINGS, "x")
    assert order == NewOrder("BTCUSDT", SELL, "LIMIT", "GTX", 6_400_010, 150_000, "x", reduce_only=True)
    assert order.may_rest


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"price": "64000.123"}, -1111),
        ({"quantity": "0.000001"}, -1111),
        ({"quantity": "0"}, -4003),
        ({"quantity": "9000001"}, -4005),
        ({"price": "0"}, -4001),
        ({"price": "1000001"}, -4002),
        ({"quantity": "0.00001"}, -4164),
        ({"type": "STOP_MARKET"}, -1116),
        ({"timeInForce": "GTD"}, -1115),
        ({"type": "MARKET"}, -1106),
        ({"positionSide": "LONG"}, -4061),
        ({"reduceOnly": "yes"}, -4062),
        ({"newClientOrderId": "a" * 37}, -4015),
        ({"newOrderRespType": "FULL"}, -1136),
        ({"side": "UP"}, -1117),
        ({"symbol": "NONE"}, -1121),
    ],
)
def test_what_is_refused(changed: dict[str, str], code: int) -> None:
    with pytest.raises(RestError) as refused:
        new_order(ASKED | changed, LISTINGS, "x")
    assert refused.value.code == code


def test_a_small_order_may_reduce() -> None:
    assert new_order(ASKED | {"quantity": "0.00001", "reduceOnly": "true"}, LISTINGS, "x").lots == 1


@pytest.mark.parametrize(
    ("side", "price", "code"), [(BUY, 105, 0), (BUY, 106, -4016), (SELL, 95, 0), (SELL, 94, -4024), (BUY, 1, 0)]
)
def test_prices_far_on_the_wrong_side_of_the_mark(side: int, price: int, code: int) -> None:
    order = NewOrder("BTCUSDT", side, "LIMIT", "GTC", price, 1, "x")
    try:
        check_price(order, price, 100)
    except RestError as error:
        assert error.code == code
    else:
        assert code == 0
