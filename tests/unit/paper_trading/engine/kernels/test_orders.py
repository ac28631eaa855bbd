from papertape.paper_trading.engine.engine import Engine
from tests.engine_world import MS, PERPETUAL, World


def test_orders_arrive_by_due_time() -> None:
    world = World(PERPETUAL, make=Engine, latency_out_ns=5 * MS, latency_jitter_ns=50 * MS)
    world.quote(100, 50, 102, 50)
    for _ in range(20):
        world.engine.submit(0, 0, 1, 1, 0, 90, 1)
    due = [one.due_ns for one in world.engine.view().due]
    assert due == sorted(due)
    assert len(set(due)) > 1
    world.wait(100)
    times = [event.ts_ns for event in world.engine.take_events()]
    assert times == due


def test_the_best_price_then_the_oldest_is_first() -> None:
    world = World(PERPETUAL, make=Engine)
    world.quote(100, 5, 102, 5)
    orders = [world.buy(price, 1) for price in (98, 99, 99, 97)]
    world.wait(1)
    world.trade(97, 3, sold=True, event_ms=world.now_ms)
    filled = [event.order for event in world.engine.take_events() if event.kind == 4]
    assert filled == [orders[1], orders[2], orders[0]]
