"""Drives the compiled market: listings, rescaling and growth are decided here, between kernel calls."""

from typing import Any

import msgspec
import numpy as np

from papertape.core.book import kernels
from papertape.core.book.state_hash import market_hash, scale_word, signed
from papertape.core.book.view import BookView, MarketCounts, unlisted
from papertape.core.errors import DataError, IntegrityError
from papertape.core.fixed import VALUE_MAX, Rounding, rescale
from papertape.core.instruments import Instrument, read_instrument_event
from papertape.core.records import RECORD_DTYPE, Flag

SIZE_CLASSES = ((16_384, 8_192), (16_384, 131_072))
"""(window, far slots) of a book. A market that outgrows the first class is copied to the second."""


class CompiledMarket:
    """The same market as `rows.Market`, at kernel speed: `apply` takes arrays of RECORD_DTYPE.

    `books` is the kernels' state by instrument number; it is another array after a listing or `enlarge`.
    """

    def __init__(self) -> None:
        self._size_class = 0
        self.instruments: dict[int, Instrument] = {}
        self.books = _empty_books(0, 0)

    def apply(self, records: np.ndarray[Any, np.dtype[Any]]) -> None:
        """Take whole events, in order; block headers are passed over."""
        position = 0
        while position < len(records):
            position, why = kernels.advance(records, position, self.books)
            if why == kernels.LISTING:
                position = self.list_at(records, position)
            elif why == kernels.CAPACITY:
                self.enlarge()
            elif why == kernels.UNLISTED:
                raise unlisted(int(records["instrument"][position]))

    def list_at(self, records: np.ndarray[Any, np.dtype[Any]], start: int) -> int:
        """Take the INSTRUMENT event at `start`; returns the position behind it."""
        end = start
        while not records["flags"][end] & Flag.LAST:
            end += 1
        index = int(records["instrument"][start])
        instrument = read_instrument_event(records[start : end + 1])
        old = self.instruments.get(index)
        self.instruments[index] = instrument
        if index >= len(self.books):
            self._resize(index + 1)
        book = self.books[index]
        book["price_word"] = signed(scale_word(instrument.price_scale))
        book["size_word"] = signed(scale_word(instrument.size_scale))
        if old is None:
            book["quote_id"] = -1
            kernels.lose_sync(book)
        else:
            self._rescale(index, old, instrument)
        return end + 1

    def _resize(self, count: int) -> None:
        books = _empty_books(count, self._size_class)
        books[: len(self.books)] = self.books
        self.books = books

    def enlarge(self) -> None:
        """Copy all books to the next size class."""
        if self._size_class + 1 == len(SIZE_CLASSES):
            most = SIZE_CLASSES[-1][1] * 3 // 4
            raise DataError(f"a side of a book has more than {most} levels outside its window; expected fewer")
        self._size_class += 1
        old = self.books
        self.books = _empty_books(len(old), self._size_class)
        for name in old.dtype.names or ():
            if not name.startswith("far_"):
                self.books[name] = old[name]
        self.books["far_count"] = 0
        for index in range(len(old)):
            for side in (0, 1):
                for key, size in _levels(old[index], side):
                    if not old["bottom"][index, side] <= key < old["bottom"][index, side] + SIZE_CLASSES[0][0]:
                        kernels.set_level(self.books[index], side, key, size)

    def _rescale(self, index: int, old: Instrument, new: Instrument) -> None:
        book = self.books[index]

        def price(mantissa: int) -> int:
            return rescale(mantissa, old.price_scale, new.price_scale, Rounding.HALF_EVEN)

        def size(mantissa: int) -> int:
            return rescale(mantissa, old.size_scale, new.size_scale, Rounding.HALF_EVEN)

        for side in (0, 1):
            levels = sorted(_levels(book, side), reverse=True)
            kernels.clear_side(book, side)
            for key, amount in levels:
                while not kernels.set_level(book, side, price(key), size(amount)):
                    self.enlarge()
                    book = self.books[index]
        for table in ("pending", "tops"):
            for row in book[table]:
                row[1:] = (price(int(row[1])), size(int(row[2])), price(int(row[3])), size(int(row[4])))
        for name in ("quote", "top"):
            values = [int(value) for value in book[name]]
            book[name] = (price(values[0]), size(values[1]), price(values[2]), size(values[3]))

    def levels(self, index: int, count: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """At most `count` bids and asks of one book, (price, size), best first; none while it is not synchronised."""
        book = self.books[index]
        return (_best_levels(book, 0, count), _best_levels(book, 1, count)) if book["synced"] else ([], [])

    def export(self) -> dict[str, Any]:
        """All that the market is, as plain values and bytes."""
        instruments = [[index, msgspec.to_builtins(one)] for index, one in self.instruments.items()]
        return {"class": self._size_class, "instruments": instruments, "books": self.books.tobytes()}

    @classmethod
    def restore(cls, saved: dict[str, Any]) -> "CompiledMarket":
        """The market that `export` told. Raises IntegrityError when it is of another layout."""
        market = cls()
        market._size_class = saved["class"]
        market.instruments = {index: msgspec.convert(one, Instrument) for index, one in saved["instruments"]}
        dtype = kernels.book_dtype(*SIZE_CLASSES[saved["class"]])
        if len(saved["books"]) % dtype.itemsize:
            raise IntegrityError(f"expected books of {dtype.itemsize} bytes each, was {len(saved['books'])}")
        market.books = kernels.with_attributes(np.frombuffer(bytearray(saved["books"]), dtype))
        return market

    def views(self) -> list[BookView]:
        """All books, in the order in which they were listed."""
        return [self._view(index, instrument) for index, instrument in self.instruments.items()]

    def _view(self, index: int, instrument: Instrument) -> BookView:
        book = self.books[index]
        return BookView(
            instrument,
            bool(book["synced"]),
            int(book["update_id"]),
            sorted(_levels(book, 0), reverse=True),
            sorted((-key, size) for key, size in _levels(book, 1)),
            tuple(int(value) for value in book["quote"]),  # type: ignore[arg-type]
            int(book["quote_id"]),
            int(book["running"]),
        )

    @property
    def synced(self) -> bool:
        """Whether there are books and all are synchronised."""
        return bool(self.instruments) and all(bool(self.books["synced"][index]) for index in self.instruments)

    def counts(self) -> MarketCounts:
        """Totals over all books."""
        books = self.books
        return MarketCounts(
            *(int(books[name].sum()) for name in ("records", "prints", "checks", "mismatches", "breaks", "crossed"))
        )

    def state_hash(self) -> str:
        """The market part of the state hash."""
        return market_hash(self.views())


def _empty_books(count: int, size_class: int) -> np.ndarray[Any, np.dtype[Any]]:
    return kernels.with_attributes(np.zeros(count, kernels.book_dtype(*SIZE_CLASSES[size_class])))


def _levels(book: Any, side: int) -> list[tuple[int, int]]:
    """(key, size) of all levels of one side, in no order."""
    count = int(book["levels"][side] + book["far_count"][side])
    keys, sizes = np.empty(count, np.int64), np.empty(count, np.int64)
    kernels.side_levels(book, side, keys, sizes)
    return list(zip(keys.tolist(), sizes.tolist(), strict=True))


def _best_levels(book: Any, side: int, count: int) -> list[tuple[int, int]]:
    levels: list[tuple[int, int]] = []
    # Keys of bids are prices, those of asks are negative: both begin above all that there can be.
    key = VALUE_MAX if side == 0 else 0
    for _ in range(count):
        key, size = kernels.next_level(book, side, key)
        if not size:
            break
        levels.append((int(key) if side == 0 else -int(key), int(size)))
    return levels


NO_RECORDS = np.zeros(0, RECORD_DTYPE)
NO_RECORDS.flags.writeable = False


def warm_up() -> None:
    """Compile the kernels, or load them from the cache, before time is taken."""
    books = _empty_books(1, 0)
    kernels.advance(NO_RECORDS, 0, books)
    kernels.lose_sync(books[0])
