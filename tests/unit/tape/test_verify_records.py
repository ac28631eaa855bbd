import numpy as np
import pytest

from papertape.core.records import Flag, Kind
from papertape.tape.verify_records import Contents


def faults(records, starts=(0,), contents=None):
    checked = (contents or Contents()).check(records, np.array(starts))
    return [(fault.code, fault.position) for fault in checked]


def test_sound_records(events):
    assert faults(events(0, 12, 3), (0, 6)) == []
    assert faults(events(0, 0), ()) == []


def test_an_event_that_spans_blocks(events):
    assert faults(events(0, 12, 3), (0, 4)) == [("open_event", 3)]


@pytest.mark.parametrize(
    ("at", "flags", "position"), [(4, 1, 4), (5, 0, 6), (6, 0, 6), (11, 0, 11), (0, 0, 0), (4, 2, 5)]
)
def test_an_event_that_is_not_closed(events, at, flags, position):
    records = events(0, 12, 3)
    records["flags"][at] = flags
    assert faults(records)[0] == ("open_event", position)


def test_an_unknown_kind(events):
    records = events(0, 5)
    records["kind"][3] = 200
    assert faults(records) == [("unknown_kind", 3)]
    records["kind"][3] = Kind.BLOCK
    assert faults(records) == [("unknown_kind", 3)]


def test_time_that_goes_backwards(events):
    records = events(0, 5)
    records["ts_recv_ns"][3] = 0
    assert faults(records) == [("time_backwards", 3)]
    records["flags"][3] |= Flag.BACKFILL
    assert faults(records) == []


def test_instruments_must_be_listed_before_they_are_used(events):
    contents = Contents()
    records = events(0, 6)
    records["instrument"][2:] = [5, 7, 5, 0]
    assert faults(records, contents=contents) == [("unlisted_instrument", 2), ("unlisted_instrument", 3)]
    assert faults(events(6, 3), contents=contents) == []


def test_a_listing_counts_from_its_place_on(events):
    records = events(0, 6)
    records["instrument"][3:] = 9
    records["kind"][4] = Kind.INSTRUMENT
    assert faults(records) == [("unlisted_instrument", 3)]
    records["kind"][3] = Kind.CONNECTION
    assert faults(records) == []


def test_nothing_is_said_of_instruments_once_records_are_lost(events):
    contents = Contents()
    contents.is_complete = False
    assert faults(events(1, 3), contents=contents) == []
