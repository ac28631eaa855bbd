"""Which instruments a tape has listed: a tape that is continued keeps their numbers."""

from papertape.core.instruments import Instrument, listed_in
from papertape.tape.market_reader import MarketReader


def listed_instruments(reader: MarketReader) -> dict[int, Instrument]:
    """The latest epoch of every instrument on the tape, by number. Raises TapeCorrupt at damage."""
    found: dict[int, Instrument] = {}
    for batch in reader.batches():
        found.update(listed_in(batch.records))
    return found
