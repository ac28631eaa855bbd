"""What the compiled engine checks when an order is sent and when it arrives, told by hand."""

import msgspec
import pytest

from papertape.paper_trading.engine.engine import Engine
from tests.engine_world import GTC, IOC, LIMIT, MARKET, MONEY, MS, PERPETUAL, POST_ONLY, SPOT, STOP, World

RULES = msgspec.structs.replace(SPOT, tick=5, lot=10, min_size=20, max_size=200, min_notional=3_000)


@pytest.mark.parametrize(
    ("type", "price", "size", "tif", "told"),
    [
        (LIMIT, 101, 50, GTC, "rejected not_on_tick"),
        (LIMIT, 100, 55, GTC, "rejected not_on_lot"),
        (LIMIT, 100, 10, GTC, "rejected below_min_size"),
        (LIMIT, 100, 210, GTC, "rejected above_max_size"),
        (LIMIT, 95, 30, GTC, "rejected below_min_notional"),
        (MARKET, 100, 50, GTC, "rejected bad_request"),
        (STOP, 100, 50, POST_ONLY, "rejected bad_request"),
        (LIMIT, 100, 30, GTC, "accepted"),
    ],
)
def test_an_order_must_keep_the_rules_of_the_instrument(type, price, size, tif, told) -> None:  # noqa: A002
    world = World(RULES, make=Engine)
    world.quote(100, 50, 105, 50)
    world.send(1, type, price, size, tif)
    assert world.told() == [told]


def test_a_purchase_reserves_its_value_and_fee_and_a_sale_what_is_held() -> None:
    world = World(make=Engine, cash=1_000, taker_rate=1_000_000)
    world.quote(100, 5, 102, 5)
    order = world.buy(99, 10)
    assert world.account().reserved == 990 * MONEY + 990 * MONEY // 100
    world.buy(1, 1)
    world.amend(order, 99, 1)
    world.buy(0, 2)
    world.sell(103, 3)
    world.sell(103, 2)
    world.sell(103, 1)
    world.cancel(order)
    assert world.told() == [
        *("accepted", "rejected no_balance", "amended", "fill 2 @ 102"),
        *("rejected no_holding", "accepted", "rejected no_holding", "cancelled by_request"),
    ]
    assert world.account().reserved == 0
    assert world.cash() * 100 == 100_000 - 204 * 101


def test_orders_that_only_reduce_a_position_need_no_margin() -> None:
    world = World(PERPETUAL, make=Engine, cash=400)
    world.quote(99, 9, 100, 9)
    world.buy(0, 4)
    world.sell(101, 4)
    world.sell(101, 1)
    assert world.told() == ["fill 4 @ 100", "accepted", "rejected no_balance"]


def test_orders_cancels_and_amends_arrive_after_the_latency_in_the_order_sent() -> None:
    world = World(PERPETUAL, make=Engine, latency_out_ns=5_000_000)
    world.quote(100, 5, 102, 5)
    order = world.buy(100, 4)
    world.amend(order, 100, 2)
    world.cancel(order)
    world.cancel(order)
    world.buy(102, 9, IOC)
    world.wait(4)
    assert world.told() == []
    world.wait(1)
    assert world.told() == [
        *("accepted", "amended", "cancelled by_request", "refused ended"),
        *("fill 5 @ 102", "expired ioc_rest"),
    ]


def test_what_other_accounts_send_does_not_change_how_long_an_order_is_under_way() -> None:
    """And two accounts that send alike wait alike: arms of an experiment share their chance."""
    arrived = []
    for others in (0, 3):
        world = World(PERPETUAL, make=Engine, latency_out_ns=MS, latency_jitter_ns=50 * MS)
        world.engine.open_account("two", 10**6 * MONEY, currency="USD")
        world.quote(99, 5, 101, 5)
        for _ in range(5):
            for _ in range(others):
                world.buy(50, 1, account=1)
            world.buy(90, 1)
            world.buy(90, 1, account=1)
            world.wait(100)
        told = [event for event in world.events() if event.price == 90]
        arrived.append([event.ts_ns for event in told if event.account == 0])
        if not others:
            assert [event.ts_ns for event in told if event.account == 1] == arrived[0]
    assert arrived[0] == arrived[1]
    assert len(set(arrived[0])) == 5
