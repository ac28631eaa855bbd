import asyncio

import pytest

from papertape.core.errors import DataError
from papertape.core.instruments import instrument_event
from papertape.core.records import NO_ID, WHOLE, GapCause, Kind, RecordBuffer, as_records
from papertape.data.record_queue import RecordQueue
from tests.made_source import fx


def batch(*records: tuple[int, Kind]) -> bytes:
    """Records of (instrument, kind), each at the next nanosecond."""
    buffer = RecordBuffer()
    for ts, (number, kind) in enumerate(records):
        buffer.pack(0, ts, kind, WHOLE, number, 0, 1, 1, 1, 1, 1)
    return buffer.take()


QUOTES = batch(*[(5, Kind.QUOTE)] * 10)


async def waiting(queue: RecordQueue) -> list[tuple[int, ...]]:
    """(kind, instrument, cause, kind missed) of all that waits."""
    found = []
    while len(queue):
        data = await queue.get()
        assert data is not None
        found += [(one["kind"], one["instrument"], one["price"], one["id"]) for one in as_records(data)]
    return [tuple(int(value) for value in one) for one in found]


async def test_batches_come_out_in_order_and_whole() -> None:
    queue = RecordQueue(100)
    batches = [batch((number, Kind.QUOTE)) for number in range(5)]
    for one in batches:
        queue.put(one)
    assert [await queue.get() for _ in batches] == batches


async def test_what_does_not_fit_is_one_gap_per_instrument_and_kind() -> None:
    queue = RecordQueue(10)
    queue.put(QUOTES)
    queue.put(batch((5, Kind.QUOTE), (5, Kind.QUOTE), (6, Kind.PRINT)))
    queue.put(batch((5, Kind.QUOTE), (6, Kind.DEPTH_SNAPSHOT), (6, Kind.DEPTH_DELTA)))
    assert queue.shed == 6
    found = (await waiting(queue))[10:]
    cause = int(GapCause.READER_BEHIND)
    missed = [(5, Kind.QUOTE), (6, Kind.PRINT), (6, Kind.DEPTH_DELTA)]
    assert found == [(Kind.GAP, number, cause, kind) for number, kind in missed]


async def test_a_gap_tells_that_the_ids_are_not_known_at_the_time_of_its_batch() -> None:
    queue = RecordQueue(1)
    queue.put(batch((5, Kind.QUOTE)))
    queue.put(batch((5, Kind.QUOTE), (5, Kind.PRINT)))
    await queue.get()
    data = await queue.get()
    assert data is not None
    assert as_records(data)[["ts_recv_ns", "x", "y"]].tolist() == [(1, NO_ID, NO_ID), (1, NO_ID, NO_ID)]


async def test_every_time_an_instrument_begins_to_lose_is_told() -> None:
    queue = RecordQueue(10)
    for _ in range(3):
        queue.put(QUOTES)
        queue.put(QUOTES)
        assert [kind for kind, *_ in (await waiting(queue))] == [*[Kind.QUOTE] * 10, Kind.GAP]


async def test_facts_stay_and_a_batch_larger_than_the_queue_is_taken_when_it_is_empty() -> None:
    queue = RecordQueue(5)
    queue.put(QUOTES)
    event = instrument_event(fx("EURUSD"), 5, 9)
    queue.put(event + QUOTES)
    assert await queue.get() == QUOTES
    data = await queue.get()
    assert data is not None
    assert data.startswith(event)


async def test_lost_books_are_named_once_when_half_of_it_is_free() -> None:
    queue = RecordQueue(10)
    queue.put(QUOTES)
    queue.put(batch((7, Kind.DEPTH_DELTA), (5, Kind.QUOTE)))
    assert queue.take_lost_depth() == []
    await waiting(queue)
    assert queue.take_lost_depth() == [7]
    assert queue.take_lost_depth() == []


async def test_a_reader_that_stands_still_for_too_long_is_told_after_what_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("papertape.data.record_queue.KEPT_MAX", 4)
    queue = RecordQueue(4)
    for _ in range(40):
        queue.put(batch((0, Kind.CONNECTION)))
    assert len(queue) == 2 * 4
    await waiting(queue)
    with pytest.raises(DataError, match="keeps up.*buffer_size"):
        await queue.get()


async def test_the_end_comes_after_what_waits_and_wakes_who_waits() -> None:
    queue = RecordQueue(10)
    queue.put(QUOTES)
    queue.end()
    queue.put(QUOTES)
    assert (await queue.get(), await queue.get()) == (QUOTES, None)
    queue = RecordQueue(10)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(queue.get())
        await asyncio.sleep(0)
        queue.end()
    assert reading.result() is None
