"""What a request with a key weighs; what the routes do stands in tests/integration/test_venue_orders.py and its twin."""

from papertape.venue.orders.routes import REEL_REFUSES, OrderRoutes
from papertape.venue.orders.usdm_routes import USDM_ROUTES
from papertape.venue.rules import USDM


def test_weights() -> None:
    routes = OrderRoutes(None, {}, USDM_ROUTES, USDM, (lambda: 0, lambda: 0))
    assert routes.weight("GET openOrders", {}) == 40
    assert routes.weight("GET openOrders", {"symbol": "BTCUSDT"}) == 1
    assert routes.weight("GET v3/account", {}) == 5
    assert "--seed" in REEL_REFUSES
