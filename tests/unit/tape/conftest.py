"""Records to write, made for every test of the tape."""

import numpy as np
import pytest

from papertape.core.records import RECORD_DTYPE, Flag, Kind


def _events(seq, count, size=1):
    """`count` records from `seq` on in events of `size`; each record follows from its Seq, and Seq 0 lists instrument 0."""
    at = np.arange(seq, seq + count)
    records = np.zeros(count, RECORD_DTYPE)
    records["kind"] = np.where(at == 0, Kind.INSTRUMENT, Kind.DEPTH_DELTA)
    records["flags"] = np.where(at % size == 0, Flag.FIRST, 0) | np.where(at % size == size - 1, Flag.LAST, 0)
    records["ts_recv_ns"] = at * 1000
    records["price"] = at * 7919 + 1
    records["id"] = at
    return records


@pytest.fixture
def events():
    """`events(seq, count, size=1)`: records from `seq` on, in events of `size` records."""
    return _events


@pytest.fixture
def tape(tmp_path):
    """The directory of a tape that does not exist yet."""
    return tmp_path / "tape"
