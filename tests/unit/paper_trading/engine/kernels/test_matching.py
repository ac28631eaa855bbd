from collections.abc import Callable
from typing import Any

import pytest

from papertape.paper_trading.engine.engine import Engine
from papertape.testing.naive_engine import NaiveEngine
from tests.engine_world import FOK, IOC, PERPETUAL, POST_ONLY, World

both = pytest.mark.parametrize("make", [NaiveEngine, Engine])


def quoted(make: Callable[..., Any]) -> World:
    world = World(PERPETUAL, make=make)
    world.snapshot(1, {100: 5, 99: 8}, {102: 5, 103: 7})
    world.quote(100, 5, 102, 5, id=2)
    return world


@both
def test_a_market_order_walks_the_levels(make: Callable[..., Any]) -> None:
    world = quoted(make)
    world.buy(0, 8)
    assert world.told() == ["fill 5 @ 102", "fill 3 @ 103"]


@both
def test_a_resting_order_waits_behind_what_is_displayed(make: Callable[..., Any]) -> None:
    world = quoted(make)
    order = world.buy(100, 4)
    assert world.ahead(order) == 5
    world.wait(1)
    world.trade(100, 7, sold=True, event_ms=world.now_ms)
    assert world.told() == ["accepted", "fill 2 @ 100"]


@both
def test_times_in_force(make: Callable[..., Any]) -> None:
    world = quoted(make)
    world.buy(102, 9, tif=IOC)
    world.buy(103, 90, tif=FOK)
    world.buy(102, 1, tif=POST_ONLY)
    assert world.told() == ["fill 5 @ 102", "expired ioc_rest", "expired not_fillable", "expired would_take"]
