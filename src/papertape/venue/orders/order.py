"""One order of a client, from its coming to its end."""

import msgspec

from papertape.core.fixed import format_fixed
from papertape.venue.matching import BUY
from papertape.venue.orders.account import AMOUNT_SCALE, Account
from papertape.venue.orders.request import NewOrder
from papertape.venue.synthetic.listings import Listing

OPEN = ("NEW", "PARTIALLY_FILLED")


class ClientOrder(msgspec.Struct, eq=False):
    """An order and what became of it. Prices are ticks, sizes lots, `quote` an amount of 1e-8."""

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
    """On spot, what it still holds of `paying`."""
    fills: list[dict[str, str | int]] = []
    """The fills of its coming, as spot answers with them."""

    @property
    def left(self) -> int:
        """Lots that are not filled."""
        return self.asked.lots - self.filled

    @property
    def side(self) -> str:
        """The side as the venue writes it."""
        return "BUY" if self.asked.side == BUY else "SELL"

    @property
    def paying(self) -> str:
        """The asset it pays with on spot."""
        return self.quote_asset if self.asked.side == BUY else self.base

    @property
    def receiving(self) -> str:
        """The asset it receives on spot."""
        return self.base if self.asked.side == BUY else self.quote_asset

    def amounts(self, price: int, lots: int) -> tuple[int, int]:
        """So many lots at a price as amounts: (base, quote)."""
        scales = self.listing.price_scale + self.listing.size_scale
        return lots * 10 ** (AMOUNT_SCALE - self.listing.size_scale), price * lots * 10 ** (AMOUNT_SCALE - scales)


def amount_text(amount: int) -> str:
    """An amount of 1e-8 as text."""
    return format_fixed(amount, AMOUNT_SCALE)
