"""What the compiled engine makes of the market, told by hand; the slow engine that it is compared with says the same."""

from fractions import Fraction

import pytest

from papertape.paper_trading.engine.engine import Engine
from papertape.testing.naive_engine import NaiveEngine
from tests.engine_world import FOK, IOC, PERPETUAL, POST_ONLY, STOP, World

pytestmark = pytest.mark.parametrize("make", [NaiveEngine, Engine])


def quoted(make, **terms: int) -> World:
    """A perpetual quoted 100 x 5 / 102 x 5, with a book one level deeper on each side."""
    world = World(PERPETUAL, make=make, **terms)
    world.snapshot(1, {100: 5, 99: 8}, {102: 5, 103: 7})
    world.quote(100, 5, 102, 5, id=2)
    return world


def test_an_order_walks_the_displayed_levels_and_takes_none_of_them_twice(make) -> None:
    world = quoted(make)
    world.buy(103, 13, FOK)
    world.buy(102, 1, POST_ONLY)
    world.buy(102, 3, IOC)
    world.buy(0, 14)
    world.sell(0, 6)
    assert world.told() == [
        *("expired not_fillable", "expired would_take", "fill 3 @ 102"),
        *("fill 2 @ 102", "fill 7 @ 103", "expired no_liquidity"),
        *("fill 5 @ 100", "fill 1 @ 99"),
    ]


def test_prints_use_up_the_queue_before_they_fill(make) -> None:
    world = quoted(make)
    order = world.buy(100, 4)
    world.trade(100, 3, sold=True)
    assert (world.told(), world.ahead(order)) == (["accepted"], 2)
    world.trade(100, 3, sold=True)
    world.trade(100, 9, sold=False)
    assert world.told() == ["fill 1 @ 100"]
    world.trade(99, 9, sold=True)
    assert world.told() == ["fill 3 @ 100"]


def test_a_top_that_reaches_an_order_fills_it_at_its_own_price_with_a_rebate(make) -> None:
    world = quoted(make, maker_rate=-1_000_000)
    world.buy(101, 20)
    world.events()
    world.quote(99, 5, 100, 6)
    fill, *others = world.events()
    assert others == []
    assert (fill.price, fill.size, fill.rest, fill.fee) == (101, 6, 14, -606_000_000)
    assert world.cash() == 100_000 + Fraction(606, 100)


def test_a_position_that_goes_through_zero_realises_what_it_closed(make) -> None:
    world = quoted(make)
    world.buy(0, 4)
    world.sell(0, 5)
    world.sell(99, 2, IOC)
    # 4 bought at 102 are sold at 100; one more at 100 and two at 99 are a new position.
    position = world.position()
    assert (position.size, position.realised, position.cost) == (-3, -8 * 10**8, -298 * 10**8)
    assert world.cash() == 100_000 - 8


def test_stops_fire_by_the_last_price_the_best_trigger_first(make) -> None:
    world = quoted(make)
    low, high = (world.send(-1, STOP, price, 1) for price in (96, 98))
    world.trade(99, 1, sold=True)
    assert world.told() == ["accepted", "accepted"]
    world.trade(96, 1, sold=True)
    assert [(event.order, event.price) for event in world.events()] == [(high, 98), (high, 100), (low, 96), (low, 100)]
