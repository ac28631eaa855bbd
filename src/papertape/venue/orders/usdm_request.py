"""The parameters of an order on USD-M, and the codes of those that break a filter."""

from papertape.venue.matching import BUY
from papertape.venue.orders.request import (
    CLIENT_ID,
    ORDER_LOTS_MAX_UNITS,
    PRICE_MAX_UNITS,
    NewOrder,
    kind_of,
    listing_of,
    not_required,
    number_of,
    side_of,
    time_in_force_of,
)
from papertape.venue.parameters import RestError
from papertape.venue.synthetic.listings import Listing

TYPES = ("LIMIT", "MARKET")
TIMES_IN_FORCE = ("GTC", "IOC", "FOK", "GTX")
_TOO_FINE = "Precision is over the maximum defined for this asset."


def new_order(parameters: dict[str, str], listings: dict[str, Listing], default_id: str) -> NewOrder:
    """The order that the parameters of POST /order ask for, in one-way mode. Raises RestError."""
    listing = listing_of(parameters, listings)
    side = side_of(parameters)
    kind = kind_of(parameters, TYPES)
    if parameters.get("positionSide", "BOTH") != "BOTH":
        raise RestError(-4061, "Order's position side does not match user's setting.")
    reduce_only = parameters.get("reduceOnly", "false").lower()
    if reduce_only not in ("true", "false"):
        raise RestError(-4062, "Invalid or improper reduceOnly value.")
    if parameters.get("newOrderRespType", "ACK") not in ("ACK", "RESULT"):
        raise RestError(-1136, "Invalid newOrderRespType.")
    client_id = parameters.get("newClientOrderId", default_id)
    if not CLIENT_ID.fullmatch(client_id):
        raise RestError(-4015, "Client order id is not valid.")
    time_in_force = time_in_force_of(parameters, kind, TIMES_IN_FORCE)
    lots = _lots(parameters, listing)
    price = _price(parameters, listing) if kind == "LIMIT" else 0
    if kind == "MARKET" and "price" in parameters:
        raise not_required("price")
    order = NewOrder(listing.symbol, side, kind, time_in_force, price, lots, client_id, reduce_only == "true")
    if price:
        check_notional(order, price * lots, listing)
    return order


def check_notional(order: NewOrder, ticks_times_lots: int, listing: Listing) -> None:
    """Raises RestError -4164 for an order that is worth too little, unless it only reduces."""
    least = listing.min_notional
    if not order.reduce_only and ticks_times_lots < least * 10 ** (listing.price_scale + listing.size_scale):
        raise RestError(-4164, f"Order's notional must be no smaller than {least}.0 (unless you choose reduce only).")


def check_price(order: NewOrder, price: int, mark: int) -> None:
    """Raises RestError -4016, -4024 for a price too far on the wrong side of the mark price, both of one scale."""
    if order.side == BUY and price * 100 > mark * 105:
        raise RestError(-4016, "Price is higher than mark price multiplier cap.")
    if order.side != BUY and price * 100 < mark * 95:
        raise RestError(-4024, "Price is lower than mark price multiplier floor.")


def _lots(parameters: dict[str, str], listing: Listing) -> int:
    lots = number_of(parameters, "quantity", listing.size_scale, RestError(-1111, _TOO_FINE))
    if not lots:
        raise RestError(-4003, "Quantity less than or equal to zero.")
    if lots > ORDER_LOTS_MAX_UNITS * 10**listing.size_scale:
        raise RestError(-4005, "Quantity greater than max quantity.")
    return lots


def _price(parameters: dict[str, str], listing: Listing) -> int:
    price = number_of(parameters, "price", listing.price_scale, RestError(-1111, _TOO_FINE))
    if not price:
        raise RestError(-4001, "Price less than or equal to zero.")
    if price > PRICE_MAX_UNITS * 10**listing.price_scale:
        raise RestError(-4002, "Price greater than max price.")
    return price
