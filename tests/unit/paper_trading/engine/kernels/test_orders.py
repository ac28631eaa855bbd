"""The kernels of the order array on a state of their own: slots, sorted lists, the queue of what is on its way."""

import itertools

import pytest

from papertape.core.fixed import MANTISSA_MAX
from papertape.paper_trading.engine.kernels.orders import delist, drop_first_due, enlist, find, free_slot, send
from papertape.paper_trading.engine.rows import NONE, SMALL, OrderType
from papertape.paper_trading.engine.state import States, new_states


def listed(side: int, kind: OrderType, prices: list[int]) -> States:
    """A state in which the order in slot k has the price `prices[k]` and is in its list."""
    states = new_states(SMALL, 1)
    for slot, price in enumerate(prices):
        order = states[0]["orders"][slot]
        order["id"], order["side"], order["type"], order["price"], order["list"] = slot + 1, side, kind, price, NONE
        enlist(states[0], slot)
    return states


def in_order(states: States, which: int) -> list[int]:
    slots, at = [], int(states[0]["instruments"][0]["head"][which])
    while at != NONE:
        slots.append(at)
        at = int(states[0]["orders"][at]["next"])
    return slots


@pytest.mark.parametrize(
    ("which", "side", "kind", "expected"),
    [
        (0, 1, OrderType.LIMIT, [1, 3, 0, 2]),
        (1, -1, OrderType.LIMIT, [2, 0, 1, 3]),
        (2, -1, OrderType.STOP, [1, 3, 0, 2]),
        (3, 1, OrderType.STOP, [2, 0, 1, 3]),
    ],
)
def test_a_list_is_sorted_by_price_and_then_by_age(which, side, kind, expected) -> None:
    states = listed(side, kind, [100, 101, 99, 101])
    assert in_order(states, which) == expected
    for slot in (expected[0], expected[2], expected[1], expected[3]):
        delist(states[0], slot)
        expected = [other for other in expected if other != slot]
        assert in_order(states, which) == expected
    assert states[0]["instruments"][0]["key"][which] == -MANTISSA_MAX


def test_an_order_is_found_by_number_and_account_past_slots_that_are_in_use() -> None:
    states = new_states(SMALL, 1)
    for number in (7, 7 + SMALL.orders):
        slot = free_slot(states[0], number)
        states[0]["orders"][slot]["id"], states[0]["orders"][slot]["account"] = number, 2
    assert [find(states[0], 2, number) for number in (7, 7 + SMALL.orders, 8)] == [7, 8, NONE]
    assert find(states[0], 1, 7) == NONE


def test_what_is_on_its_way_comes_by_time_and_then_by_the_order_sent() -> None:
    for times in itertools.permutations((3, 1, 2, 1, 3)):
        states = new_states(SMALL, 1)
        states[0]["second_ns"] = MANTISSA_MAX
        for order, due_ns in enumerate(times):
            send(states[0], due_ns, 0, order, 0, 0, 0)
        came = []
        while states[0]["due_count"]:
            assert states[0]["next_ns"] == states[0]["due"][0]["due_ns"]
            came.append(int(states[0]["due"][0]["order"]))
            drop_first_due(states[0])
        assert came == sorted(range(5), key=lambda order: times[order])
