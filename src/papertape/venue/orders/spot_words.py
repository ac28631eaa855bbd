"""How spot tells of an order: REST answers and user data events. Every number has eight decimals."""

from typing import Any

from papertape.venue.orders.account import AMOUNT_SCALE, Account
from papertape.venue.orders.order import OPEN, ClientOrder, amount_text


def price_text(order: ClientOrder, price: int) -> str:
    """A price as the venue writes it."""
    return amount_text(price * 10 ** (AMOUNT_SCALE - order.listing.price_scale))


def size_text(order: ClientOrder, lots: int) -> str:
    """A size as the venue writes it."""
    return amount_text(order.amounts(0, lots)[0])


def told(order: ClientOrder) -> dict[str, Any]:
    """As GET /order answers."""
    return _common(order) | {
        "stopPrice": amount_text(0),
        "icebergQty": amount_text(0),
        "time": order.placed_ms,
        "updateTime": order.updated_ms,
        "isWorking": True,
        "workingTime": order.placed_ms,
        "origQuoteOrderQty": amount_text(0),
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }


def answer(order: ClientOrder) -> dict[str, Any]:
    """As POST /order answers, in full."""
    times = {"transactTime": order.placed_ms, "workingTime": order.placed_ms}
    return _common(order) | times | {"fills": order.fills, "selfTradePreventionMode": "EXPIRE_MAKER"}


def cancelled(order: ClientOrder, client_id: str) -> dict[str, Any]:
    """As DELETE /order answers."""
    names = {"origClientOrderId": order.asked.client_id, "clientOrderId": client_id}
    more = {"transactTime": order.updated_ms, "selfTradePreventionMode": "EXPIRE_MAKER"}
    return _common(order) | names | more


def report(order: ClientOrder, execution: str, ms: int, fill: dict[str, Any] | None = None) -> dict[str, Any]:
    """The executionReport of what just happened: NEW, TRADE, CANCELED, EXPIRED, TRADE_PREVENTION."""
    asked, zero = order.asked, amount_text(0)
    event: dict[str, Any] = {"e": "executionReport", "E": ms, "s": asked.symbol, "c": asked.client_id}
    event |= {"S": order.side, "o": asked.kind, "f": asked.time_in_force}
    event |= {"q": size_text(order, asked.lots), "p": price_text(order, asked.price), "P": zero, "F": zero, "g": -1}
    event |= {"C": "", "x": execution, "X": order.status, "r": "NONE", "i": order.order_id}
    event |= {"l": zero, "z": size_text(order, order.filled), "L": zero, "n": "0", "N": None, "T": ms, "t": -1}
    event |= {"w": order.status in OPEN, "m": False, "O": order.placed_ms, "Z": amount_text(order.quote), "Y": zero}
    return event | {"Q": zero, "W": order.placed_ms, "V": "EXPIRE_MAKER"} | (fill or {})


def position_report(account: Account, ms: int) -> dict[str, Any]:
    """The outboundAccountPosition of an account."""
    rows = [
        {"a": asset, "f": amount_text(balance.free), "l": amount_text(balance.locked)}
        for asset, balance in account.balances.items()
    ]
    return {"e": "outboundAccountPosition", "E": ms, "u": ms, "B": rows}


def account_row(account: Account) -> dict[str, Any]:
    """As GET /account answers."""
    rate = "0.00100000"
    rates = {"maker": rate, "taker": rate, "buyer": "0.00000000", "seller": "0.00000000"}
    balances = [
        {"asset": asset, "free": amount_text(one.free), "locked": amount_text(one.locked)}
        for asset, one in account.balances.items()
    ]
    row: dict[str, Any] = {"makerCommission": 10, "takerCommission": 10, "buyerCommission": 0}
    row |= {"sellerCommission": 0, "commissionRates": rates, "canTrade": True, "canWithdraw": False}
    row |= {"canDeposit": False, "updateTime": account.updated_ms, "accountType": "SPOT", "balances": balances}
    return row | {"permissions": ["SPOT"], "uid": account.number}


def _common(order: ClientOrder) -> dict[str, Any]:
    asked = order.asked
    return {
        "symbol": asked.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": asked.client_id,
        "price": price_text(order, asked.price),
        "origQty": size_text(order, asked.lots),
        "executedQty": size_text(order, order.filled),
        "cummulativeQuoteQty": amount_text(order.quote),
        "status": order.status,
        "timeInForce": asked.time_in_force,
        "type": asked.kind,
        "side": order.side,
    }
