"""Limits that both forms of the book share."""

from tests.binance_frames import depth, snapshot, ticker
from tests.differential.test_books import agree, batches

from papertape.core.book.view import QUOTES_PENDING_MAX, TOPS_KEPT


def test_a_quote_of_one_of_the_last_tops_is_checked_and_an_older_one_is_not() -> None:
    frames = [snapshot(10), *(depth(number, number) for number in range(11, 11 + TOPS_KEPT + 1))]
    for update_id, checks in ((11, 0), (12, 1), (11 + TOPS_KEPT, 1)):
        plain, _ = agree(batches([*frames, ticker(update_id)], []))
        assert plain.counts().book_checks == checks


def test_quotes_that_wait_are_bounded_and_the_oldest_go_first() -> None:
    waiting = [ticker(number) for number in range(11, 11 + QUOTES_PENDING_MAX + 1)]
    events = [depth(11, 11), depth(12, 12)]
    plain, _ = agree(batches([snapshot(10), *waiting, *events], []))
    assert plain.counts().book_checks == 1
