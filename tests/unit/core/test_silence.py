from itertools import pairwise

import pytest

from papertape.core.records import WHOLE, Kind, RecordBuffer, as_records
from papertape.core.silence import CLOCK_STEP_NS, SilenceFiller, clock_stamps

BASE_NS = 1_700_000_000_000_000_000
MS_NS = 1_000_000
SECOND_NS = 1_000 * MS_NS
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS


class Track:
    """A buffer and its filler; times are ms after BASE_NS."""

    def __init__(self) -> None:
        self.buffer = RecordBuffer()
        self.filler = SilenceFiller(self.buffer)

    def fill(self, until_ms: int) -> None:
        self.filler.fill(BASE_NS + until_ms * MS_NS)

    def hear(self, at_ms: int) -> None:
        self.fill(at_ms)
        self.buffer.pack(0, BASE_NS + at_ms * MS_NS, Kind.QUOTE, WHOLE, 0, 0, 1, 1, 2, 1, 0)

    def clocks(self) -> list[int]:
        records = as_records(self.buffer.take())
        return ((records["ts_recv_ns"][records["kind"] == Kind.CLOCK] - BASE_NS) // MS_NS).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("heard_ms", "clocks_ms"),
    [
        ((0, 100), []),
        ((50, 150), []),
        ((50, 151), [100]),
        ((99, 200), [100]),
        ((0, 200), [100]),
        ((0, 201), [100, 200]),
        ((0, 60, 120, 180, 240), []),
        ((30, 350, 390, 600), [100, 200, 300, 400, 500]),
    ],
)
def test_multiples_strictly_between_records_that_lie_more_than_a_step_apart(
    heard_ms: tuple[int, ...], clocks_ms: list[int]
) -> None:
    track = Track()
    for at_ms in heard_ms:
        track.hear(at_ms)
    assert track.clocks() == clocks_ms


def test_a_clock_record_says_nothing_but_its_arrival() -> None:
    track = Track()
    track.hear(0)
    track.buffer.take()
    track.fill(150)
    stamp_ns = BASE_NS + CLOCK_STEP_NS
    assert as_records(track.buffer.take()).tolist() == [(0, stamp_ns, Kind.CLOCK, WHOLE, 0, 0, 0, 0, 0, 0, 0)]


def test_before_the_first_record_there_is_no_silence() -> None:
    track = Track()
    track.fill(0)
    track.fill(10_000)
    assert track.buffer.count == 0


def test_looking_in_between_changes_nothing() -> None:
    track = Track()
    track.hear(50)
    for look_ms in (120, 151, 151, 200, 240, 305):
        track.fill(look_ms)
    track.hear(420)
    assert track.clocks() == [100, 200, 300, 400]


def test_time_that_goes_back_is_not_told_twice() -> None:
    track = Track()
    for at_ms in (0, 350, 20, 460):
        track.hear(at_ms)
    assert track.clocks() == [100, 200, 300, 400]


def test_a_long_silence_is_told_ever_more_thinly_and_ends() -> None:
    stamps = list(clock_stamps(BASE_NS, BASE_NS, BASE_NS + 40 * DAY_NS))
    ages = [stamp - BASE_NS for stamp in stamps]
    assert BASE_NS % MINUTE_NS == 20 * SECOND_NS
    assert ages[:600] == list(range(CLOCK_STEP_NS, MINUTE_NS + 1, CLOCK_STEP_NS))
    assert ages[600:4140] == list(range(MINUTE_NS + SECOND_NS, HOUR_NS + 1, SECOND_NS))
    assert ages[4140] == HOUR_NS + 40 * SECOND_NS
    assert {later - earlier for earlier, later in pairwise(ages[4140:])} == {MINUTE_NS}
    assert ages[-1] == 30 * DAY_NS - 20 * SECOND_NS
    assert len(ages) == 600 + 3_540 + 29 * 1_440 + 23 * 60
