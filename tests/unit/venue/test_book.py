"""The box's own book: snapshots, boundary cases, breaks and their healing."""

import pytest

from papertape.venue.book import VenueBook
from papertape.venue.lines import DepthEvent, Snapshot


def snapshot(last_id: int) -> Snapshot:
    return Snapshot(bids=[("99.00", "1.0"), ("98.00", "2.0")], asks=[("101.00", "1.0")], last_update_id=last_id)


def event(first: int, final: int, previous: int = -1, bid: tuple[str, str] = ("99.50", "3.0")) -> DepthEvent:
    return DepthEvent(first_id=first, final_id=final, bids=[bid], asks=[], previous_id=previous)


def book_at(last_id: int) -> VenueBook:
    book = VenueBook()
    book.load(snapshot(last_id))
    return book


def test_a_book_without_a_snapshot_is_not_known() -> None:
    book = VenueBook()
    book.apply(event(1, 2))
    assert not book.known
    assert book.broken


def test_levels_are_set_and_removed_whatever_their_spelling() -> None:
    book = book_at(10)
    book.apply(event(11, 12))
    assert book.top(5)[0] == [("99.50", "3.0"), ("99.00", "1.0"), ("98.00", "2.0")]
    book.apply(event(13, 13, bid=("99.5", "0.000")))
    book.apply(event(14, 14, bid=("42.00", "0")))
    assert book.top(5) == ([("99.00", "1.0"), ("98.00", "2.0")], [("101.00", "1.0")])
    assert book.last_update_id == 14


def test_events_up_to_the_snapshot_change_nothing() -> None:
    book = book_at(10)
    book.apply(event(5, 10))
    assert book.last_update_id == 10
    assert book.top(1)[0] == [("99.00", "1.0")]
    assert not book.broken


@pytest.mark.parametrize(("first", "previous"), [(9, -1), (11, -1), (400, 10), (5, 4)])
def test_the_first_event_may_begin_in_or_right_after_the_snapshot(first: int, previous: int) -> None:
    book = book_at(10)
    book.apply(event(first, 500, previous))
    assert book.last_update_id == 500


@pytest.mark.parametrize(("first", "previous"), [(12, -1), (11, 11)])
def test_a_gap_keeps_the_last_whole_state(first: int, previous: int) -> None:
    book = book_at(10)
    book.apply(event(first, 500, previous))
    assert book.broken
    assert book.last_update_id == 10
    assert book.top(1)[0] == [("99.00", "1.0")]


def test_a_later_snapshot_heals_with_the_events_that_came_before_it() -> None:
    book = book_at(10)
    book.apply(event(20, 21))
    book.apply(event(22, 25))
    book.load(snapshot(21))
    assert not book.broken
    assert book.last_update_id == 25


def test_a_snapshot_too_old_does_not_heal() -> None:
    book = book_at(10)
    book.apply(event(20, 21))
    states = []
    for last_id in (15, 19):
        book.load(snapshot(last_id))
        states.append((book.broken, book.last_update_id))
    assert states == [(True, 15), (False, 21)]


def test_a_whole_book_keeps_its_state_when_a_snapshot_passes() -> None:
    book = book_at(10)
    book.apply(event(11, 12))
    book.load(snapshot(11))
    assert book.last_update_id == 12
    assert book.top(1)[0] == [("99.50", "3.0")]


def test_a_level_that_is_no_number_is_refused() -> None:
    book = book_at(10)
    for text in ("abc", "NaN", "Infinity"):
        with pytest.raises(ValueError, match="decimal number"):
            book.apply(event(11, 12, bid=(text, "1")))


def test_a_copy_stays_as_it_was() -> None:
    book = book_at(10)
    old = book.copy()
    book.apply(event(11, 12))
    assert (old.last_update_id, old.top(1)[0]) == (10, [("99.00", "1.0")])
    assert (book.last_update_id, book.top(1)[0]) == (12, [("99.50", "3.0")])
