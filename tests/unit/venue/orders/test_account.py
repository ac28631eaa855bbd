"""Balances are held, paid and received."""

from papertape.venue.orders.account import UNIT, Account, Key


def test_money_is_only_moved() -> None:
    account = Account(Key("k", "s", {"USDT": 10}), 1)
    assert not account.lock("USDT", 11 * UNIT)
    assert not account.lock("BTC", 1)
    assert account.lock("USDT", 4 * UNIT)
    account.trade(("USDT", 3 * UNIT), ("BTC", 5))
    account.unlock("USDT", 1 * UNIT)
    assert {asset: (one.free, one.locked) for asset, one in account.balances.items()} == {
        "USDT": (7 * UNIT, 0),
        "BTC": (5, 0),
    }
