"""The market in plain Python: the definition that the compiled form is held equal to."""

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from papertape.core.book.state_hash import market_hash, scale_word, step
from papertape.core.book.view import QUOTES_PENDING_MAX, TOPS_KEPT, BookView, MarketCounts, unlisted
from papertape.core.fixed import Rounding, rescale
from papertape.core.instruments import Instrument, read_instrument_event
from papertape.core.records import (
    FIRST_MARKET_KIND,
    INT64_MAX,
    RECORD_BYTES,
    RECORD_STRUCT,
    Flag,
    Kind,
    Verdict,
    as_records,
)

Top = tuple[int, int, int, int]
NO_TOP: Top = (0, 0, 0, 0)
NO_BID, NO_ASK, STALE = 0, INT64_MAX, -1
"""Best prices of an empty side, and the mark of a best price that must be looked for anew."""

_FIRST = int(Flag.FIRST)
_LAST = int(Flag.LAST)
_ASK = int(Flag.ASK)
_EMPTY = int(Flag.EMPTY)
_HELD = int(Flag.HELD)
_REPEAT = int(Flag.REPEAT)
_DUPLICATE = int(Verdict.DUPLICATE)
_SEQUENCE_GAP = int(Verdict.SEQUENCE_GAP)
_QUOTE = int(Kind.QUOTE)
_PRINT = int(Kind.PRINT)
_DELTA = int(Kind.DEPTH_DELTA)
_SNAPSHOT = int(Kind.DEPTH_SNAPSHOT)
_DEPTH = (_DELTA, _SNAPSHOT)
_INSTRUMENT = int(Kind.INSTRUMENT)
_MARKET = int(FIRST_MARKET_KIND)
_GAP = int(Kind.GAP)


class Book:
    """One instrument: levels, latest quote, and the audit of one by the other. Recording runs it for each record."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.synced = False
        self.update_id = 0
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.top: Top = NO_TOP
        self.last_synced: tuple[Top, int] | None = None
        self.quote: Top = NO_TOP
        self.quote_id = -1
        self.records = self.prints = self.checks = self.mismatches = self.breaks = self.crossed = 0
        self._pending: deque[tuple[int, Top]] = deque(maxlen=QUOTES_PENDING_MAX)
        self._tops: deque[tuple[int, Top]] = deque(maxlen=TOPS_KEPT)
        self._best_bid, self._best_ask = NO_BID, NO_ASK

    def lose_sync(self) -> None:
        """The book is not known any more, until the next snapshot."""
        self.synced = False
        self.update_id = 0
        self._clear_levels()
        self._pending.clear()
        self._tops.clear()

    def _clear_levels(self) -> None:
        self.bids.clear()
        self.asks.clear()
        self._best_bid, self._best_ask = NO_BID, NO_ASK
        self.top = NO_TOP

    def relist(self, instrument: Instrument) -> None:
        """Another epoch: what is held is told at its scales."""
        old = self.instrument
        self.instrument = instrument

        def price(mantissa: int) -> int:
            return rescale(mantissa, old.price_scale, instrument.price_scale, Rounding.HALF_EVEN)

        def size(mantissa: int) -> int:
            return rescale(mantissa, old.size_scale, instrument.size_scale, Rounding.HALF_EVEN)

        def top(one: Top) -> Top:
            return (price(one[0]), size(one[1]), price(one[2]), size(one[3]))

        self.bids = {price(p): size(s) for p, s in self.bids.items()}
        self.asks = {price(p): size(s) for p, s in self.asks.items()}
        self._best_bid = self._best_ask = STALE
        self.top, self.quote = top(self.top), top(self.quote)
        self._pending = deque(((u, top(one)) for u, one in self._pending), maxlen=QUOTES_PENDING_MAX)
        self._tops = deque(((u, top(one)) for u, one in self._tops), maxlen=TOPS_KEPT)
        if self.last_synced is not None:
            self.last_synced = (top(self.last_synced[0]), self.last_synced[1])

    def apply(self, record: tuple[int, ...]) -> None:
        """Take one record of the venue's data."""
        _, _, kind, flags, _, verdict, price, size, x, y, ident = record
        if verdict & _SEQUENCE_GAP and flags & _FIRST:
            self.breaks += 1
        if not flags & _REPEAT:
            self.records += 1
        if kind == _QUOTE:
            self._take_quote((price, size, x, y), ident)
        elif kind == _PRINT:
            self.prints += not verdict & _DUPLICATE
        elif kind in _DEPTH and not flags & _HELD:
            self._take_level(kind, flags, price, size, ident)

    def _take_quote(self, quote: Top, update_id: int) -> None:
        self.crossed += quote[0] > quote[2]
        if update_id <= self.quote_id:
            return
        self.quote, self.quote_id = quote, update_id
        if not self.synced or update_id > self.update_id:
            self._pending.append((update_id, quote))
            return
        for known_id, top in self._tops:
            if known_id == update_id:
                self._check(top, quote)

    def _take_level(self, kind: int, flags: int, price: int, size: int, update_id: int) -> None:
        if flags & _FIRST and kind == _SNAPSHOT:
            self._clear_levels()
            self._tops.clear()
        if price > 0 and size >= 0 and not flags & _EMPTY:
            if flags & _ASK:
                if size:
                    self.asks[price] = size
                    self._best_ask = min(self._best_ask, price)
                elif self.asks.pop(price, 0) and price == self._best_ask:
                    self._best_ask = STALE
            elif size:
                self.bids[price] = size
                if price > self._best_bid != STALE:
                    self._best_bid = price
            elif self.bids.pop(price, 0) and price == self._best_bid:
                self._best_bid = STALE
        if flags & _LAST:
            self._close_event(kind, update_id)

    def _close_event(self, kind: int, update_id: int) -> None:
        if self._best_bid == STALE:
            self._best_bid = max(self.bids, default=NO_BID)
        if self._best_ask == STALE:
            self._best_ask = min(self.asks, default=NO_ASK)
        bid, ask = self._best_bid, self._best_ask if self.asks else 0
        self.top = (bid, self.bids.get(bid, 0), ask, self.asks.get(ask, 0))
        self.update_id = update_id
        self.synced = True
        self.last_synced = (self.top, update_id)
        self.crossed += bool(ask) and bid > ask
        if kind == _DELTA:
            self._tops.append((update_id, self.top))
        while self._pending and self._pending[0][0] <= update_id:
            quote_id, quote = self._pending.popleft()
            if quote_id == update_id and kind == _DELTA:
                self._check(self.top, quote)

    def _check(self, top: Top, quote: Top) -> None:
        self.checks += 1
        self.mismatches += top != quote


class HashedBook(Book):
    """A book with the running hash over what the venue itself said, and a view for the state hash."""

    def __init__(self, instrument: Instrument) -> None:
        super().__init__(instrument)
        self.running = 0

    def apply(self, record: tuple[int, ...]) -> None:
        """Take one record of the venue's data."""
        ts, _, kind, flags, _, _, price, size, x, y, ident = record
        if not flags & _REPEAT:
            price_word, size_word = scale_word(self.instrument.price_scale), scale_word(self.instrument.size_scale)
            if kind == _QUOTE:
                x, y = x * price_word, y * size_word
            self.running = step(self.running, kind, flags, (ts, price * price_word, size * size_word, x, y, ident))
        super().apply(record)

    def view(self) -> BookView:
        """What this book says now."""
        return BookView(
            self.instrument,
            self.synced,
            self.update_id,
            sorted(self.bids.items(), reverse=True),
            sorted(self.asks.items()),
            self.quote,
            self.quote_id,
            self.running,
        )


AnyBook = TypeVar("AnyBook", bound=Book)


class Books(Generic[AnyBook]):
    """A book, of the kind `book`, for each instrument of one market track, fed with packed records in order."""

    def __init__(self, book: Callable[[Instrument], AnyBook]) -> None:
        self.books: dict[int, AnyBook] = {}
        self._new = book

    def apply(self, data: bytes | memoryview) -> None:
        """Take whole events; a batch may hold block headers, which are passed over."""
        listing = 0
        books = self.books
        for position, record in enumerate(RECORD_STRUCT.iter_unpack(data)):
            kind = record[2]
            if kind >= _MARKET:
                index = record[4]
                if index not in books:
                    raise unlisted(index)
                books[index].apply(record)
            elif kind == _INSTRUMENT:
                if record[3] & _FIRST:
                    listing = position
                if record[3] & _LAST:
                    event = data[listing * RECORD_BYTES : (position + 1) * RECORD_BYTES]
                    self._list(record[4], read_instrument_event(as_records(event)))
            elif kind == _GAP and record[10] == _DELTA:
                if record[4] not in books:
                    raise unlisted(record[4])
                books[record[4]].lose_sync()

    def _list(self, index: int, instrument: Instrument) -> None:
        book = self.books.get(index)
        if book is None:
            self.books[index] = self._new(instrument)
        else:
            book.relist(instrument)

    @property
    def synced(self) -> bool:
        """Whether there are books and all are synchronised."""
        return bool(self.books) and all(book.synced for book in self.books.values())

    def counts(self) -> MarketCounts:
        """Totals over all books."""
        books = self.books.values()
        return MarketCounts(
            records=sum(book.records for book in books),
            prints=sum(book.prints for book in books),
            book_checks=sum(book.checks for book in books),
            book_mismatches=sum(book.mismatches for book in books),
            sequence_breaks=sum(book.breaks for book in books),
            crossed=sum(book.crossed for book in books),
        )


class Market(Books[HashedBook]):
    """The market of a track, whose state has a hash: what replays, and what the compiled form is held equal to."""

    def __init__(self) -> None:
        super().__init__(HashedBook)

    def views(self) -> list[BookView]:
        """All books, in the order in which they were listed."""
        return [book.view() for book in self.books.values()]

    def state_hash(self) -> str:
        """The market part of the state hash."""
        return market_hash(self.views())
