from papertape.venue.synthetic.listings import LISTINGS
from papertape.venue.synthetic.pace import ACTIVITY_MAX, ACTIVITY_MIN, HEAT_HALF_NS, HEAT_MAX, Pace
from papertape.venue.synthetic.tables import ROWS
from papertape.venue.synthetic.volatility import LEVEL_ONE

BITCOIN = LISTINGS[0]
MEDIAN = ROWS // 2


def test_quiet_times_have_the_listed_rates() -> None:
    pace = Pace(BITCOIN)
    mean_ns = sum(pace.wait_ns(0, row) for row in range(ROWS)) / ROWS
    assert 0.98 < mean_ns * (BITCOIN.makers_per_s + BITCOIN.takers_per_s) / 1e9 < 1.02


def test_restless_times_are_busier_within_bounds() -> None:
    pace = Pace(BITCOIN)
    quiet_ns = pace.wait_ns(0, MEDIAN)
    for level, factor in (
        (2 * LEVEL_ONE, 2),
        (1000 * LEVEL_ONE, ACTIVITY_MAX / LEVEL_ONE),
        (1, ACTIVITY_MIN / LEVEL_ONE),
    ):
        pace.follow(level)
        assert 0.99 < quiet_ns / pace.wait_ns(0, MEDIAN) / factor < 1.01


def test_a_trade_makes_it_busy_for_a_while() -> None:
    pace = Pace(BITCOIN)
    quiet_ns = pace.wait_ns(0, MEDIAN)
    pace.traded()
    hot_ns = pace.wait_ns(0, MEDIAN)
    heat = quiet_ns / hot_ns - 1
    assert heat > 0.1
    cooler = quiet_ns / pace.wait_ns(HEAT_HALF_NS, MEDIAN) - 1
    assert 0.45 < cooler / heat < 0.55
    assert pace.wait_ns(100 * HEAT_HALF_NS, MEDIAN) == quiet_ns


def test_heat_has_a_bound() -> None:
    pace = Pace(BITCOIN)
    quiet_ns = pace.wait_ns(0, MEDIAN)
    for _ in range(1000):
        pace.traded()
    assert quiet_ns / pace.wait_ns(0, MEDIAN) < 1.1 * (1 + HEAT_MAX / LEVEL_ONE)
