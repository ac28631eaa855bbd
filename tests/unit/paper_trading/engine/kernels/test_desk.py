from papertape.paper_trading.engine.engine import Engine
from tests.engine_world import PERPETUAL, World


def quoted() -> World:
    world = World(PERPETUAL, make=Engine)
    world.quote(100, 5, 102, 5)
    return world


def test_what_breaks_a_rule_is_refused_with_the_reason() -> None:
    world = quoted()
    world.buy(-1, 1)
    world.buy(100, 0)
    world.buy(100, 10**6)
    assert world.told() == ["rejected not_on_tick", "rejected not_on_lot", "rejected no_balance"]


def test_a_cancel_needs_a_live_order_of_its_account() -> None:
    world = quoted()
    order = world.buy(99, 1)
    world.cancel(order + 5)
    world.cancel(order)
    assert world.told() == ["accepted", "refused unknown_order", "cancelled by_request"]


def test_an_amend_moves_an_order() -> None:
    world = quoted()
    order = world.buy(99, 1)
    world.amend(order, 102, 2)
    assert world.told() == ["accepted", "amended", "fill 2 @ 102"]
