"""The port of a source: something that brings one venue's market as records, over whatever it speaks.

A source is told which symbols to bring and under which numbers of the tape. It delivers whole events in batches of
packed 64-byte records, judged by its gate, in the order of arrival: an INSTRUMENT event before the first record of
a symbol, a GAP where it knows that something is missing. It reconnects by itself; what ends `run` is a failure.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from papertape.core.errors import UnknownInstrument
from papertape.data.symbols import SymbolInfo

Deliver = Callable[[bytes], None]
"""Takes one batch of packed records; returns at once."""


class SourceHealth(msgspec.Struct, frozen=True):
    """How a source does: whether it is connected, and what it has brought."""

    connected: bool
    last_recv_ns: int
    """Arrival of the latest record; 0 before the first."""
    records: int
    reconnects: int
    trouble: str = ""
    """What failed last, in words; empty when nothing has."""


class Source(Protocol):
    """One venue's market. Every method is called in the event loop that `run` runs in."""

    @property
    def venue(self) -> str:
        """Name of the venue, as its instruments have it."""

    async def catalogue(self) -> Sequence[SymbolInfo]:
        """Everything that the venue lists now. Raises VenueError or DecodeError when it does not tell."""

    async def subscribe(self, numbers: Mapping[str, int]) -> None:
        """Bring these symbols of the catalogue too, under these numbers of the tape; before `run` they wait for it."""

    async def unsubscribe(self, symbols: Collection[str]) -> None:
        """Bring these symbols no longer; no record of them is delivered afterwards."""

    def resync(self, symbols: Collection[str]) -> None:
        """A reader lost depth of these symbols: tell their books anew, where books are told by changes."""

    def health(self) -> SourceHealth:
        """How the source does."""

    async def run(self, deliver: Deliver) -> None:
        """Bring what is subscribed to until cancelled. Raises VenueError when it cannot go on; it may be run again."""


def check_listed(venue: str, symbols: Collection[str], listed: Collection[str]) -> None:
    """Raise UnknownInstrument for the first symbol that a source's catalogue does not have."""
    for symbol in symbols:
        if symbol not in listed:
            raise UnknownInstrument(f"{venue} does not list {symbol}: expected a symbol of its catalogue")
