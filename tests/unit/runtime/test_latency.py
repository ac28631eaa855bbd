from hypothesis import given
from hypothesis import strategies as st

from papertape.runtime.latency import LatencyHistogram

durations_us = st.lists(st.integers(0, 10**12), min_size=1, max_size=200)


@given(durations_us, st.integers(1, 100))
def test_a_quantile_is_never_below_the_exact_one_and_at_most_a_thirty_second_above(
    durations: list[int], percent: int
) -> None:
    histogram = LatencyHistogram()
    for one in durations:
        histogram.add(one)
    exact = sorted(durations)[-(-len(durations) * percent // 100) - 1]
    told = histogram.quantile_us(percent)
    assert told is not None
    assert exact <= told <= exact + exact // 32


@given(durations_us)
def test_small_durations_are_exact(durations: list[int]) -> None:
    histogram = LatencyHistogram()
    for one in durations:
        histogram.add(one % 64)
    assert histogram.quantile_us(100) == max(one % 64 for one in durations)


def test_nothing_yet_is_none_and_a_clock_step_back_is_zero() -> None:
    histogram = LatencyHistogram()
    assert histogram.quantile_us(50) is None
    histogram.add(-5)
    assert (histogram.quantile_us(50), histogram.total) == (0, 1)


@given(st.integers(0, 10**9), st.integers(1, 50))
def test_a_count_is_that_many_durations(duration: int, count: int) -> None:
    at_once, one_by_one = LatencyHistogram(), LatencyHistogram()
    at_once.add(duration, count)
    for _ in range(count):
        one_by_one.add(duration)
    assert at_once.quantile_us(99) == one_by_one.quantile_us(99)
    assert at_once.total == one_by_one.total == count
