from papertape.core.records import Verdict
from papertape.core.values import Interval
from papertape.data.wire.binance.kline_times import RANGES_MAX, KlineTimes, MissingKlines

MINUTE_NS = 60_000_000_000
GAP, TWICE, LATE = int(Verdict.SEQUENCE_GAP), int(Verdict.DUPLICATE), int(Verdict.OUT_OF_ORDER)


def arrive(times: KlineTimes, minute: int, is_closed: bool, unit_ns: int = 1_000_000) -> int:
    open_ns = minute * MINUTE_NS
    return times.arrive(Interval.M1, open_ns, open_ns + MINUTE_NS - unit_ns, is_closed)


def test_every_kline_must_be_closed_before_a_later_one_comes() -> None:
    times = KlineTimes()
    assert [arrive(times, 5, False), arrive(times, 5, True), arrive(times, 6, False)] == [0, 0, 0]
    assert arrive(times, 8, False) == GAP
    assert times.missing == [MissingKlines(Interval.M1, 6 * MINUTE_NS, 8 * MINUTE_NS)]
    assert arrive(times, 8, False) == 0, "told once"
    assert times.lacks(Interval.M1, 7 * MINUTE_NS)
    assert not times.lacks(Interval.M1, 8 * MINUTE_NS)
    assert not times.lacks(Interval.M5, 7 * MINUTE_NS)
    times.settle(times.missing[0])
    assert times.missing == []


def test_a_closing_that_is_repeated_and_one_that_is_late() -> None:
    times = KlineTimes()
    assert [arrive(times, 5, True), arrive(times, 5, True), arrive(times, 5, False)] == [0, TWICE, LATE]


def test_times_in_microseconds_leave_no_hole() -> None:
    times = KlineTimes()
    assert [arrive(times, minute, True, 1_000) for minute in (1, 2, 3)] == [0, 0, 0]


def test_intervals_are_followed_apart_and_what_is_remembered_is_bounded() -> None:
    times = KlineTimes()
    assert times.arrive(Interval.H1, 0, 1, True) == 0
    for minute in range(0, 3 * RANGES_MAX, 2):
        arrive(times, minute, True)
    assert len(times.missing) == RANGES_MAX
