import pytest

from papertape.data.wire.mt5.broker_time import (
    AGREEING_OF_ONE_MIN,
    CHANGE_SPAN_NS,
    FIRST_SPAN_NS,
    BrokerTime,
    nearest_step_ns,
)

HOUR_NS = 3_600_000_000_000
NOW_NS = 1_758_800_000_000_000_000
LATER_NS = NOW_NS + FIRST_SPAN_NS


def stamp(offset_h: float, *, now_ns: int = NOW_NS, late_ms: int = 40) -> int:
    return (now_ns + int(offset_h * HOUR_NS)) // 1_000_000 - late_ms


@pytest.mark.parametrize("hours", [3, 2, 0, -5, 5.75, 14])
def test_a_fresh_tick_says_the_offset_in_quarters_of_an_hour(hours: float) -> None:
    assert nearest_step_ns(stamp(hours), NOW_NS) == hours * HOUR_NS


@pytest.mark.parametrize("hours", [3.1, -15, 400, -8766])
def test_what_no_zone_can_be_says_nothing(hours: float) -> None:
    assert nearest_step_ns(stamp(hours), NOW_NS) is None


def test_several_symbols_must_agree() -> None:
    broker = BrokerTime()
    assert not broker.look("A", stamp(3), NOW_NS)
    assert not broker.look("A", stamp(3), NOW_NS)
    assert not broker.look("B", stamp(3), NOW_NS)  # a history that loads comes at once
    assert broker.look("B", stamp(3, now_ns=LATER_NS), LATER_NS)
    assert broker.offset_ns == 3 * HOUR_NS


def test_one_symbol_alone_must_say_it_often() -> None:
    broker = BrokerTime()
    times = [NOW_NS + number * FIRST_SPAN_NS for number in range(AGREEING_OF_ONE_MIN)]
    said = [broker.look("A", stamp(3, now_ns=now_ns), now_ns) for now_ns in times]
    assert said == [False] * (AGREEING_OF_ONE_MIN - 1) + [True]


def test_disagreement_begins_anew() -> None:
    broker = BrokerTime()
    broker.look("A", stamp(3), NOW_NS)
    broker.look("B", stamp(2), NOW_NS)
    assert not broker.look("A", stamp(2), NOW_NS)
    assert broker.look("B", stamp(2, now_ns=LATER_NS), LATER_NS)
    assert broker.offset_ns == 2 * HOUR_NS


@pytest.mark.parametrize(("before", "after"), [(3, 2), (2, 3)])
def test_summer_time_ends_and_begins(before: int, after: int) -> None:
    broker = BrokerTime(before * HOUR_NS)
    now_ns = NOW_NS
    while not broker.look(f"S{now_ns % 2}", stamp(after, now_ns=now_ns), now_ns):
        assert broker.offset_ns == before * HOUR_NS
        now_ns += 1_000_000_001
    assert broker.offset_ns == after * HOUR_NS
    assert now_ns - NOW_NS >= CHANGE_SPAN_NS


def test_late_ticks_at_once_are_no_change_of_time() -> None:
    broker = BrokerTime(3 * HOUR_NS)
    for number in range(1_000):
        assert not broker.look(f"S{number % 4}", stamp(2), NOW_NS + number)
    assert broker.look("S0", stamp(3), NOW_NS + 2_000_000_000)
    assert broker.offset_ns == 3 * HOUR_NS


def test_a_tick_that_says_nothing_leaves_what_is_known() -> None:
    assert not BrokerTime().look("A", stamp(3.1), NOW_NS)
    assert BrokerTime(3 * HOUR_NS).look("A", stamp(3.1), NOW_NS)
