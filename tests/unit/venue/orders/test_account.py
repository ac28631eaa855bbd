"""Balances are held, paid and received."""

from papertape.venue.orders.account import UNIT, Account, Key, Position


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


def test_a_position_is_opened_reduced_turned_and_closed() -> None:
    position = Position()
    assert position.trade(10, 1_000) == 0
    assert position.trade(-4, -480) == 80
    assert (position.lots, position.cost) == (6, 600)
    # Beyond its last lot a sale opens the other side.
    assert position.trade(-10, -1_200) == 120
    assert (position.lots, position.cost) == (-4, -480)
    assert position.trade(4, 500) == -20
    assert (position.lots, position.cost, position.realised) == (0, 0, 180)


def test_shares_of_a_cost_that_cannot_be_divided_leave_nothing_behind() -> None:
    position = Position()
    position.trade(3, 100)
    won = [position.trade(-1, -40) for _ in range(3)]
    assert sum(won) == 120 - 100
    assert (position.lots, position.cost) == (0, 0)
