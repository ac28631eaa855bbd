import time

from papertape.runtime.clocks import UtcClock


def test_it_is_utc_in_whole_microseconds_and_never_goes_back() -> None:
    before_ns = time.time_ns()
    clock = UtcClock()
    times_ns = [clock.now_ns() for _ in range(10_000)]
    assert times_ns == sorted(times_ns)
    assert all(one % 1000 == 0 for one in times_ns)
    assert abs(times_ns[0] - before_ns) < 60 * 10**9
