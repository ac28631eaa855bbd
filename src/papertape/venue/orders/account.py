"""The money of one API key: what is free, what resting orders hold. Amounts are whole numbers of 1e-8."""

import msgspec

from papertape.core.fixed import Rounding, divide

AMOUNT_SCALE = 8
UNIT = 10**AMOUNT_SCALE


class Key(msgspec.Struct, frozen=True):
    """An API key and its secret, and what its account begins with, in whole units of each asset."""

    api_key: str = "box"
    secret: str = "box"  # noqa: S105 - it opens nothing but a pretended exchange on this machine
    balances: dict[str, int] = {}


class Balance(msgspec.Struct):
    """One asset."""

    free: int = 0
    locked: int = 0


class Position(msgspec.Struct):
    """What is held of one symbol in one-way mode: lots, negative when short, and what they cost, of the same sign."""

    lots: int = 0
    cost: int = 0
    realised: int = 0
    """All that was won and lost so far, before fees."""
    updated_ms: int = 0

    def trade(self, lots: int, quote: int) -> int:
        """A fill of so many lots for so much, both negative for a sale; returns what it realises.

        A part of the position takes its share of the cost, rounded half-even; the last part takes all that is left, so
        what a position realised when it is closed is what was received less what was paid, exactly.
        """
        closed = min(abs(lots), abs(self.lots)) if lots * self.lots < 0 else 0
        won = 0
        if closed:
            # The quote of a fill is its lots times a price: a part of it is exact.
            received = -quote * closed // abs(lots)
            share = divide(self.cost * closed, abs(self.lots), Rounding.HALF_EVEN)
            won = received - share
            self.cost -= share
            quote += received
        self.lots += lots
        # What did not close opens, on the same side or, after the last lot, on the other.
        self.cost += quote
        self.realised += won
        return won


class Account:
    """The money of one key. On spot no balance falls below zero, and only fills and fees change their sum."""

    def __init__(self, key: Key, number: int) -> None:
        self.key = key
        self.number = number
        """Owner of its orders in the books, from 1."""
        self.positions: dict[str, Position] = {}
        """Of USD-M, by symbol; one that was closed stays, with no lots."""
        self.balances = {asset: Balance(units * UNIT) for asset, units in key.balances.items()}
        """On USD-M `free` is the wallet, which losses may take below zero, and nothing is locked."""
        self.updated_ms = 0

    def balance(self, asset: str) -> Balance:
        """The balance of an asset."""
        return self.balances.setdefault(asset, Balance())

    def lock(self, asset: str, amount: int) -> bool:
        """Hold an amount for an order; False when there is not so much."""
        balance = self.balance(asset)
        if balance.free < amount:
            return False
        balance.free -= amount
        balance.locked += amount
        return True

    def unlock(self, asset: str, amount: int) -> None:
        """An order needs an amount no more."""
        balance = self.balance(asset)
        balance.locked -= amount
        balance.free += amount

    def trade(self, paid: tuple[str, int], received: tuple[str, int]) -> None:
        """A fill: what was locked is paid, what is received is free."""
        self.balance(paid[0]).locked -= paid[1]
        self.balance(received[0]).free += received[1]
