"""Accounts of the naive engine: money, positions, and what an account has taken of the displayed levels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from papertape.core.records import INT64_MAX
from papertape.paper_trading.engine.rows import TAKEN_KEPT
from papertape.testing.naive_market import Listing


@dataclass
class Position:
    """What an account has of an instrument; size and cost of a short position are negative."""

    size: int = 0
    cost: int = 0
    realised: int = 0
    fees: int = 0
    fills: int = 0

    def trade(self, listing: Listing, side: int, price: int, size: int) -> int:
        """Change size and cost by a fill: first close, then open with the remainder. Returns the profit realised."""
        closed = min(size, abs(self.size)) if self.size * side < 0 else 0
        closed_value = listing.value(price, closed)
        part = round(Fraction(self.cost * closed, abs(self.size))) if closed else 0
        realised = -side * closed_value - part
        self.cost += side * (listing.value(price, size) - closed_value) - part
        self.size += side * size
        self.realised += realised
        self.fills += 1
        return realised


@dataclass
class Account:
    """One account. `taken` holds, per level (instrument, side, price), the size displayed and what was taken of it."""

    name: str
    cash: int
    leverage: int
    currency: str = "USDT"
    realised: int = 0
    fees: int = 0
    sent: int = 0
    positions: dict[int, Position] = field(default_factory=dict)
    taken: dict[tuple[int, int, int], tuple[int, int]] = field(default_factory=dict)

    def fill(self, listing: Listing, number: int, side: int, price: int, size: int, rate: int) -> tuple[int, int, int]:
        """Carry out a fill on instrument `number`; returns its value, fee and realised profit."""
        position = self.positions.setdefault(number, Position())
        value = listing.value(price, size)
        fee = listing.fee(value, rate)
        realised = position.trade(listing, side, price, size)
        self.cash += (-side * value if listing.is_spot else realised) - fee
        position.fees += fee
        self.realised += realised
        self.fees += fee
        return value, fee, realised

    def size_of(self, number: int) -> int:
        """Size of the position in an instrument."""
        return self.positions[number].size if number in self.positions else 0

    def equity(self, listings: Mapping[int, Listing]) -> int:
        """Cash and what the positions are worth at the middle; cost stands for a value that nobody knows."""
        equity = self.cash
        for number, position in sorted(self.positions.items()):
            cost = 0 if listings[number].is_spot else position.cost
            equity = capped(capped(equity + _worth(listings[number], position)) - cost)
        return equity

    def exposure(self, listings: Mapping[int, Listing]) -> int:
        """Value of all perpetual positions, whether long or short."""
        held = ((listings[number], position) for number, position in self.positions.items())
        return capped(sum(abs(_worth(listing, position)) for listing, position in held if not listing.is_spot))

    def gone(self, level: tuple[int, int, int], displayed: int) -> int:
        """What this account took of a level that displayed this very size then."""
        then, taken = self.taken.get(level, (0, 0))
        return taken if then == displayed else 0

    def remember(self, level: tuple[int, int, int], displayed: int, size: int) -> None:
        """Note that `size` more was taken of a level; the levels first taken from the longest ago are forgotten."""
        taken = self.gone(level, displayed) + size
        self.taken[level] = (displayed, taken)
        if len(self.taken) > TAKEN_KEPT:
            del self.taken[next(iter(self.taken))]


def _worth(listing: Listing, position: Position) -> int:
    return position.cost if listing.middle is None else capped(listing.value(listing.middle, position.size))


def capped(amount: int) -> int:
    """The amount as far as 64 bits can tell it."""
    return max(-INT64_MAX, min(amount, INT64_MAX))
