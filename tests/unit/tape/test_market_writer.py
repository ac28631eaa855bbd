import numpy as np
import pytest

from papertape.core.errors import StoreError, TapeLocked
from papertape.core.records import RECORD_DTYPE, Kind
from papertape.tape.layout import BLOCK_RECORDS_MAX
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter
from papertape.tape.segment import list_segments
from papertape.tape.verify import verify_tape


def stored(tape):
    return np.concatenate([batch.records for batch in MarketReader.open(tape).blocks()])


def test_append_returns_the_seq_of_the_first_record(tape, events):
    with MarketWriter.open(tape) as writer:
        assert (writer.next_seq, writer.recovery) == (0, None)
        assert writer.append(events(0, 3)) == 0
        assert writer.append(events(3, 2).tobytes()) == 3
        assert writer.append(memoryview(events(5, 1).tobytes())) == 5
        assert writer.append(events(0, 12)[6:12]) == 6
        assert writer.append(b"") == 12
        assert writer.next_seq == 12
    assert np.array_equal(stored(tape), events(0, 12))


def test_a_session_begins_a_segment_at_its_first_append(tape, events):
    MarketWriter.open(tape).close()
    assert list_segments(tape / "market") == []
    for seq in (0, 4):
        with MarketWriter.open(tape) as writer:
            assert writer.recovery is None
            writer.append(events(seq, 4))
    assert [seq for seq, _ in list_segments(tape / "market")] == [0, 4]
    report = verify_tape(tape)
    assert report.ok
    assert report.sealed


def test_segments_are_sealed_when_full(tape, events):
    with MarketWriter.open(tape, segment_bytes=4096) as writer:
        for seq in range(0, 200, 20):
            writer.append(events(seq, 20))
        writer.append(events(200, 1000))
    assert all(path.stat().st_size <= 4096 for seq, path in list_segments(tape / "market") if seq != 200)
    assert np.array_equal(stored(tape), events(0, 1200))
    assert verify_tape(tape).ok


def test_sync_and_wait(tape, events):
    with MarketWriter.open(tape, sync_delay_s=3600) as writer:
        writer.append(events(0, 3))
        assert writer.durable_seq == 0
        assert not writer.wait_durable(3, 0)
        writer.sync()
        assert writer.durable_seq == 3
        assert writer.wait_durable(3, 0)


def test_durable_by_itself(tape, events):
    with MarketWriter.open(tape, segment_bytes=4096) as writer:
        for seq in range(0, 400, 20):
            writer.append(events(seq, 20))
        assert writer.wait_durable(400, 20)


def test_one_writer(tape, events):
    with MarketWriter.open(tape), pytest.raises(TapeLocked, match=str(tape)):
        MarketWriter.open(tape)
    MarketWriter.open(tape).close()


def test_large_appends_are_split_between_events(tape, events):
    size = 10_000
    with MarketWriter.open(tape) as writer:
        writer.append(events(0, 15 * size, size))
    sizes = [len(batch.records) for batch in MarketReader.open(tape).blocks()]
    assert sizes == [60_000, 60_000, 30_000]
    assert verify_tape(tape).ok


def test_an_event_larger_than_a_block_is_refused_whole(tape, events):
    size = BLOCK_RECORDS_MAX + 1
    with MarketWriter.open(tape) as writer:
        writer.append(events(0, BLOCK_RECORDS_MAX, BLOCK_RECORDS_MAX))
        with pytest.raises(StoreError, match="at most 65536 records"):
            writer.append(np.concatenate([events(0, size, size)] * 2))
        assert writer.next_seq == BLOCK_RECORDS_MAX


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda records: records.tobytes()[:-1], "records of 64 bytes"),
        (lambda records: records[1:], "whole events"),
        (lambda records: records[:-1], "whole events"),
        (lambda records: records["price"], "RECORD_DTYPE"),
        (lambda records: with_kind(records, Kind.BLOCK), "kinds from 8 on"),
        (lambda records: with_kind(records, 0), "kinds from 8 on"),
    ],
)
def test_what_is_no_event_is_refused(tape, events, change, message):
    with MarketWriter.open(tape) as writer:
        with pytest.raises(StoreError, match=message):
            writer.append(change(events(0, 6, 3)))
        writer.append(events(0, 6, 3))
    assert np.array_equal(stored(tape), events(0, 6, 3))


def with_kind(records, kind):
    records["kind"][2] = kind
    return records


def test_a_closed_writer_takes_nothing(tape, events):
    writer = MarketWriter.open(tape)
    writer.append(events(0, 1))
    writer.close()
    writer.close()
    with pytest.raises(StoreError, match="was closed"):
        writer.append(events(1, 1))


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="file"):
        MarketWriter.open(tmp_path / "file")


def test_empty_records(tape):
    with MarketWriter.open(tape) as writer:
        assert writer.append(np.zeros(0, RECORD_DTYPE)) == 0
    assert verify_tape(tape).last_seq == -1
