import hashlib
from collections.abc import Callable

import numpy as np
import pytest

from papertape.core.bars import BAR_DTYPE, BarSource, bar_states, follow
from papertape.core.bars.kernels import make_bars
from papertape.core.records import RECORD_DTYPE, Kind


def stream(count: int) -> np.ndarray:
    """Quotes and prints of four instruments, some late, some unusable, some at the edges of int64."""
    rng = np.random.default_rng(7)
    records = np.zeros(count, RECORD_DTYPE)
    records["ts_event_ns"] = np.arange(count) * 10 + rng.integers(-200, 200, count)
    records["kind"] = rng.choice([Kind.QUOTE, Kind.PRINT, Kind.DEPTH_DELTA], count)
    records["flags"] = rng.integers(0, 16, count)
    records["instrument"] = rng.integers(0, 6, count)
    records["verdict"] = rng.choice([0, 0, 0, 1, 2, 8], count)
    for name in ("price", "size", "x", "y"):
        records[name] = rng.choice([1, 5, 9, 0, -1, (1 << 62) - 1, 1 << 62, (1 << 63) - 1], count)
    return records


def followed() -> np.ndarray:
    states = bar_states(5)
    for instrument, source in enumerate((BarSource.PRINT, BarSource.BID, BarSource.ASK, BarSource.MID)):
        follow(states, instrument, source, 100)
    return states


def digest() -> str:
    states, closed = followed(), np.zeros(10_000, BAR_DTYPE)
    done = make_bars(stream(3_000), states, closed)
    return hashlib.blake2b(
        repr((*map(int, done), states.tolist(), closed.tolist())).encode(), digest_size=16
    ).hexdigest()


def test_interpreted_the_kernel_gives_the_same_without_a_warning(interpreted: Callable[[str, str], str]) -> None:
    assert interpreted(__file__, "digest") == digest()


@pytest.mark.parametrize("room", [1, 2, 7])
def test_a_full_output_stops_and_goes_on_with_the_rest(room: int) -> None:
    records = stream(3_000)
    once, states = np.zeros(3_000, BAR_DTYPE), followed()
    applied, made = make_bars(records, states, once)
    assert applied == 3_000
    assert made > 2 * room

    again, parts, rest = followed(), [], records
    while len(rest):
        closed = np.zeros(room, BAR_DTYPE)
        applied, written = make_bars(rest, again, closed)
        parts.append(closed[:written])
        rest = rest[applied:]
    assert np.concatenate(parts).tolist() == once[:made].tolist()
    assert again.tolist() == states.tolist()


def test_instruments_that_nobody_follows_or_knows_have_no_bars() -> None:
    records, states = stream(500), bar_states(2)
    before = states.copy()
    assert make_bars(records, states, np.zeros(1, BAR_DTYPE)) == (500, 0)
    assert (states == before).all()


def test_mapped_read_only_records_are_taken_as_they_are() -> None:
    records = np.frombuffer(stream(500).tobytes(), RECORD_DTYPE)
    assert not records.flags.writeable
    assert make_bars(records, followed(), np.zeros(500, BAR_DTYPE))[0] == 500
