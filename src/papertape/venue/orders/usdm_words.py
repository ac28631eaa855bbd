"""How USD-M tells of an order: REST answers and ORDER_TRADE_UPDATE. Prices and sizes have the decimals of the symbol."""

from typing import Any

from papertape.core.fixed import format_fixed
from papertape.venue.orders.order import ClientOrder, amount_text

_NOTHING = "0"


def price_text(order: ClientOrder, price: int) -> str:
    """A price as the venue writes it."""
    return format_fixed(price, order.listing.price_scale) if price else _NOTHING


def size_text(order: ClientOrder, lots: int) -> str:
    """A size as the venue writes it."""
    return format_fixed(lots, order.listing.size_scale) if lots else _NOTHING


def average_text(order: ClientOrder) -> str:
    """The average price of the fills, cut to eight decimals."""
    return amount_text(order.quote * 10**order.listing.size_scale // order.filled) if order.filled else _NOTHING


def told(order: ClientOrder) -> dict[str, Any]:
    """As GET /order and GET /openOrders answer."""
    return changed(order) | {"time": order.placed_ms}


def changed(order: ClientOrder) -> dict[str, Any]:
    """As POST /order answers with the type RESULT, and DELETE /order."""
    asked = order.asked
    return {
        "orderId": order.order_id,
        "symbol": asked.symbol,
        "status": order.status,
        "clientOrderId": asked.client_id,
        "price": price_text(order, asked.price),
        "avgPrice": average_text(order),
        "origQty": size_text(order, asked.lots),
        "executedQty": size_text(order, order.filled),
        "cumQty": size_text(order, order.filled),
        "cumQuote": amount_text(order.quote),
        "timeInForce": asked.time_in_force,
        "type": asked.kind,
        "reduceOnly": asked.reduce_only,
        "closePosition": False,
        "side": order.side,
        "positionSide": "BOTH",
        "stopPrice": _NOTHING,
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": asked.kind,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": 0,
        "updateTime": order.updated_ms,
    }


def acknowledged(order: ClientOrder) -> dict[str, Any]:
    """As POST /order answers with the type ACK: the order as it was taken, before anybody met it."""
    none = dict.fromkeys(("avgPrice", "executedQty", "cumQty", "cumQuote"), _NOTHING)
    return changed(order) | none | {"status": "NEW", "updateTime": order.placed_ms}


def report(order: ClientOrder, execution: str, ms: int, fill: dict[str, Any] | None = None) -> dict[str, Any]:
    """The ORDER_TRADE_UPDATE of what just happened: NEW, TRADE, CANCELED, EXPIRED."""
    asked = order.asked
    row: dict[str, Any] = {"s": asked.symbol, "c": asked.client_id, "S": order.side, "o": asked.kind}
    row |= {"f": asked.time_in_force, "q": size_text(order, asked.lots), "p": price_text(order, asked.price)}
    row |= {"ap": average_text(order), "sp": _NOTHING}
    row |= {"x": "EXPIRED" if execution == "TRADE_PREVENTION" else execution, "X": order.status, "i": order.order_id}
    row |= {"l": _NOTHING, "z": size_text(order, order.filled), "L": _NOTHING, "n": _NOTHING, "N": order.quote_asset}
    row |= {"T": ms, "t": 0, "m": False, "R": asked.reduce_only}
    row |= {"wt": "CONTRACT_PRICE", "ot": asked.kind, "ps": "BOTH", "cp": False, "rp": _NOTHING, "pP": False}
    row |= {"si": 0, "ss": 0, "V": "EXPIRE_MAKER", "pm": "NONE", "gtd": 0, "er": _NOTHING}
    return {"e": "ORDER_TRADE_UPDATE", "T": ms, "E": ms, "o": row | (fill or {})}
