from itertools import pairwise

from papertape.venue.synthetic.tables import NORMAL, ROWS
from papertape.venue.synthetic.volatility import LEVEL_ONE, PULSE_EVERY_NS, Pulses, Volatility, moved

SECOND_NS = 1_000_000_000


def test_the_square_of_the_level_is_one_on_average() -> None:
    volatility = Volatility(7, 1, (SECOND_NS, 3 * SECOND_NS))
    levels = [volatility.at(second * SECOND_NS) / LEVEL_ONE for second in range(5000)]
    assert 0.9 < sum(level * level for level in levels) / len(levels) < 1.1


def test_a_level_stays_until_a_component_switches() -> None:
    volatility = Volatility(7, 1, (SECOND_NS,))
    levels = [volatility.at(step * SECOND_NS // 100) for step in range(1000)]
    changes = sum(one != other for one, other in pairwise(levels))
    assert 0 < changes < 15


def test_pulses_come_at_random_around_their_mean() -> None:
    pulses = Pulses(7)
    times = [pulses.take().at_ns for _ in range(10_000)]
    gaps = [then - before for before, then in pairwise(times)]
    assert min(gaps) > 0
    assert 0.95 < sum(gaps) / len(gaps) / PULSE_EVERY_NS < 1.05
    assert pulses.next_ns > times[-1]


def test_moves_follow_the_level() -> None:
    row = ROWS // 2 + 1000
    calm = moved(1000, LEVEL_ONE, 1 << 12 | row)
    assert calm == 1000 * NORMAL[row] // 10
    assert moved(1000, 3 * LEVEL_ONE, 1 << 12 | row) == 3 * 1000 * NORMAL[row] // 10


def test_a_jump_is_a_large_move() -> None:
    row = ROWS - 1
    assert moved(1000, LEVEL_ONE, row) == 14 * moved(1000, LEVEL_ONE, 1 << 12 | row)
