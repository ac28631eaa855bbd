import numpy as np
import pytest

from papertape.core.book.compiled import CompiledMarket
from papertape.core.book.rows import Market
from papertape.core.records import Flag
from papertape.runtime.bench.market_stream import LEVELS_PER_EVENT, level_updates, listing, quotes


@pytest.mark.parametrize("make", [level_updates, quotes])
def test_a_stream_is_the_same_every_time(make):
    assert make(4_000).tobytes() == make(4_000).tobytes()
    assert not make(4_000).flags.writeable


def test_level_updates_are_whole_events_that_make_an_uncrossed_book():
    records = level_updates(40_010)
    flags = records["flags"]
    assert len(records) == 40_000
    assert np.flatnonzero(flags & Flag.FIRST).tolist() == list(range(0, 40_000, LEVELS_PER_EVENT))
    assert np.flatnonzero(flags & Flag.LAST).tolist() == list(range(LEVELS_PER_EVENT - 1, 40_000, LEVELS_PER_EVENT))
    plain, compiled = Market(), CompiledMarket()
    for part in (listing(), records):
        plain.apply(part.tobytes())
        compiled.apply(part)
    assert plain.synced
    assert plain.state_hash() == compiled.state_hash()
    assert plain.counts() == compiled.counts()
    assert plain.counts().records == 40_000
    assert plain.counts().crossed == 0


def test_quotes_are_one_tick_wide_and_in_order():
    records = quotes(1_000)
    assert (records["x"] - records["price"] == 1).all()
    assert (np.diff(records["id"]) == 1).all()
