"""Money by hand: spot balances, perpetual profit through zero, reservations, fees."""

from fractions import Fraction

import msgspec

from papertape.paper_trading.engine.rows import Side
from papertape.testing.naive_account import Account
from tests.engine_world import FOK, IOC, MONEY, PERPETUAL, SPOT, STOP, World


def test_spot_pays_and_gets_value_and_fee_and_realises_the_part_of_the_cost() -> None:
    world = World(SPOT, cash=1_000, maker_rate=-1_000_000, taker_rate=1_000_000)
    world.quote(99, 10, 100, 10)
    world.buy(0, 3)
    assert world.cash() == 1_000 - 300 - 3
    world.quote(110, 10, 111, 10)
    world.sell(0, 1)
    assert world.cash() == 697 + 110 - Fraction("1.1")
    assert world.position()[2:] == (2, 200 * MONEY, 10 * MONEY, 410_000_000, 2)
    assert world.account()[2:] == (0, 10 * MONEY, 410_000_000, 2)
    world.sell(112, 2)
    world.trade(113, 1, sold=False)
    assert world.cash() == Fraction("805.9") + 112 + Fraction("1.12")


def test_the_part_of_the_cost_is_rounded_half_to_even() -> None:
    world = World(msgspec.structs.replace(SPOT, price_scale=8))
    world.quote(1, 10, 3, 10)
    world.buy(0, 1)
    world.quote(1, 10, 2, 10)
    world.buy(0, 1)
    world.sell(0, 1)
    # A cost of 5 over 2 units: 2.5 becomes 2, and 1 - 2 is realised.
    assert world.position()[2:5] == (1, 3, -1)


def test_a_perpetual_closes_first_and_opens_the_rest() -> None:
    world = World(PERPETUAL, cash=2_000, taker_rate=1_000_000)
    world.quote(99, 10, 100, 10)
    world.buy(0, 4)
    world.quote(110, 10, 111, 10)
    world.sell(0, 6)
    event = world.events()[-1]
    assert (event.notional, event.fee, event.realised) == (660 * MONEY, 660_000_000, 40 * MONEY)
    assert world.position()[2:5] == (-2, -220 * MONEY, 40 * MONEY)
    assert world.cash() == 2_000 + 40 - 4 - Fraction("6.6")


def test_marks_value_positions_at_the_middle_once_per_crossing_of_seconds() -> None:
    spot = World(SPOT, cash=1_000)
    spot.quote(99, 10, 100, 10)
    spot.buy(0, 4)
    assert spot.engine.take_marks() == []
    spot.wait(998)
    spot.quote(101, 10, 104, 10)
    spot.quote(105, 10, 104, 10)
    spot.wait(2_500)
    cash = 600 * MONEY
    assert spot.engine.take_marks() == [(3 * 10**9, 0, cash + 410 * MONEY, cash)]
    perpetual = World(PERPETUAL, cash=1_000)
    perpetual.quote(99, 10, 100, 10)
    perpetual.buy(0, 4)
    perpetual.wait(999)
    assert perpetual.engine.take_marks() == [(10**9, 0, 998 * MONEY, 1_000 * MONEY)]


def test_spot_orders_reserve_what_they_may_need() -> None:
    world = World(SPOT, cash=1_000, taker_rate=1_000_000)
    world.quote(90, 10, 100, 10)
    order = world.buy(80, 5)
    assert world.account().reserved == 404 * MONEY
    world.buy(60, 10)
    world.sell(0, 1)
    world.trade(79, 2, sold=True)
    assert world.account().reserved == Fraction(404 * 3, 5) * MONEY
    world.sell(120, 2)
    world.sell(120, 1)
    world.cancel(order)
    assert world.account().reserved == 0
    assert world.told() == [
        *("accepted", "rejected no_balance", "rejected no_holding", "fill 2 @ 80", "accepted"),
        *("rejected no_holding", "cancelled by_request"),
    ]


def test_a_market_purchase_is_checked_again_at_arrival() -> None:
    world = World(SPOT, cash=1_000, latency_out_ns=1_000_000)
    world.quote(90, 10, 100, 20)
    world.buy(0, 10)
    world.quote(90, 10, 101, 20)
    world.wait(1)
    assert world.told() == ["rejected no_balance"]
    assert world.account().reserved == 0


def test_a_perpetual_needs_margin_unless_it_reduces() -> None:
    world = World(PERPETUAL, cash=100, leverage=10)
    world.quote(100, 50, 100 + 2, 50)
    world.buy(90, 12)
    world.buy(0, 9)
    world.sell(103, 5)
    world.sell(104, 5)
    assert world.told() == ["rejected no_balance", "fill 9 @ 102", "accepted", "rejected no_balance"]
    world.sell(0, 4, FOK)
    assert world.told() == ["fill 4 @ 100"]
    assert world.account().reserved == 0


def test_rules_are_checked_in_the_order_of_the_document() -> None:
    rules = {"tick": 5, "lot": 2, "min_size": 4, "max_size": 20, "min_notional": 450}
    world = World(msgspec.structs.replace(SPOT, **rules), cash=10**6)
    world.quote(100, 9, 105, 9)
    orders = ((101, 3), (-5, 4), (100, 3), (100, 0), (100, 2), (100, 22), (5 * 10**11, 20), (100, 4), (100, 6))
    for price, size in orders:
        world.send(Side.BUY, STOP, price, size, IOC)
    assert world.told() == [
        *("rejected not_on_tick", "rejected not_on_tick", "rejected not_on_lot", "rejected not_on_lot"),
        *("rejected below_min_size", "rejected above_max_size", "rejected too_large", "rejected below_min_notional"),
        *("triggered", "fill 6 @ 105"),
    ]


def test_the_levels_taken_from_the_longest_ago_are_forgotten() -> None:
    account = Account("one", 0, 1)
    for price in range(129):
        account.remember((0, 1, price), 10, 4)
    assert account.gone((0, 1, 0), 10) == 0
    assert account.gone((0, 1, 1), 10) == 4
    assert account.gone((0, 1, 1), 11) == 0
