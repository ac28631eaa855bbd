import pytest

from papertape.core.clock import Clock, ManualClock, floor_us
from papertape.core.errors import IntegrityError


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(5)
    port: Clock = clock
    assert (port.now_ns(), port.now_ns()) == (5, 5)
    clock.advance_to(5)
    clock.advance_to(1_700_000_000_000_000_001)
    assert port.now_ns() == 1_700_000_000_000_000_001


def test_a_manual_clock_never_goes_back() -> None:
    clock = ManualClock(10)
    with pytest.raises(IntegrityError, match="expected at least 10, was 9"):
        clock.advance_to(9)
    assert clock.now_ns() == 10


@pytest.mark.parametrize(("ts_ns", "floored"), [(0, 0), (999, 0), (1_000, 1_000), (1_999, 1_000), (-1, -1_000)])
def test_times_are_floored_to_microseconds(ts_ns: int, floored: int) -> None:
    assert floor_us(ts_ns) == floored
