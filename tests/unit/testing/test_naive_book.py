"""The naive book by hand."""

from fractions import Fraction

from papertape.testing.naive_book import NaiveBook


def exact(*values: str | int) -> tuple[Fraction, ...]:
    return tuple(map(Fraction, values))


def test_levels_are_set_removed_and_begun_anew() -> None:
    book = NaiveBook()
    book.start([("10", "1"), ("9.5", "2")], [("11", "3")])
    assert book.top() == exact(10, 1, 11, 3)
    book.update([("10", "0.000"), ("7", "0")], [("10.90", "4"), ("0", "5")])
    assert book.bids == [exact("9.5", 2)]
    assert book.asks == [exact("10.9", 4), exact(11, 3)]
    book.start([], [])
    assert book.top() == exact(0, 0, 0, 0)
