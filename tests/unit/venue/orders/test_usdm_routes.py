"""Every route of USD-M has a handler; what they do stands in tests/integration/test_venue_orders_usdm.py."""

from papertape.venue.orders.listen_keys import ListenKeys
from papertape.venue.orders.usdm_routes import USDM_ROUTES, UsdmHandlers
from tests.unit.venue.orders.test_usdm_clearing import Stage


def test_every_route_has_a_handler() -> None:
    stage = Stage()
    keys = ListenKeys(list, lambda: 0, 60)
    assert list(UsdmHandlers(stage.desk, stage.clearing, keys).handlers) == list(USDM_ROUTES)
    assert [name for name, route in USDM_ROUTES.items() if not route.signed] == [
        "POST listenKey",
        "PUT listenKey",
        "DELETE listenKey",
    ]
