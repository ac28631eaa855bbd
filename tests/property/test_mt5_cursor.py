"""However a history is cut into readings, each tick comes once, in order, also where milliseconds are shared."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from papertape.data.wire.mt5.ticks import TickCursor
from tests.mt5_world import ticks

gaps = st.lists(st.sampled_from([0, 0, 0, 1, 2, 400, 999, 1000, 2500]), min_size=1, max_size=60)


@given(gaps, st.lists(st.integers(1, 12), min_size=1, max_size=60), st.integers(1, 30))
def test_no_tick_is_lost_or_doubled(steps: list[int], arrivals: list[int], asked_first: int) -> None:
    history = ticks(*np.cumsum(steps).tolist())
    cursor, taken, there, asked = TickCursor(), [], 0, asked_first
    rounds = iter([*arrivals, len(history)])
    while len(taken) < len(history):
        there = min(there + next(rounds, len(history)), len(history))
        known = history[:there]
        answer = known[np.searchsorted(known["time_msc"], cursor.from_s * 1000) :][:asked]
        unread = cursor.unread(answer)
        if unread is None or not len(unread):
            asked *= 2  # what the reader does where a second holds more than it asked for
            continue
        taken += unread.tolist()
        cursor = cursor.after(unread)
    assert taken == history.tolist()
