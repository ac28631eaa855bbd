from papertape.paper_trading.engine.engine import Engine
from tests.engine_world import MS, PERPETUAL, World


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


def test_a_value_beyond_64_bits_is_too_large() -> None:
    world = quoted()
    world.buy(10**6, 10**5)
    world.buy(10**11, 1)
    assert world.told() == ["rejected too_large", "rejected too_large"]


def test_orders_are_numbered_from_one_refused_ones_too() -> None:
    world = quoted()
    assert [world.buy(price, 1) for price in (99, -1, 98)] == [1, 2, 3]


def test_an_order_of_another_account_is_unknown() -> None:
    world = quoted()
    world.engine.open_account("two", 10**10, currency="USD")
    order = world.buy(99, 1)
    world.cancel(order, account=1)
    world.amend(order, 98, 1, account=1)
    assert world.told() == ["accepted", "refused unknown_order", "refused unknown_order"]
    assert world.order(order) is not None


def test_a_stopped_account_may_cancel_and_nothing_else() -> None:
    world = quoted()
    order = world.buy(99, 1)
    world.engine.states[0]["accounts"][0]["stopped"] = 1
    world.buy(99, 1)
    world.cancel(order)
    assert world.told() == ["accepted", "rejected stopped", "cancelled by_request"]


def test_a_cancel_without_room_on_the_way_is_refused() -> None:
    world = World(PERPETUAL, make=Engine, latency_out_ns=MS)
    world.quote(100, 5, 102, 5)
    order = world.buy(99, 1)
    for _ in range(511):
        world.engine.cancel(0, order)
    assert world.told() == ["refused no_room"]
