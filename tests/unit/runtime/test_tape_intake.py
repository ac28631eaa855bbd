"""One way onto a tape for whatever listens: blocks, time, facts, and the end when nothing can be written."""

import asyncio
from pathlib import Path

import pytest

from papertape.core.clock import Clock
from papertape.core.errors import StoreError
from papertape.core.records import Flag, Kind, RecordBuffer, as_records
from papertape.data.quality.gate import Gate
from papertape.runtime.tape_intake import BATCH_RECORDS_MAX, TapeIntake
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter

NOW_NS = 1_700_000_000_000_000_000
MS_NS = 1_000_000


class SetClock(Clock):
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time_ns = NOW_NS

    def now_ns(self) -> int:
        return self.time_ns


def quote(intake: TapeIntake, number: int) -> None:
    now_ns = intake.now_ns()
    intake.fill_silence(now_ns)
    intake.gate.quote(0, 0, now_ns, 100, 5, 101, 5, number)
    intake.arrived(now_ns)


def blocks(tape: Path) -> list[list[int]]:
    return [batch.records["kind"].tolist() for batch in MarketReader.open(tape).blocks()]


async def test_what_was_read_at_once_is_one_block_and_written_before_it_is_applied(tmp_path: Path) -> None:
    clock, applied = SetClock(), list[tuple[int, int, int]]()
    with MarketWriter.open(tmp_path) as writer:
        intake = TapeIntake(Gate(RecordBuffer()), writer, clock)
        intake.apply = lambda seq, data: applied.append((seq, len(as_records(data)), len(blocks(tmp_path))))
        for number in (1, 2):
            quote(intake, number)
            intake.end_read(is_last=False)
        assert applied == []
        await asyncio.sleep(0)
        assert applied == [(0, 2, 1)], "the end of the read, when no part was told to be its last"
        quote(intake, 3)
        clock.time_ns += 5 * MS_NS
        intake.end_read(is_last=True)
    assert applied == [(0, 2, 1), (2, 1, 2)]
    assert intake.latency.total == 3
    assert (intake.latency.quantile_us(99) or 0) >= 5_000


async def test_a_busy_socket_does_not_make_a_block_without_end(tmp_path: Path) -> None:
    with MarketWriter.open(tmp_path) as writer:
        intake = TapeIntake(Gate(RecordBuffer()), writer, SetClock())
        intake.apply = lambda *_: None
        for number in range(BATCH_RECORDS_MAX):
            quote(intake, number)
            intake.end_read(is_last=False)
        assert [len(one) for one in blocks(tmp_path)] == [BATCH_RECORDS_MAX]


async def test_silence_and_facts_stand_in_order(tmp_path: Path) -> None:
    clock = SetClock()
    with MarketWriter.open(tmp_path) as writer:
        intake = TapeIntake(Gate(RecordBuffer()), writer, clock)
        intake.fact(intake.now_ns(), Kind.CONNECTION, 1, 0, 0)
        clock.time_ns += 250 * MS_NS
        intake.fact(intake.now_ns(), Kind.CLOCK_OFFSET, 7, 1, 0)
        intake.flush()
    assert blocks(tmp_path) == [[Kind.CONNECTION, Kind.CLOCK, Kind.CLOCK, Kind.CLOCK_OFFSET]]


async def test_time_is_told_while_nothing_arrives_but_not_while_frames_wait(tmp_path: Path) -> None:
    clock, asked, waits = SetClock(), list[bool](), True

    def is_quiet() -> bool:
        asked.append(waits)
        return not waits

    with MarketWriter.open(tmp_path) as writer:
        intake = TapeIntake(Gate(RecordBuffer()), writer, clock)
        intake.apply = lambda *_: None
        quote(intake, 1)
        intake.flush()
        clock.time_ns += 450 * MS_NS
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            telling = group.create_task(intake.tell_time(is_quiet))
            while len(asked) < 2:
                await asyncio.sleep(0)
            assert len(blocks(tmp_path)) == 1
            waits = False
            while len(blocks(tmp_path)) == 1:
                await asyncio.sleep(0)
            telling.cancel()
    assert blocks(tmp_path)[1] == [Kind.CLOCK] * 4


async def test_nothing_is_applied_that_could_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    applied, flushed = list[int](), list[int]()
    with MarketWriter.open(tmp_path) as writer:
        intake = TapeIntake(Gate(RecordBuffer()), writer, SetClock())
        intake.apply = lambda seq, _: applied.append(seq)
        intake.after_flush = lambda: flushed.append(1)
        intake.fail(StoreError("the disk is gone"))
        quote(intake, 1)
        intake.flush()
    assert (applied, flushed) == ([], [])
    with pytest.raises(StoreError, match="the disk is gone"):
        intake.failed.result()


async def test_what_the_way_from_the_venue_took_is_told_by_the_venues_clock(tmp_path: Path) -> None:
    clock = SetClock()
    with MarketWriter.open(tmp_path) as writer:
        intake = TapeIntake(Gate(RecordBuffer()), writer, clock)
        intake.apply = lambda *_: None

        def print_of(ts_event_ns: int, flags: int = 0) -> None:
            intake.gate.trade(0, ts_event_ns, intake.arrival_ns(), Kind.PRINT, flags, 0, 100, 5, 0, 0, 1)
            intake.end_read(is_last=True)

        print_of(NOW_NS)
        assert intake.venue_latency.total == 0, "the offset is not known yet"
        intake.fact(intake.now_ns(), Kind.CLOCK_OFFSET, 3 * MS_NS, MS_NS, 0)
        intake.flush()
        print_of(NOW_NS - 7 * MS_NS)
        print_of(0)
        print_of(NOW_NS - 900_000 * MS_NS, Flag.BACKFILL)
    assert intake.venue_latency.total == 1, "neither what has no stamp nor what was fetched later"
    assert 10_000 <= (intake.venue_latency.quantile_us(50) or 0) < 10_400


async def test_what_is_read_at_once_has_one_arrival(tmp_path: Path) -> None:
    clock = SetClock()
    with MarketWriter.open(tmp_path) as writer:
        intake = TapeIntake(Gate(RecordBuffer()), writer, clock)
        intake.apply = lambda *_: None
        for is_last in (False, True, False):
            began_ns = intake.arrival_ns()
            clock.time_ns += MS_NS
            assert intake.arrival_ns() == began_ns
            intake.gate.quote(0, 0, began_ns, 100, 5, 101, 5, clock.time_ns)
            intake.arrived(began_ns)
            intake.end_read(is_last)
        await asyncio.sleep(0)
        clock.time_ns += MS_NS
        assert intake.arrival_ns() == clock.time_ns, "the turn of the loop ended the read that had no last part"
        intake.flush()
    batches = [batch.records["ts_recv_ns"].tolist() for batch in MarketReader.open(tmp_path).blocks()]
    assert batches == [[NOW_NS, NOW_NS], [NOW_NS + 2 * MS_NS]]
    assert intake.latency.total == 3
