"""What must be true of every world: the tape against the venue's own truth.

While the world lives, every book is compared with the venue's at the same update id, after each block that is written.
At the end the whole tape is read: every print, quote and depth event against what was, and every hole against its Gap.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from papertape.core.book import Books, Market
from papertape.core.book.rows import Book
from papertape.core.instruments import Instrument, read_instrument_event
from papertape.core.records import NO_ID, RECORD_DTYPE, Flag, Kind, Verdict, as_records
from papertape.tape.market_reader import MarketReader
from papertape.tape.verify import verify_tape
from papertape.testing.world.market import Depth, Print, Quote, SimMarket, level_word
from papertape.testing.world.venue import About

KINDS: dict[int, type[Print | Quote | Depth]] = {
    Kind.PRINT: Print,
    Kind.QUOTE: Quote,
    Kind.DEPTH_DELTA: Depth,
}
SHARED_MAX = 10
"""What comes while two connections overlap may be passed over: out of order it looks like a double. That is seldom."""

Record = tuple[int, ...]


class Life(NamedTuple):
    """One recording of several onto a tape: where it began, and the hash of its market at its end."""

    first_seq: int
    market_hash: str


class Units:
    """Mantissas of the tape as units of a market, exactly."""

    def __init__(self, market: SimMarket, instrument: Instrument) -> None:
        self._price = market.price_decimals + 1 - instrument.price_scale
        self._size = market.size_decimals - instrument.size_scale

    def price(self, mantissa: int) -> int:
        """A price; -1 for one that has no such unit."""
        return _shift(mantissa, self._price)

    def size(self, mantissa: int) -> int:
        """A size; -1 for one that has no such unit."""
        return _shift(mantissa, self._size)


def _shift(mantissa: int, places: int) -> int:
    if places >= 0:
        return mantissa * int(10**places)
    whole, rest = divmod(mantissa, 10**-places)
    return int(whole) if rest == 0 else -1


class BookWatch:
    """Compares books with the venue's whenever a block was applied. `synced` counts the comparisons of each symbol."""

    def __init__(self, markets: dict[str, SimMarket]) -> None:
        self.findings: list[str] = []
        self.compared: Counter[str] = Counter()
        self._markets = markets
        self._seen: dict[str, int] = {}

    def look(self, market: Books[Book], now_s: float) -> None:
        """Look at every book that has moved."""
        for book in market.books.values():
            symbol = book.instrument.symbol
            if book.synced and self._seen.get(symbol) != book.update_id:
                self._seen[symbol] = book.update_id
                self.compared[symbol] += 1
                if reason := book_differs(book, self._markets[symbol]):
                    self.findings.append(f"at {now_s:.3f} s: {reason}")


def book_differs(book: Book, market: SimMarket) -> str | None:
    """How a local book differs from the venue's at the same update id."""
    units = Units(market, book.instrument)
    word = sum(
        level_word(side, units.price(price), units.size(size))
        for side, levels in enumerate((book.bids, book.asks))
        for price, size in levels.items()
    )
    wanted = market.books.get(book.update_id)
    if wanted == word:
        return None
    what = "which the venue never had" if wanted is None else f"with {len(book.bids)} bids and {len(book.asks)} asks"
    return f"{market.symbol}: the book at update {book.update_id}, {what}, is not the venue's"


class Span:
    """The prints of one recording: how often each stands there, and which are named by a Gap."""

    def __init__(self) -> None:
        self.prints: Counter[int] = Counter()
        self.named: list[tuple[int, int]] = []

    def _named(self) -> set[int]:
        return {one for first, last in self.named for one in range(first, last + 1)}

    def unnamed(self) -> list[int]:
        """Prints between the first and the last that neither stand there nor are named."""
        if not self.prints:
            return []
        there = self._named() | self.prints.keys()
        return [one for one in range(min(self.prints), max(self.prints) + 1) if one not in there]

    @property
    def unhealed(self) -> int:
        """Prints that a Gap names and that never came."""
        return len(self._named() - self.prints.keys())


class SymbolTape:
    """What a tape holds of one symbol, checked record by record. Between two `spans` a Gap says that prints may be missing."""

    def __init__(self, market: SimMarket) -> None:
        self.market = market
        self.units: Units | None = None
        self.findings: list[str] = []
        self.gaps = self.backfilled = 0
        self.spans = [Span()]
        self.told: dict[type[Print | Quote | Depth], set[int]] = defaultdict(set)
        self._may_begin = True

    @property
    def prints(self) -> Counter[int]:
        """All prints, and how often each stands there."""
        return sum((span.prints for span in self.spans), Counter[int]())

    @property
    def unhealed(self) -> int:
        """Prints that a Gap names and that never came."""
        return sum(span.unhealed for span in self.spans)

    def take(self, record: Record) -> None:
        """One record of the symbol's own data, or a Gap."""
        _, _, kind, flags, _, verdict, price, size, x, y, ident = record
        if kind == Kind.GAP:
            self.gaps += 1
            self._may_begin |= ident == Kind.DEPTH_DELTA
            if ident == Kind.PRINT and x == NO_ID:
                self.spans.append(Span())
            elif ident == Kind.PRINT:
                self.spans[-1].named.append((x, y))
            return
        if kind == Kind.DEPTH_SNAPSHOT:
            self._check_beginning(ident, bool(flags & Flag.HELD))
            return
        if not flags & (Flag.BACKFILL | Flag.REPEAT):
            self.told[KINDS[kind]].add(ident)
        if kind == Kind.PRINT:
            self.backfilled += bool(flags & Flag.BACKFILL)
            if not verdict & Verdict.DUPLICATE:
                self.spans[-1].prints[ident] += 1
            self._check_print(record[0], price, size, bool(flags & Flag.ASK), ident)
        elif kind == Kind.QUOTE:
            self._check_quote((price, size, x, y), ident)

    def _check_beginning(self, ident: int, held: bool) -> None:
        """A book begins once, and anew only after a Gap has told that it was lost."""
        if not held and not self._may_begin:
            self.findings.append(
                f"{self.market.symbol}: the book begins anew at update {ident} without a Gap before it"
            )
        self._may_begin &= held

    def _check_print(self, ts_event_ns: int, price: int, size: int, sold: bool, ident: int) -> None:
        assert self.units is not None
        was = self.market.prints.get(ident)
        got = (self.units.price(price), self.units.size(size), sold, ts_event_ns // 1_000_000)
        if was is None or got != (was.price, was.size, was.buyer_is_maker, was.time_ms):
            self.findings.append(f"{self.market.symbol}: print {ident} stands on the tape as {got}, was {was}")

    def _check_quote(self, quote: tuple[int, int, int, int], ident: int) -> None:
        assert self.units is not None
        was = self.market.quotes.get(ident)
        bid, bid_size, ask, ask_size = quote
        price, size = self.units.price, self.units.size
        if was is None or (price(bid), size(bid_size), price(ask), size(ask_size)) != was[1:5]:
            self.findings.append(f"{self.market.symbol}: quote {ident} stands on the tape as {quote}, was {was}")


class TapeCheck:
    """A whole tape, read by symbol."""

    def __init__(self, markets: dict[str, SimMarket]) -> None:
        self.symbols = {symbol: SymbolTape(market) for symbol, market in markets.items()}
        self.records = 0
        self._by_index: dict[int, SymbolTape] = {}

    def read(self, directory: Path) -> np.ndarray[Any, np.dtype[Any]]:
        """Read the tape `directory`; returns its records."""
        blocks = [batch.records for batch in MarketReader.open(directory).blocks()]
        records = np.concatenate([*blocks, np.empty(0, RECORD_DTYPE)])
        self.records = len(records)
        self._take(records)
        return records

    def _take(self, records: np.ndarray[Any, np.dtype[Any]]) -> None:
        kinds, flags = records["kind"], records["flags"]
        depth = np.isin(kinds, (Kind.DEPTH_DELTA, Kind.DEPTH_SNAPSHOT)) & (flags & Flag.LAST != 0)
        wanted = np.isin(kinds, (Kind.PRINT, Kind.QUOTE, Kind.GAP, Kind.INSTRUMENT)) | depth
        listing = 0
        for place in np.flatnonzero(wanted).tolist():
            record = records[place].item()
            if record[2] != Kind.INSTRUMENT:
                self._by_index[record[4]].take(record)
                continue
            if record[3] & Flag.FIRST:
                listing = place
            if record[3] & Flag.LAST:
                instrument = read_instrument_event(as_records(records[listing : place + 1].tobytes()))
                one = self.symbols[instrument.symbol]
                one.units = Units(one.market, instrument)
                self._by_index[record[4]] = one


def check_tape(
    directory: Path,
    markets: dict[str, SimMarket],
    told: Sequence[About],
    shared: Sequence[About],
    lives: Sequence[Life],
) -> TapeCheck:
    """Read a tape; what is wrong with it stands in the `findings` of its symbols, and of the first one what is about all.

    All of `told` must be on it and nearly all of `shared`, and nothing else.
    """
    check = TapeCheck(markets)
    records = check.read(directory)
    for symbol, tape in check.symbols.items():
        tape.findings += _findings(symbol, tape)
        for kind in KINDS.values():
            must, may = ({one.id for one in some if one[:2] == (symbol, kind)} for some in (told, shared))
            tape.findings += _differences(symbol, kind.__name__, tape.told[kind], must, may)
    whole = next(iter(check.symbols.values())).findings
    whole += [f"verify: {one}" for one in verify_tape(directory).findings]
    ends = [*(life.first_seq for life in lives[1:]), len(records)]
    for life, end in zip(lives, ends, strict=True):
        market = Market()
        market.apply(records[life.first_seq : end].tobytes())
        if market.state_hash() != life.market_hash:
            whole.append(f"replaying from {life.first_seq} gives {market.state_hash()}, live it was {life.market_hash}")
        if mismatches := market.counts().book_mismatches:
            whole.append(f"{mismatches} quotes differ from the book at their update id")
    return check


def _findings(symbol: str, tape: SymbolTape) -> Iterator[str]:
    prints = tape.prints
    doubled = [ident for ident, count in prints.items() if count > 1]
    if doubled:
        yield f"{symbol}: {len(doubled)} prints stand there more than once, the first is {min(doubled)}"
    if unnamed := [one for span in tape.spans for one in span.unnamed()]:
        yield f"{symbol}: {len(unnamed)} prints are missing without a Gap, the first is {unnamed[0]}"
    if prints and max(prints) != tape.market.trade_id:
        yield f"{symbol}: the last print is {max(prints)}, the venue's is {tape.market.trade_id}"


def _differences(symbol: str, what: str, tape: set[int], must: set[int], shared: set[int]) -> Iterator[str]:
    if lost := must - tape:
        yield f"{symbol}: {len(lost)} {what} that arrived are not on the tape, the first is {min(lost)}"
    if made := tape - must - shared:
        yield f"{symbol}: {len(made)} {what} on the tape never arrived, the first is {min(made)}"
    passed_over = shared - tape - must
    if len(passed_over) > max(SHARED_MAX, len(shared) // 10):
        yield f"{symbol}: {len(passed_over)} of {len(shared)} {what} that came over two connections are not on the tape"
