"""The driver of the compiled book: growth has an end, and that is told."""

import numpy as np
import pytest

from papertape.core.book import Market, compiled
from papertape.core.book.compiled import SIZE_CLASSES, CompiledMarket, warm_up
from papertape.core.errors import DataError, UnknownInstrument
from papertape.core.instruments import instrument_event
from papertape.core.records import RECORD_DTYPE, Flag, Kind, as_records
from tests.binance_frames import TS, instrument


def test_a_book_beyond_the_largest_class_is_refused_with_the_reason() -> None:
    count = SIZE_CLASSES[-1][1]
    records = np.zeros(count, RECORD_DTYPE)
    records["kind"] = Kind.DEPTH_SNAPSHOT
    records["price"] = np.arange(count, 0, -1, dtype=np.int64) * 100_000
    records["size"] = 1
    records["flags"][0] = Flag.FIRST
    records["flags"][-1] = Flag.LAST
    market = CompiledMarket()
    market.apply(as_records(instrument_event(instrument(), 0, TS)))
    with pytest.raises(DataError, match="expected fewer"):
        market.apply(records)


def test_a_high_instrument_number_alone_takes_its_place() -> None:
    market = CompiledMarket()
    market.apply(as_records(instrument_event(instrument(), 3, TS)))
    assert [view.quote_id for view in market.views()] == [-1]
    assert not market.synced
    assert not CompiledMarket().synced


@pytest.mark.parametrize("kind", [Kind.PRINT, Kind.DEPTH_DELTA, Kind.GAP])
@pytest.mark.parametrize("index", [1, 60_000])
def test_a_record_of_an_instrument_that_nobody_listed_is_refused_by_both_forms(kind: Kind, index: int) -> None:
    records = np.zeros(1, RECORD_DTYPE)
    records["kind"], records["instrument"], records["id"] = kind, index, Kind.DEPTH_DELTA
    for number in (0, 3):
        listing = instrument_event(instrument(), number, TS)
        plain, market = Market(), CompiledMarket()
        plain.apply(listing)
        market.apply(as_records(listing))
        with pytest.raises(UnknownInstrument, match=f"instrument {index}"):
            plain.apply(records.tobytes())
        with pytest.raises(UnknownInstrument, match=f"instrument {index}"):
            market.apply(records)


def test_warming_up_compiles_without_a_market() -> None:
    warm_up()
    assert len(compiled.NO_RECORDS) == 0
