import pytest

from papertape.core.clock import Clock, EngineClock, ManualClock, floor_us
from papertape.core.errors import IntegrityError
from papertape.core.records import WHOLE, Kind, RecordBuffer, as_records


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


def test_the_engine_time_is_arrival_plus_the_recorded_offset_and_never_decreases() -> None:
    buffer = RecordBuffer()
    rows = [(100, Kind.QUOTE, 7), (110, Kind.CLOCK_OFFSET, 50), (120, Kind.CLOCK, 0), (121, Kind.CLOCK_OFFSET, -30)]
    for recv_ns, kind, x in [*rows, (140, Kind.PRINT, 9), (250, Kind.PRINT, 9)]:
        buffer.pack(900, recv_ns, kind, WHOLE, 0, 0, 0, 0, x, 0, 0)
    records = as_records(buffer.take())
    clock, same = EngineClock(), EngineClock()
    assert (clock.now_ns, clock.offset_ns) == (0, 0)
    assert [clock.advance(record) for record in records] == [100, 160, 170, 170, 170, 220]
    assert [same.advance(fields) for fields in records.tolist()] == [100, 160, 170, 170, 170, 220]
    assert (clock.now_ns, clock.offset_ns) == (220, -30)


@pytest.mark.parametrize(("ts_ns", "floored"), [(0, 0), (999, 0), (1_000, 1_000), (1_999, 1_000), (-1, -1_000)])
def test_times_are_floored_to_microseconds(ts_ns: int, floored: int) -> None:
    assert floor_us(ts_ns) == floored
