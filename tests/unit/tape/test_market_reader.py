import numpy as np
import pytest

from papertape.core.errors import InputError, TapeCorrupt
from papertape.core.records import Kind
from papertape.tape.market_reader import Batch, MarketReader
from papertape.tape.market_writer import MarketWriter
from papertape.tape.segment import list_segments


@pytest.fixture
def written(tape, events):
    """A tape of 200 records in blocks of 20, four to a segment, and its open writer."""
    with MarketWriter.open(tape, segment_bytes=6400) as writer:
        for seq in range(0, 200, 20):
            writer.append(events(seq, 20))
        yield writer


def kept(batches):
    found = [batch.records[batch.records["kind"] >= Kind.INSTRUMENT] for batch in batches]
    return np.concatenate(found)


@pytest.mark.parametrize("check", [True, False])
def test_all_records_in_order(tape, events, written, check):
    reader = MarketReader.open(tape)
    assert (reader.first_seq, reader.next_seq) == (0, 200)
    assert np.array_equal(kept(reader.batches(check=check)), events(0, 200))
    written.close()
    assert reader.next_seq == 200
    assert np.array_equal(kept(reader.batches(check=check)), events(0, 200))


def test_a_batch_is_a_whole_segment_that_cannot_be_changed(tape, written):
    written.close()
    first = next(MarketReader.open(tape).batches())
    assert first.records["kind"].tolist().count(Kind.BLOCK) == 4
    assert first.records["kind"][-1] == Kind.SEAL
    with pytest.raises(ValueError, match="read-only"):
        first.records["price"] = 0


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("seq", [0, 1, 19, 20, 79, 80, 95, 160, 199, 200, 500])
def test_from_a_seq_on(tape, events, written, seq, check):
    reader = MarketReader.open(tape)
    blocks = list(reader.blocks(seq, check=check))
    wanted = events(seq, max(200 - seq, 0))
    assert np.array_equal(np.concatenate([batch.records for batch in blocks] or [wanted]), wanted)
    assert [batch.first_seq for batch in blocks][:1] == ([seq] if seq < 200 else [])
    batches = list(reader.batches(seq, check=check))
    assert [batch.first_seq for batch in batches][:1] == ([seq // 20 * 20] if seq < 200 else [])


def test_no_tape(tmp_path, tape):
    with pytest.raises(InputError, match="expected a tape directory"):
        MarketReader.open(tmp_path)
    MarketWriter.open(tape).close()
    reader = MarketReader.open(tape)
    assert (reader.first_seq, reader.next_seq, list(reader.batches())) == (0, 0, [])


def read_until_damage(tape, **options):
    found: list[Batch] = []
    with pytest.raises(TapeCorrupt) as caught:
        found.extend(MarketReader.open(tape).blocks(**options))  # extend keeps what came before the error
    return sum(len(batch.records) for batch in found), caught.value


def test_nothing_behind_damage_is_given_out(tape, written):
    written.close()
    path = list_segments(tape / "market")[1][1]
    data = bytearray(path.read_bytes())
    offset = 512 + 21 * 64
    data[offset + 5 * 64] ^= 1
    path.write_bytes(data)
    count, error = read_until_damage(tape)
    assert (count, error.seq, error.offset) == (100, 100, offset)
    assert path.name in str(error)
    assert str(offset) in str(error)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("position", [1, -1])
def test_a_missing_segment_is_missed(tape, written, position, check):
    written.close()
    seq, path = list_segments(tape / "market")[position]
    path.unlink()
    count, error = read_until_damage(tape, check=check)
    assert (count, error.seq) == (seq, seq)


def test_a_segment_of_another_tape(tape, tmp_path, events, written):
    written.close()
    with MarketWriter.open(tmp_path / "other", segment_bytes=6400) as other:
        for seq in range(0, 200, 20):
            other.append(events(seq, 20)[::-1])
    name = list_segments(tape / "market")[1][1].name
    (tape / "market" / name).write_bytes((tmp_path / "other" / "market" / name).read_bytes())
    count, error = read_until_damage(tape)
    assert (count, error.seq, error.offset) == (80, 80, 0)


def test_a_torn_tail_ends_the_tape(tape, events, written):
    path = list_segments(tape / "market")[-1][1]
    with path.open("r+b") as stream:
        stream.seek(512 + 2 * 21 * 64 + 64)
        stream.write(events(200, 3).tobytes()[:100])
    assert np.array_equal(kept(MarketReader.open(tape).batches()), events(0, 200))


def test_a_reader_sees_what_is_written_meanwhile(tape, events, written):
    reader = MarketReader.open(tape)
    batches = reader.batches()
    first = next(batches)
    for seq in range(200, 400, 20):
        written.append(events(seq, 20))
    rest = list(batches)
    found = kept([first, *rest])
    assert np.array_equal(found, events(0, len(found)))
    assert len(found) >= 200
    assert reader.next_seq == 400
