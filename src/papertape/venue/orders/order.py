"""One order of a client, and how the venue tells of it: REST answers and user data events of spot."""

from typing import Any

import msgspec

from papertape.core.fixed import format_fixed
from papertape.venue.matching import BUY
from papertape.venue.orders.account import AMOUNT_SCALE, Account
from papertape.venue.orders.request import NewOrder
from papertape.venue.synthetic.listings import Listing

OPEN = ("NEW", "PARTIALLY_FILLED")


class ClientOrder(msgspec.Struct, eq=False):
    """An order from its coming to its end. Prices are ticks, sizes lots, `quote` an amount of 1e-8."""

    order_id: int
    account: Account
    asked: NewOrder
    listing: Listing
    base: str
    quote_asset: str
    placed_ms: int
    book_id: int = 0
    """Its id in the book while it rests; 0 when it does not."""
    filled: int = 0
    quote: int = 0
    status: str = "NEW"
    updated_ms: int = 0
    locked: int = 0
    """What it still holds of `paying`."""
    fills: list[dict[str, str | int]] = []

    @property
    def paying(self) -> str:
        """The asset it pays with."""
        return self.quote_asset if self.asked.side == BUY else self.base

    @property
    def receiving(self) -> str:
        """The asset it receives."""
        return self.base if self.asked.side == BUY else self.quote_asset

    def amounts(self, price: int, lots: int) -> tuple[int, int]:
        """So many lots at a price as amounts: (base, quote)."""
        scales = self.listing.price_scale + self.listing.size_scale
        return lots * 10 ** (AMOUNT_SCALE - self.listing.size_scale), price * lots * 10 ** (AMOUNT_SCALE - scales)

    def price_text(self, price: int) -> str:
        """A price as the venue writes it."""
        return amount_text(price * 10 ** (AMOUNT_SCALE - self.listing.price_scale))

    def size_text(self, lots: int) -> str:
        """A size as the venue writes it."""
        return amount_text(self.amounts(0, lots)[0])

    def told(self) -> dict[str, Any]:
        """As GET /order answers."""
        return self._common() | {
            "stopPrice": amount_text(0),
            "icebergQty": amount_text(0),
            "time": self.placed_ms,
            "updateTime": self.updated_ms,
            "isWorking": True,
            "workingTime": self.placed_ms,
            "origQuoteOrderQty": amount_text(0),
            "selfTradePreventionMode": "EXPIRE_MAKER",
        }

    def answer(self) -> dict[str, Any]:
        """As POST /order answers, in full."""
        times = {"transactTime": self.placed_ms, "workingTime": self.placed_ms}
        return self._common() | times | {"fills": self.fills, "selfTradePreventionMode": "EXPIRE_MAKER"}

    def cancelled(self, client_id: str) -> dict[str, Any]:
        """As DELETE /order answers."""
        names = {"origClientOrderId": self.asked.client_id, "clientOrderId": client_id}
        return self._common() | names | {"transactTime": self.updated_ms, "selfTradePreventionMode": "EXPIRE_MAKER"}

    def report(self, execution: str, ms: int, fill: dict[str, Any] | None = None) -> dict[str, Any]:
        """The executionReport of what just happened: NEW, TRADE, CANCELED, EXPIRED, TRADE_PREVENTION."""
        asked, zero = self.asked, amount_text(0)
        event: dict[str, Any] = {"e": "executionReport", "E": ms, "s": asked.symbol, "c": asked.client_id}
        event |= {"S": "BUY" if asked.side == BUY else "SELL", "o": asked.kind, "f": asked.time_in_force}
        event |= {"q": self.size_text(asked.lots), "p": self.price_text(asked.price), "P": zero, "F": zero, "g": -1}
        event |= {"C": "", "x": execution, "X": self.status, "r": "NONE", "i": self.order_id}
        event |= {"l": zero, "z": self.size_text(self.filled), "L": zero, "n": "0", "N": None, "T": ms, "t": -1}
        event |= {"w": self.status in OPEN, "m": False, "O": self.placed_ms, "Z": amount_text(self.quote), "Y": zero}
        return event | {"Q": zero, "W": self.placed_ms, "V": "EXPIRE_MAKER"} | (fill or {})

    def _common(self) -> dict[str, Any]:
        asked = self.asked
        return {
            "symbol": asked.symbol,
            "orderId": self.order_id,
            "orderListId": -1,
            "clientOrderId": asked.client_id,
            "price": self.price_text(asked.price),
            "origQty": self.size_text(asked.lots),
            "executedQty": self.size_text(self.filled),
            "cummulativeQuoteQty": amount_text(self.quote),
            "status": self.status,
            "timeInForce": asked.time_in_force,
            "type": asked.kind,
            "side": "BUY" if asked.side == BUY else "SELL",
        }


def amount_text(amount: int) -> str:
    """An amount of 1e-8 as text."""
    return format_fixed(amount, AMOUNT_SCALE)
