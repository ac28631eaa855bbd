from papertape.paper_trading.engine.engine import Engine
from tests.engine_world import MONEY, MS, PERPETUAL, World


def test_a_whole_second_that_is_crossed_is_marked() -> None:
    world = World(PERPETUAL, cash=10, make=Engine)
    world.engine.take_marks()
    world.quote(1, 9, 3, 9)
    world.wait(2_600)
    assert (2 * 10**9, 0, 10 * MONEY, 10 * MONEY) in world.engine.take_marks()


def test_time_begins_with_the_venues_data_and_never_goes_back() -> None:
    world = World(PERPETUAL, make=Engine)
    assert world.engine.now_ns == 0
    world.quote(1, 9, 3, 9)
    times = []
    for offset in (None, 7, -500):
        world.wait(1, offset_ms=offset)
        times.append(world.engine.now_ns // MS)
    assert times == sorted(times)
    assert times[0] < times[1] == times[2]
