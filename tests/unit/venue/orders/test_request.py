"""Signatures, times and filters; the venue's own example of a signature is among them."""

import pytest

from papertape.venue.matching import BUY
from papertape.venue.orders.request import new_order, signed, verified
from papertape.venue.parameters import RestError
from papertape.venue.synthetic.listings import listings_of

LISTINGS = {one.symbol: one for one in listings_of(("BTCUSDT", "PEPEUSDT"))}
ASKED = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "64000.10",
}


def test_the_documented_signature() -> None:
    secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
    query = (
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
    )
    assert signed(query, secret) == "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"


@pytest.mark.parametrize(
    ("query", "body"), [("a=1&timestamp=5000", ""), ("", "a=1&timestamp=5000"), ("a=1", "timestamp=5000")]
)
def test_query_and_body_are_signed_as_one(query: str, body: str) -> None:
    signature = signed(query + body, "s")
    assert verified(f"{query}&signature={signature}".lstrip("&"), body, "s", 5_000)["a"] == "1"
    with pytest.raises(RestError) as refused:
        verified(f"{query}&signature={signature[:-1]}x", body, "s", 5_000)
    assert refused.value.code == -1022


@pytest.mark.parametrize(
    ("sent", "code"), [("4000", 0), ("6001", -1021), ("6000", 0), ("5000&recvWindow=60001", -1131), ("x", -1100)]
)
def test_the_window(sent: str, code: int) -> None:
    query = f"timestamp={sent}"
    try:
        verified(f"{query}&signature={signed(query, 's')}", "", "s", 5_000)
    except RestError as error:
        assert error.code == code
    else:
        assert code == 0


def test_too_late() -> None:
    query = "timestamp=1000"
    with pytest.raises(RestError, match="outside of the recvWindow"):
        verified(f"{query}&signature={signed(query, 's')}", "", "s", 6_001)


def test_an_order_is_whole_ticks_and_lots() -> None:
    order = new_order(ASKED, LISTINGS, "x")
    assert (order.side, order.price, order.lots, order.client_id) == (BUY, 6_400_010, 100_000, "x")
    assert new_order(ASKED | {"price": "64000.1000"}, LISTINGS, "x").price == 6_400_010


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"symbol": "NONE"}, -1121, "symbol"),
        ({"side": "BID"}, -1117, "side"),
        ({"price": "64000.101"}, -1013, "PRICE_FILTER"),
        ({"price": "0"}, -1013, "PRICE_FILTER"),
        ({"price": "99999999999999999999"}, -1013, "PRICE_FILTER"),
        ({"quantity": "0"}, -1013, "LOT_SIZE"),
        ({"quantity": "9000001"}, -1013, "LOT_SIZE"),
        ({"quantity": "0.00001"}, -1013, "NOTIONAL"),
        ({"quantity": ""}, -1102, "quantity"),
        ({"quantity": "-1"}, -1100, "quantity"),
        ({"quoteOrderQty": "1"}, -1106, "quoteOrderQty"),
        ({"newClientOrderId": "a b"}, -1100, "newClientOrderId"),
        ({"type": "LIMIT_MAKER"}, -1106, "timeInForce"),
    ],
)
def test_what_breaks_a_rule(change: dict[str, str], code: int, said: str) -> None:
    with pytest.raises(RestError, match=said) as refused:
        new_order(ASKED | change, LISTINGS, "x")
    assert refused.value.code == code
