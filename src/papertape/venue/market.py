"""What the market knows at one moment of the reel: books, best bids and asks, prints."""

from collections import deque
from collections.abc import Iterable

import msgspec

from papertape.tape.reels import Frame
from papertape.venue import lines
from papertape.venue.book import VenueBook
from papertape.venue.rules import VenueRules, symbol_of
from papertape.venue.scan import ReelFacts


class Market:
    """State of all symbols of a reel, moved on by one frame at a time.

    `offset_ns` is venue time minus arrival, the running maximum of E - arrival: the recorder's
    clock need not be the venue's.
    """

    def __init__(self, facts: ReelFacts, rules: VenueRules) -> None:
        self.facts = facts
        self.offset_ns = facts.first_offset_ns or 0
        self.books = {symbol: VenueBook() for symbol in facts.symbols}
        self.tickers: dict[str, bytes] = {}
        self.prints = {symbol: deque[bytes](maxlen=rules.prints_kept_max) for symbol in facts.symbols}
        self.aggregates = {symbol: deque[bytes](maxlen=rules.prints_kept_max) for symbol in facts.symbols}
        self.frozen: dict[str, VenueBook] = {}
        """Old books, that REST shows while a fault wants it."""
        self.event: lines.DepthEvent | None = None
        """The depth event of the frame played last, if it was one."""
        self._book_of = {stream: self.books[symbol] for symbol, stream in facts.diff_streams.items()}
        self._prints_of = {f"{symbol.lower()}@trade": kept for symbol, kept in self.prints.items()}
        self._prints_of |= {f"{symbol.lower()}@aggTrade": kept for symbol, kept in self.aggregates.items()}
        for symbol, snapshot in facts.snapshots.items():
            self.books[symbol].load(snapshot)

    def play(self, frame: Frame, line: lines.Line) -> bytes:
        """Move on by one frame; returns the bare payload of a stream frame, else nothing.

        Raises InputError when the frame cannot be what its stream name says.
        """
        self.event = None
        data = bytes(line.data)
        try:
            if line.stream:
                self._play_stream(frame, line.stream, data)
            elif line.last_update_id >= 0:
                self.books[self.facts.symbol].load(lines.snapshot_decoder.decode(frame.payload))
        except (msgspec.DecodeError, ValueError) as error:
            raise lines.unreadable(frame, error) from error
        return data

    def _play_stream(self, frame: Frame, stream: str, data: bytes) -> None:
        if book := self._book_of.get(stream):
            self.event = lines.depth_decoder.decode(data)
            book.apply(self.event)
            event_ms = self.event.event_ms
        else:
            event_ms = lines.event_ms_of(data)
            kept = self._prints_of.get(stream)
            if kept is not None:
                kept.append(data)
            elif stream.endswith("@bookTicker"):
                self.tickers[symbol_of(stream)] = data
        if event_ms:
            self.offset_ns = max(self.offset_ns, event_ms * 1_000_000 - frame.ts_recv_ns)

    def freeze(self, symbols: Iterable[str]) -> None:
        """REST shows these books as they are now, until `thaw`."""
        self.frozen |= {symbol: self.books[symbol].copy() for symbol in symbols if symbol in self.books}

    def thaw(self, symbols: Iterable[str]) -> None:
        """REST shows these books as they are again."""
        for symbol in symbols:
            self.frozen.pop(symbol, None)

    def partial_depth(self, symbol: str, levels: int) -> bytes:
        """The best `levels` of a symbol after the depth event just played; nothing while the book is not whole."""
        book, event = self.books[symbol], self.event
        if event is None or book.broken or book.last_update_id != event.final_id:
            return b""
        bids, asks = book.top(levels)
        if event.previous_id < 0:
            return msgspec.json.encode({"lastUpdateId": book.last_update_id, "bids": bids, "asks": asks})
        return msgspec.json.encode(
            {
                "e": "depthUpdate",
                "E": event.event_ms,
                "T": event.transaction_ms,
                "s": symbol,
                "U": event.first_id,
                "u": event.final_id,
                "pu": event.previous_id,
                "b": bids,
                "a": asks,
            }
        )
