"""The money of one API key: what is free, what resting orders hold. Amounts are whole numbers of 1e-8."""

import msgspec

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


class Account:
    """The balances of one key; they never fall below zero, and only fills and fees change their sum."""

    def __init__(self, key: Key, number: int) -> None:
        self.key = key
        self.number = number
        """Owner of its orders in the books, from 1."""
        self.balances = {asset: Balance(units * UNIT) for asset, units in key.balances.items()}
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
