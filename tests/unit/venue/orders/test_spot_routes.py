"""Every route of spot has a handler; what they do stands in tests/integration/test_venue_orders.py."""

from papertape.venue.orders.desk import OrderDesk, default_key
from papertape.venue.orders.spot_clearing import SpotClearing
from papertape.venue.orders.spot_routes import SPOT_ROUTES, SpotHandlers
from papertape.venue.rules import SPOT
from papertape.venue.synthetic.market import SyntheticMarket


def test_every_route_has_a_handler() -> None:
    market = SyntheticMarket(5, ("ETHUSDT",))
    key = default_key(market.listings, "binance-spot")
    desk = OrderDesk(market, SpotClearing(SPOT), (key,), lambda events: None, lambda account, event: None)
    assert list(SpotHandlers(desk).handlers) == list(SPOT_ROUTES)
