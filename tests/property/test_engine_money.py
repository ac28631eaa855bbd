"""Money is neither made nor lost: an oracle of fractions, told the fills alone, agrees with what an engine says.

Values come from prices and sizes anew; the oracle rounds only where the document says that money is rounded.
"""

from collections import defaultdict
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from papertape.paper_trading.engine.rows import EventKind, Liquidity
from papertape.paper_trading.engine.state_hash import EventView
from papertape.testing.naive_engine import NaiveEngine
from tests.differential.order_flow import PERPETUAL, SPOT, Scenario, play, scenario

INSTRUMENTS = (SPOT, PERPETUAL)


def run(seed: int) -> tuple[Scenario, NaiveEngine, list[EventView]]:
    world = scenario(seed)
    engine = NaiveEngine(world.terms, seed)
    play(engine, world, 10_000)
    return world, engine, [event for event in engine.take_events() if event.kind == EventKind.FILL]


def exact_value(event: EventView) -> Fraction:
    rules = INSTRUMENTS[event.instrument]
    return Fraction(event.price * event.size * 10**8, 10 ** (rules.price_scale + rules.size_scale))


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_cash_is_what_came_in_and_what_the_fills_moved(seed: int) -> None:
    world, engine, fills = run(seed)
    cash = [args[1] for _, method, args in world.commands if method == "open_account"]
    realised, fees = [0] * len(cash), [0] * len(cash)
    for event in fills:
        if event.instrument == 0:
            cash[event.account] += -event.side * event.notional - event.fee
        else:
            cash[event.account] += event.realised - event.fee
        realised[event.account] += event.realised
        fees[event.account] += event.fee
    views = engine.view().accounts
    assert [(view.cash, view.realised, view.fees) for view in views] == list(zip(cash, realised, fees, strict=True))


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_values_are_exact_but_for_half_a_unit_and_takers_pay(seed: int) -> None:
    _, _, fills = run(seed)
    for event in fills:
        assert abs(event.notional - exact_value(event)) <= Fraction(1, 2)
        assert event.size > 0
        assert event.rest >= 0
        assert event.liquidity in (Liquidity.MAKER, Liquidity.TAKER)
        assert event.fee >= 0 or event.liquidity == Liquidity.MAKER


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_profit_and_cost_of_a_position_add_up_to_what_was_paid_for_it(seed: int) -> None:
    _, engine, fills = run(seed)
    sizes, paid = defaultdict[tuple[int, int], int](int), defaultdict[tuple[int, int], int](int)
    exact, counts = defaultdict[tuple[int, int], Fraction](Fraction), defaultdict[tuple[int, int], int](int)
    for event in fills:
        key = (event.account, event.instrument)
        sizes[key] += event.side * event.size
        paid[key] += event.side * event.notional
        exact[key] += event.side * exact_value(event)
        counts[key] += 1
    positions = engine.view().positions
    assert [(view.account, view.instrument) for view in positions] == sorted(sizes)
    for view in positions:
        key = (view.account, view.instrument)
        assert (view.size, view.fills) == (sizes[key], counts[key])
        # cost - realised is exactly what was paid: rounding moves money between the two, never away.
        assert view.cost - view.realised == paid[key]
        assert abs(view.cost - view.realised - exact[key]) <= Fraction(counts[key], 2)
        assert (view.cost > 0) == (view.size > 0)
        assert (view.cost < 0) == (view.size < 0)


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_nothing_is_reserved_but_by_live_orders_and_no_spot_holding_is_negative(seed: int) -> None:
    _, engine, _ = run(seed)
    view = engine.view()
    reserved, sold = [0] * len(view.accounts), defaultdict[int, int](int)
    for order in view.orders:
        if order.instrument == 0 and order.side < 0:
            sold[order.account] += order.size - order.filled
        else:
            reserved[order.account] += order.reserved
    assert [account.reserved for account in view.accounts] == reserved
    for position in view.positions:
        assert position.instrument == 1 or position.size >= sold[position.account]
