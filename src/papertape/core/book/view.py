"""What a market can be asked, whichever form keeps it."""

from typing import NamedTuple

from papertape.core.errors import UnknownInstrument
from papertape.core.instruments import Instrument

QUOTES_PENDING_MAX = 4096
"""Quotes per instrument that wait for a depth event of their update id; older ones are let go."""
TOPS_KEPT = 16
"""Tops of book after the latest depth events, for quotes that come late."""


def unlisted(index: int) -> UnknownInstrument:
    """The error of a record whose instrument has not been listed before it."""
    return UnknownInstrument(f"expected a record of a listed instrument, was one of number {index}: no INSTRUMENT event names it")


class MarketCounts(NamedTuple):
    """Totals over all instruments of a market.

    `records` counts the venue's own data, without repeats; `prints` those that are no duplicate.
    `book_checks` are comparisons of the local top of book (price and size) with the venue's quote
    of the same update id, `book_mismatches` those that differed. `sequence_breaks` are events
    whose ids did not follow, `crossed` quotes and books with a bid above the ask.
    """

    records: int
    prints: int
    book_checks: int
    book_mismatches: int
    sequence_breaks: int
    crossed: int


class BookView(NamedTuple):
    """One instrument's part of the market, in mantissas at the instrument's scales.

    `bids` and `asks` are (price, size), best first. `quote` is (bid, bid size, ask, ask size) and
    `quote_id` its update id. `running` is the 64-bit running hash of the venue's own fields.
    """

    instrument: Instrument
    synced: bool
    update_id: int
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]
    quote: tuple[int, int, int, int]
    quote_id: int
    running: int
