"""Trade ids: what is missing, what came late, what came twice. Held against a plain set."""

from hypothesis import given
from hypothesis import strategies as st

from papertape.data.wire.binance.trade_ids import RANGES_MAX, Arrival, IdRange, TradeIds


def test_contiguous_ids_leave_nothing_open() -> None:
    ids = TradeIds()
    assert [ids.arrive(number) for number in (5, 6, 7)] == [Arrival.NEXT] * 3
    assert (ids.first, ids.last, ids.missing, ids.duplicates) == (5, 7, 0, 0)


def test_a_gap_is_filled_by_late_ids_from_its_middle_and_ends() -> None:
    ids = TradeIds()
    ids.arrive(1)
    assert ids.arrive(10) is Arrival.AFTER_GAP
    assert list(ids.open_ranges) == [IdRange(2, 9)]
    assert ids.arrive(5) is Arrival.LATE
    assert list(ids.open_ranges) == [IdRange(2, 4), IdRange(6, 9)]
    assert ids.arrive(2) is Arrival.LATE
    assert ids.arrive(9) is Arrival.LATE
    assert list(ids.open_ranges) == [IdRange(3, 4), IdRange(6, 8)]
    assert ids.missing == 5
    assert ids.arrive(5) is Arrival.DUPLICATE
    assert ids.duplicates == 1


def test_an_id_from_before_the_first_is_late_and_not_missing() -> None:
    ids = TradeIds()
    ids.arrive(100)
    assert ids.arrive(50) is Arrival.LATE
    assert (ids.first, ids.missing, ids.duplicates) == (100, 0, 0)


def test_the_venue_may_tell_of_ids_that_have_not_come() -> None:
    ids = TradeIds()
    assert not ids.expect_until(10)
    ids.arrive(5)
    assert not ids.expect_until(5)
    assert ids.expect_until(8)
    assert ids.open_ranges == (IdRange(6, 8),)
    assert ids.arrive(9) is Arrival.NEXT


def test_ranges_are_bounded_and_the_oldest_stays_missing_for_good() -> None:
    ids = TradeIds()
    for number in range(0, 2 * (RANGES_MAX + 6), 2):
        ids.arrive(number)
    assert len(ids.open_ranges) == RANGES_MAX
    assert ids.missing == RANGES_MAX + 5
    assert not ids.lacks(1)


@given(st.lists(st.integers(0, 40), max_size=60))
def test_any_order_of_ids_agrees_with_a_set(numbers: list[int]) -> None:
    ids, seen = TradeIds(), set[int]()
    for number in numbers:
        first_seen_before = bool(seen) and number < ids.first
        arrival = ids.arrive(number)
        if not first_seen_before:
            assert (arrival is Arrival.DUPLICATE) is (number in seen)
        if number >= ids.first:
            seen.add(number)
    if seen:
        lacking = [number for number in range(ids.first, ids.last + 1) if number not in seen]
        assert ids.missing == len(lacking)
        assert [number for number in range(50) if ids.lacks(number)] == lacking


def test_one_that_comes_late_at_the_very_start_counts_once() -> None:
    ids = TradeIds()
    assert [ids.arrive(one) for one in (105, 104, 104, 106)] == [
        Arrival.NEXT,
        Arrival.LATE,
        Arrival.DUPLICATE,
        Arrival.NEXT,
    ]
    assert (ids.first, ids.last, ids.missing, ids.duplicates) == (104, 106, 0, 1)
