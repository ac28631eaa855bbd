"""What a venue is in orders: which it takes, what a fill does to the money of an account, and how both are told."""

from typing import Any, NamedTuple, Protocol

from papertape.venue.matching import OrderBook
from papertape.venue.orders.account import Account
from papertape.venue.orders.order import ClientOrder
from papertape.venue.orders.request import NewOrder


class Meets(NamedTuple):
    """Whom an order would meet in the book now."""

    others: list[tuple[int, int]]
    """Price and lots of what it would take of others, best first."""
    own: list[int]
    """Ids of the orders of the same account that stand in its way: the venue prevents trades with oneself."""
    best: int | None
    """Best price of the other side; None when nobody is there."""

    @property
    def any(self) -> bool:
        """Whether it would meet anybody, also itself."""
        return bool(self.others or self.own)

    @property
    def lots(self) -> int:
        """Lots it would take of others."""
        return sum(lots for _, lots in self.others)


class Clearing(Protocol):
    """The rules, the money and the words of one venue. Amounts are whole numbers of 1e-8."""

    fees: dict[str, int]
    """What the venue earned, by asset."""

    def admit(self, order: ClientOrder, meets: Meets, opened: list[ClientOrder]) -> None:
        """Take an order on; `opened` are all open ones of its account. Raises RestError for one that is rejected."""
        ...

    def fill(self, order: ClientOrder, price: int, lots: int, trade_id: int, *, maker: bool) -> dict[str, Any]:
        """Move the money of a fill, before `order.filled` counts it; returns what `report` is to say of it."""
        ...

    def release(self, order: ClientOrder) -> None:
        """An order has ended."""
        ...

    def unfit(self, account: Account, symbol: str, opened: list[ClientOrder]) -> list[ClientOrder]:
        """The open orders that must expire by what has happened."""
        ...

    def report(self, order: ClientOrder, execution: str, ms: int, fill: dict[str, Any] | None = None) -> dict[str, Any]:
        """The user data event of an order."""
        ...

    def account_report(self, account: Account, traded: str, ms: int) -> dict[str, Any] | None:
        """The user data event of an account after its order was dealt with; `traded` is the symbol that it traded, if any."""
        ...


def meets_of(book: OrderBook, asked: NewOrder, owner: int) -> Meets:
    """Whom an order of `owner` would meet; a market order meets any price."""
    resting = book.side(-asked.side)
    left = asked.lots
    others: list[tuple[int, int]] = []
    own: list[int] = []
    for price, _ in resting.all_levels():
        if asked.kind != "MARKET" and (price - asked.price) * asked.side > 0:
            break
        for order in resting.orders_at(price):
            if not left:
                return Meets(others, own, resting.best)
            if order.owner == owner:
                own.append(order.order_id)
                continue
            lots = min(left, order.lots)
            left -= lots
            others.append((price, lots))
    return Meets(others, own, resting.best)
