import numpy as np

from papertape.data.wire.mt5.ticks import TICK_DTYPE, TickCursor
from papertape.venue import mt5_types
from tests.mt5_world import BEGIN_MSC, ticks


def test_the_layout_is_the_terminals() -> None:
    assert TICK_DTYPE == mt5_types.TICK_DTYPE
    assert TICK_DTYPE.itemsize == 60


def test_ticks_of_the_cursors_millisecond_are_told_apart_by_their_place() -> None:
    rows = ticks(0, 5, 5, 5, 9)
    cursor = TickCursor(BEGIN_MSC + 5, 2)
    unread = cursor.unread(rows)
    assert unread is not None
    assert unread.tolist() == rows[3:].tolist()
    assert cursor.after(unread) == (BEGIN_MSC + 9, 1)


def test_the_cursor_counts_on_within_its_millisecond() -> None:
    rows = ticks(5, 5, 5)
    cursor = TickCursor(BEGIN_MSC + 5, 2)
    assert cursor.after(rows[2:]) == (BEGIN_MSC + 5, 3)
    assert cursor.after(rows[:0]) == cursor


def test_exact_duplicates_of_the_source_stay() -> None:
    rows = ticks(5, 5, 5, 5)
    rows[:] = rows[0]
    first, rest = rows[:3], TickCursor().after(rows[:3]).unread(rows)
    assert rest is not None
    assert len(first) + len(rest) == 4


def test_a_history_that_lacks_what_was_read_gives_nothing() -> None:
    rows = ticks(0, 5, 9)
    assert TickCursor(BEGIN_MSC + 5, 2).unread(rows) is None
    assert TickCursor(BEGIN_MSC + 6, 1).unread(rows) is None
    assert TickCursor(BEGIN_MSC + 20, 1).unread(rows) is None
    behind = TickCursor(BEGIN_MSC + 20, 0).unread(rows)
    assert behind is not None and not len(behind)


def test_the_question_begins_at_a_whole_second() -> None:
    assert TickCursor(1_999, 1).from_s == 1
    assert np.all(ticks(0)["time"] == TickCursor(BEGIN_MSC, 0).from_s)
