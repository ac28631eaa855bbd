"""One look at a whole reel before the market opens, so that a broken one is refused at the start.

It streams: what is kept is the list of stream names, the first snapshot of each symbol, an
inline exchangeInfo, and how many decimals the numbers have. A reel of 100,000 lines takes
about half a second.
"""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

from papertape.core.errors import InputError, UnknownInstrument
from papertape.tape.reels import Frame, read_reel
from papertape.venue import lines
from papertape.venue.rules import is_diff_depth, symbol_of

GRID_FRAMES = 1000
"""Frames that show a symbol's decimals when the reel has no snapshot."""


class Grid(msgspec.Struct):
    """Most decimals seen in prices and sizes, trailing zeros not counted."""

    price_decimals: int = 0
    size_decimals: int = 0
    frames: int = 0
    min_notional: str = "5"
    """Not to be seen in frames: that of most symbols."""

    def see(self, price: str, size: str) -> None:
        """Take one price and one size into account."""
        self.price_decimals = max(self.price_decimals, _decimals(price))
        self.size_decimals = max(self.size_decimals, _decimals(size))


class ReelFacts(msgspec.Struct):
    """What is known of a reel before it plays."""

    files: tuple[Path, ...]
    symbol: str
    """Whose snapshots the bare inline ones are."""
    first_ns: int = -1
    first_offset_ns: int | None = None
    """Venue time minus arrival at the first frame that has an event time."""
    streams: dict[str, None] = {}
    diff_streams: dict[str, str] = {}
    """Symbol → the depth stream that feeds its book: the first one in the reel."""
    snapshots: dict[str, lines.Snapshot] = {}
    grids: dict[str, Grid] = {}
    exchange_info: bytes = b""

    @property
    def symbols(self) -> list[str]:
        """Symbols with frames in the reel, in order of appearance."""
        return list(self.grids)


def scan_reel(files: Sequence[str | Path], symbol: str) -> ReelFacts:
    """Read all of `files`. Raises InputError for a broken reel, UnknownInstrument for a symbol not in it."""
    facts = ReelFacts(tuple(Path(file) for file in files), symbol.upper())
    for frame, line in lines.parsed(read_reel(files)):
        try:
            _see(facts, frame, line)
        except (msgspec.DecodeError, ValueError) as error:
            raise lines.unreadable(frame, error) from error
    names = ", ".join(str(file) for file in files)
    if not facts.grids:
        raise InputError(f"reel {names}: expected frames of a combined stream, was none; give another reel")
    if facts.symbol not in facts.grids:
        raise UnknownInstrument(
            f"reel {names}: expected frames of {facts.symbol}, was {', '.join(facts.grids)}; name one of these"
        )
    if snapshot := facts.snapshots.get(facts.symbol):
        facts.grids[facts.symbol] = _snapshot_grid(snapshot)
    return facts


def _see(facts: ReelFacts, frame: Frame, line: lines.Line) -> None:
    if line.stream:
        _see_stream(facts, frame, line.stream, bytes(line.data))
    elif line.last_update_id >= 0:
        snapshot = lines.snapshot_decoder.decode(frame.payload)
        for price, size in (*snapshot.bids, *snapshot.asks):
            lines.number(price), lines.number(size)
        facts.snapshots.setdefault(facts.symbol, snapshot)
    elif bytes(line.symbols)[:1] == b"[" and not facts.exchange_info:
        facts.exchange_info = frame.payload


def _see_stream(facts: ReelFacts, frame: Frame, stream: str, data: bytes) -> None:
    if facts.first_ns < 0:
        facts.first_ns = frame.ts_recv_ns
    if facts.first_offset_ns is None and (event_ms := lines.event_ms_of(data)):
        facts.first_offset_ns = event_ms * 1_000_000 - frame.ts_recv_ns
    facts.streams[stream] = None
    symbol = symbol_of(stream)
    if not symbol:
        return
    grid = facts.grids.setdefault(symbol, Grid())
    grid.frames += 1
    if is_diff_depth(stream):
        facts.diff_streams.setdefault(symbol, stream)
        event = lines.depth_decoder.decode(data)
        levels = (*event.bids, *event.asks)
    elif stream.endswith("@trade"):
        trade = lines.trade_decoder.decode(data)
        levels = ((trade.price, trade.size),)
    elif stream.endswith("@bookTicker"):
        ticker = lines.ticker_decoder.decode(data)
        levels = ((ticker.bid, ticker.bid_size), (ticker.ask, ticker.ask_size))
    else:
        return
    if grid.frames <= GRID_FRAMES:
        for price, size in levels:
            grid.see(price, size)


def _snapshot_grid(snapshot: lines.Snapshot) -> Grid:
    grid = Grid()
    for price, size in (*snapshot.bids, *snapshot.asks):
        grid.see(price, size)
    return grid


def _decimals(text: str) -> int:
    exponent = Decimal(lines.number(text)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
