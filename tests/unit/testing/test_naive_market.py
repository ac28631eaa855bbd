"""What the naive engine sees of an instrument."""

from papertape.core.book.rows import Book
from papertape.paper_trading.engine.rows import Side
from papertape.paper_trading.engine.terms import Terms
from papertape.testing.naive_market import Listing, no_worse
from tests.engine_world import SPOT


def test_levels_are_the_quote_and_then_what_the_book_has_behind_it() -> None:
    book = Book(SPOT)
    listing = Listing(book, Terms())
    book.asks, book.synced = {104: 3, 101: 1, 103: 2}, True
    assert listing.levels(Side.SELL) == [(101, 1), (103, 2), (104, 3)]
    listing.top, listing.from_quote = (100, 5, 102, 6), True
    assert listing.levels(Side.SELL) == [(102, 6), (103, 2), (104, 3)]
    book.synced = False
    assert listing.levels(Side.SELL) == [(102, 6)]


def test_a_top_is_crossed_when_both_sides_are_there_and_meet() -> None:
    listing = Listing(Book(SPOT), Terms())
    crossed = []
    for top in ((5, 1, 5, 1), (6, 1, 5, 1), (4, 1, 5, 1), (6, 1, 0, 0), (0, 0, 5, 1)):
        listing.top = top
        crossed.append(listing.is_crossed)
    assert crossed == [True, True, False, False, False]


def test_values_and_fees_are_rounded_half_to_even() -> None:
    listing = Listing(Book(SPOT), Terms())
    assert listing.value(3, 7) == 21 * 10**8
    assert [listing.fee(value, 50_000_000) for value in (1, 2, 3, 5, -3)] == [0, 1, 2, 2, -2]
    assert listing.fee(7, -50_000_000) == -4


def test_no_worse_is_lower_for_a_buy_and_higher_for_a_sell() -> None:
    assert [no_worse(Side.BUY, price, 5) for price in (4, 5, 6)] == [True, True, False]
    assert [no_worse(Side.SELL, price, 5) for price in (4, 5, 6)] == [False, True, True]
