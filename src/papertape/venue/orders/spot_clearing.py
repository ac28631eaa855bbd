"""The money of spot: an order holds what it may pay, a fill moves it, fees are of what is received."""

from typing import Any

from papertape.venue.matching import BUY
from papertape.venue.orders import spot_words
from papertape.venue.orders.account import Account
from papertape.venue.orders.clearing import Meets
from papertape.venue.orders.order import ClientOrder, amount_text
from papertape.venue.orders.request import check_notional, filter_failure
from papertape.venue.parameters import RestError
from papertape.venue.rules import VenueRules

FEE_ONE_IN = 1_000
"""0.1 % for maker and taker, of what is received."""


class SpotClearing:
    """As `Clearing`, for Binance spot."""

    def __init__(self, rules: VenueRules) -> None:
        self.fees: dict[str, int] = {}
        self._open_max = rules.open_orders_max

    def admit(self, order: ClientOrder, meets: Meets, opened: list[ClientOrder]) -> None:
        """As `Clearing.admit`: -1013 for a filter, -2010 for a client id in use, a maker that takes, too little money."""
        asked = order.asked
        mine = [one for one in opened if one.asked.symbol == asked.symbol]
        if len(mine) >= self._open_max:
            raise filter_failure("MAX_NUM_ORDERS")
        if any(one.asked.client_id == asked.client_id for one in mine):
            raise RestError(-2010, "Duplicate order sent.")
        if asked.kind == "LIMIT_MAKER" and meets.any:
            raise RestError(-2010, "Order would immediately match and take.")
        if asked.kind == "MARKET":
            # A market order without anybody to meet is taken, and expires.
            check_notional((meets.best or 10**18) * asked.lots, order.listing)
        self._lock(order, meets)

    def fill(self, order: ClientOrder, price: int, lots: int, trade_id: int, *, maker: bool) -> dict[str, Any]:
        """As `Clearing.fill`."""
        base, quote = order.amounts(price, lots)
        paid, received = (quote, base) if order.asked.side == BUY else (base, quote)
        fee = received // FEE_ONE_IN
        order.account.trade((order.paying, paid), (order.receiving, received - fee))
        self.fees[order.receiving] = self.fees.get(order.receiving, 0) + fee
        order.locked -= paid
        price_text, size_text, fee_text = (
            spot_words.price_text(order, price),
            spot_words.size_text(order, lots),
            amount_text(fee),
        )
        if not maker:
            row: dict[str, str | int] = {"price": price_text, "qty": size_text, "commission": fee_text}
            order.fills.append(row | {"commissionAsset": order.receiving, "tradeId": trade_id})
        told: dict[str, Any] = {"l": size_text, "L": price_text, "n": fee_text, "N": order.receiving}
        return told | {"t": trade_id, "m": maker, "Y": amount_text(quote)}

    def release(self, order: ClientOrder) -> None:
        """As `Clearing.release`."""
        order.account.unlock(order.paying, order.locked)
        order.locked = 0

    def unfit(self, account: Account, symbol: str, opened: list[ClientOrder]) -> list[ClientOrder]:
        """As `Clearing.unfit`: on spot nothing else ends an order."""
        return []

    def report(self, order: ClientOrder, execution: str, ms: int, fill: dict[str, Any] | None = None) -> dict[str, Any]:
        """As `Clearing.report`."""
        return spot_words.report(order, execution, ms, fill)

    def account_report(self, account: Account, traded: str, ms: int) -> dict[str, Any] | None:
        """As `Clearing.account_report`: spot tells the balances after whatever was done."""
        return spot_words.position_report(account, ms)

    def _lock(self, order: ClientOrder, meets: Meets) -> None:
        asked = order.asked
        base, quote = order.amounts(asked.price, asked.lots)
        if asked.side != BUY:
            needed = base
        elif asked.kind == "MARKET":
            needed = sum(order.amounts(price, lots)[1] for price, lots in meets.others)
        else:
            needed = quote
        if not order.account.lock(order.paying, needed):
            raise RestError(-2010, "Account has insufficient balance for requested action.")
        order.locked = needed
