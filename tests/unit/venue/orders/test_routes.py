"""Every signed route has a weight; the routes themselves stand in tests/integration/test_venue_orders.py."""

from papertape.venue.orders.routes import REEL_REFUSES, USDM_REFUSES, WEIGHTS


def test_routes_and_refusals() -> None:
    assert list(WEIGHTS) == [
        "POST order",
        "DELETE order",
        "GET order",
        "GET openOrders",
        "DELETE openOrders",
        "GET account",
    ]
    assert "--seed" in REEL_REFUSES
    assert "--venue binance-spot" in USDM_REFUSES
