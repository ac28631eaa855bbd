"""Which instruments a tape has listed: a tape that is continued keeps their numbers."""

from typing import Any

import numpy as np

from papertape.core.instruments import Instrument, read_instrument_event
from papertape.core.records import Flag, Kind
from papertape.tape.market_reader import MarketReader


def listed_instruments(reader: MarketReader) -> dict[int, Instrument]:
    """The latest epoch of every instrument on the tape, by number. Raises TapeCorrupt at damage."""
    found: dict[int, Instrument] = {}
    for batch in reader.batches():
        found.update(listed_in(batch.records))
    return found


def listed_in(records: np.ndarray[Any, np.dtype[Any]]) -> dict[int, Instrument]:
    """The latest epoch of every instrument that a batch lists, by number."""
    places = np.flatnonzero(records["kind"] == Kind.INSTRUMENT)
    flags = records["flags"][places]
    starts, ends = places[(flags & Flag.FIRST) != 0], places[(flags & Flag.LAST) != 0]
    events = [records[start : end + 1] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    return {int(event["instrument"][0]): read_instrument_event(event) for event in events}
