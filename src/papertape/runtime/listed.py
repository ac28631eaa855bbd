"""Which instruments a tape has listed: a tape that is continued keeps their numbers."""

import numpy as np

from papertape.core.instruments import Instrument, read_instrument_event
from papertape.core.records import Flag, Kind
from papertape.tape.market_reader import MarketReader


def listed_instruments(reader: MarketReader) -> dict[int, Instrument]:
    """The latest epoch of every instrument on the tape, by number. Raises TapeCorrupt at damage."""
    found: dict[int, Instrument] = {}
    for batch in reader.batches():
        places = np.flatnonzero(batch.records["kind"] == Kind.INSTRUMENT)
        flags = batch.records["flags"][places]
        starts, ends = places[(flags & Flag.FIRST) != 0], places[(flags & Flag.LAST) != 0]
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            event = batch.records[start : end + 1]
            found[int(event["instrument"][0])] = read_instrument_event(event)
    return found
