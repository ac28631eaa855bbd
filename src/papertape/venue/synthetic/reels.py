"""Reels of the synthetic market: what a recorder of one symbol would have kept."""

from collections.abc import Iterator
from pathlib import Path

from papertape.core.errors import InputError
from papertape.venue.rules import VenueName
from papertape.venue.synthetic.market import BEGIN_NS, SyntheticMarket

SNAPSHOT_AFTER_NS = 220_000_000
"""When the one snapshot stands: after some depth events, as a recorder asks for it once it hears them."""
LAG_NS = 3_000_000
"""From the venue to the recorder."""


def synthetic_lines(seed: int, symbol: str, seconds: float, venue: VenueName = "binance-spot") -> Iterator[str]:
    """The lines of a reel of the first `seconds` of one symbol: `@trade`, `@bookTicker`, `@depth@100ms`, and one inline snapshot.

    What a symbol does does not depend on the others, so these are its frames in a market of many too.
    Raises InputError for a symbol that is not listed.
    """
    market = SyntheticMarket(seed, (symbol,), venue)
    end_ns = BEGIN_NS + int(seconds * 1_000_000_000)
    snapshot_ns = BEGIN_NS + SNAPSHOT_AFTER_NS
    while market.next_ns < end_ns:
        if market.next_ns >= snapshot_ns:
            yield f"{snapshot_ns + LAG_NS} {market.snapshot(symbol).decode()}\n"
            snapshot_ns = end_ns
        for event in market.advance():
            yield f'{event.ts_ns + LAG_NS} {{"stream":"{event.stream}","data":{event.payload.decode()}}}\n'


def write_synthetic_reel(path: Path, seed: int, symbol: str, seconds: float, venue: VenueName = "binance-spot") -> None:
    """Write `synthetic_lines` as the reel `path`, which must not end in .gz or .zst. Raises InputError when it cannot."""
    lines = synthetic_lines(seed, symbol, seconds, venue)
    try:
        with path.open("x", encoding="ascii", newline="\n") as stream:
            stream.writelines(lines)
    except OSError as error:
        raise InputError(f"reel {path} cannot be written: {error.strerror or error}") from error
