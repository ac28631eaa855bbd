"""Order entry is what the venue has; over sockets it is tested in tests/integration."""

import pytest

from papertape.venue.orders.entry import place_of
from papertape.venue.rules import SPOT, USDM, VenueRules


@pytest.mark.parametrize(
    ("rules", "route", "place"),
    [
        (SPOT, "POST order", ("POST", "/api/v3/order")),
        (USDM, "DELETE allOpenOrders", ("DELETE", "/fapi/v1/allOpenOrders")),
        (USDM, "GET v3/account", ("GET", "/fapi/v3/account")),
    ],
)
def test_where_a_route_is(rules: VenueRules, route: str, place: tuple[str, str]) -> None:
    assert place_of(route, rules) == place
