"""The reel's time against a steady clock."""

import pytest

from papertape.venue.clock import ReelClock
from papertape.venue.market import Market
from papertape.venue.rules import SPOT
from papertape.venue.scan import Grid, ReelFacts

FIRST_NS = 1_700_000_000_000_000_000
SECOND_NS = 1_000_000_000


def clock(speed: float, offset_ns: int = 0) -> ReelClock:
    facts = ReelFacts(files=(), symbol="A", first_ns=FIRST_NS, first_offset_ns=offset_ns, grids={"A": Grid()})
    return ReelClock(Market(facts, SPOT), speed)


def test_before_the_opening_time_stands_at_the_first_frame() -> None:
    reel = clock(1, offset_ns=7)
    assert [reel.venue_ns(now_s) for now_s in (0, 5, 1e6)] == [FIRST_NS + 7] * 3


@pytest.mark.parametrize("speed", [0.5, 1, 1000])
def test_lines_are_due_at_their_distance_divided_by_the_speed(speed: float) -> None:
    reel = clock(speed)
    reel.open(100)
    assert reel.wait_s(FIRST_NS + 3 * SECOND_NS, 100) == pytest.approx(3 / speed)
    assert reel.wait_s(FIRST_NS + 3 * SECOND_NS, 100 + 1 / speed) == pytest.approx(2 / speed)


def test_time_never_passes_the_next_line() -> None:
    reel = clock(1)
    reel.open(100)
    reel.wait_s(FIRST_NS + SECOND_NS, 100)
    assert reel.venue_ns(100.25) == FIRST_NS + SECOND_NS // 4
    assert reel.venue_ns(200) == FIRST_NS + SECOND_NS


def test_waiting_for_a_client_moves_what_is_left_and_time_does_not_go_back() -> None:
    reel = clock(1)
    reel.open(100)
    reel.wait_s(FIRST_NS + 10 * SECOND_NS, 100)
    shown_ns = reel.venue_ns(104)
    reel.held_up(3)
    assert reel.wait_s(FIRST_NS + 10 * SECOND_NS, 104) == pytest.approx(9)
    assert reel.venue_ns(104) == shown_ns
    assert reel.venue_ns(108) == FIRST_NS + 5 * SECOND_NS


def test_a_reel_whose_stamps_step_back_does_not_turn_time_back() -> None:
    reel = clock(1)
    reel.open(0)
    reel.played(FIRST_NS + 5 * SECOND_NS)
    assert reel.wait_s(FIRST_NS + SECOND_NS, 4) == pytest.approx(1)
    assert reel.venue_ns(4) == FIRST_NS + 5 * SECOND_NS


def test_after_the_end_time_goes_on() -> None:
    reel = clock(2)
    reel.open(0)
    reel.wait_s(FIRST_NS, 0)
    reel.played(FIRST_NS)
    reel.ended()
    assert reel.venue_ns(10) == FIRST_NS + 20 * SECOND_NS


def test_at_speed_0_nothing_waits_and_time_is_the_last_line() -> None:
    reel = clock(0)
    reel.open(0)
    assert reel.as_taken
    assert reel.wait_s(FIRST_NS + 99 * SECOND_NS, 0) == 0
    reel.played(FIRST_NS + 99 * SECOND_NS)
    reel.ended()
    assert reel.venue_ns(1000) == FIRST_NS + 99 * SECOND_NS


def test_time_since_the_opening() -> None:
    reel = clock(2, offset_ns=7)
    assert reel.since_opening_ns(50) == 0
    reel.open(100)
    reel.wait_s(FIRST_NS + 10 * SECOND_NS, 100)
    assert reel.since_opening_ns(101) == 2 * SECOND_NS
    assert reel.since_opening_of_ns(FIRST_NS + 10 * SECOND_NS) == 10 * SECOND_NS
