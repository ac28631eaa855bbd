"""Order entry of a box, put together for its venue: the desk, its routes, and the user data streams."""

from collections.abc import Callable, Iterable

import msgspec

from papertape.core.fixed import parse_fixed
from papertape.venue.derived import Derived
from papertape.venue.fanout import Client
from papertape.venue.orders.account import AMOUNT_SCALE, Key
from papertape.venue.orders.desk import OrderDesk, Publish, default_key
from papertape.venue.orders.listen_keys import ListenKeys
from papertape.venue.orders.routes import OrderRoutes
from papertape.venue.orders.spot_clearing import SpotClearing
from papertape.venue.orders.spot_routes import SPOT_ROUTES, SpotHandlers
from papertape.venue.orders.streams import UserStreams
from papertape.venue.orders.usdm_clearing import UsdmClearing
from papertape.venue.orders.usdm_routes import USDM_ROUTES, UsdmHandlers
from papertape.venue.rules import VenueRules
from papertape.venue.synthetic.market import SyntheticMarket


class Box(msgspec.Struct, frozen=True):
    """What order entry needs of its box."""

    rules: VenueRules
    keys: tuple[Key, ...]
    derived: Derived
    clients: Callable[[], Iterable[Client]]
    """The connections of now."""
    publish: Publish
    venue_ms: Callable[[], int]
    market_ms: Callable[[], int]

    @property
    def clocks(self) -> tuple[Callable[[], int], Callable[[], int]]:
        """As `OrderRoutes` takes them."""
        return self.venue_ms, self.market_ms


class OrderEntry(msgspec.Struct, frozen=True):
    """Order entry of one box."""

    routes: OrderRoutes
    desk: OrderDesk | None = None
    """None where the box takes no orders."""
    users: UserStreams | None = None
    """What answers on `/ws-api/v3`; on USD-M user data comes on `/private`."""
    close: Callable[[], None] = lambda: None
    """End the streams."""


def order_entry(market: SyntheticMarket | None, box: Box) -> OrderEntry:
    """Order entry for a market; without one, for a reel, everything is refused."""
    spot = box.rules.name == "binance-spot"
    if market is None:
        routes = SPOT_ROUTES if spot else USDM_ROUTES
        return OrderEntry(OrderRoutes(None, {}, routes, box.rules, box.clocks))
    keys = box.keys or (default_key(market.listings, box.rules.name),)
    return _spot(market, keys, box) if spot else _usdm(market, keys, box)


def place_of(route: str, rules: VenueRules) -> tuple[str, str]:
    """Method and path of a route such as `GET order`, or `GET v3/account` for another version than the first."""
    method, _, name = route.partition(" ")
    other_version = name.startswith("v3/")
    return method, f"{rules.rest_prefix.rpartition('/')[0] if other_version else rules.rest_prefix}/{name}"


def _spot(market: SyntheticMarket, keys: tuple[Key, ...], box: Box) -> OrderEntry:
    desk = OrderDesk(
        market, SpotClearing(box.rules), keys, box.publish, lambda account, event: users.report(account, event)
    )
    users = UserStreams(desk.accounts, box.venue_ms)
    routes = OrderRoutes(desk, SpotHandlers(desk).handlers, SPOT_ROUTES, box.rules, box.clocks)
    return OrderEntry(routes, desk, users, users.close_all)


def _usdm(market: SyntheticMarket, keys: tuple[Key, ...], box: Box) -> OrderEntry:
    def mark(symbol: str) -> int | None:
        told = box.derived.mark(symbol)
        return parse_fixed(told["p"], AMOUNT_SCALE) if told else None

    streams = ListenKeys(box.clients, box.venue_ms, box.rules.listen_key_life_s)
    clearing = UsdmClearing(box.rules, {one.symbol: one for one in market.listings}, mark)
    desk = OrderDesk(market, clearing, keys, box.publish, streams.report)
    handlers = UsdmHandlers(desk, clearing, streams).handlers
    routes = OrderRoutes(desk, handlers, USDM_ROUTES, box.rules, box.clocks)
    return OrderEntry(routes, desk, None, streams.close_all)
