import subprocess
import sys

import numpy as np
import pytest

from papertape.core.errors import InputError, TapeCorrupt
from papertape.core.records import Kind
from papertape.tape.follower import READ_BYTES_MAX, MarketFollower
from papertape.tape.market_writer import MarketWriter
from papertape.tape.segment import list_segments

WRITER = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
import numpy as np
from papertape.core.records import RECORD_DTYPE
from papertape.tape.market_writer import MarketWriter
source = np.frombuffer(Path({source!r}).read_bytes(), RECORD_DTYPE)
with MarketWriter.open(Path({tape!r}), segment_bytes=200_000) as writer:
    while writer.next_seq < len(source):
        seq = writer.next_seq
        writer.append(source[seq : seq + 1 + seq % 97])
"""


def kept(batches):
    return [batch.records[batch.records["kind"] >= Kind.INSTRUMENT] for batch in batches]


def drain(follower):
    found = []
    while batches := follower.poll():
        found += batches
    return found


def test_it_gives_out_what_is_committed(tape, events):
    with MarketWriter.open(tape, segment_bytes=8192) as writer, MarketFollower.open(tape) as follower:
        assert (follower.poll(), follower.lag_records()) == ([], 0)
        seq = 0
        for count in (1, 50, 3, 70, 70, 70, 2):
            writer.append(events(seq, count))
            seq += count
            assert follower.lag_records() == count
            batches = drain(follower)
            assert batches[0].first_seq == seq - count
            assert np.array_equal(np.concatenate(kept(batches)), events(seq - count, count))
            assert (follower.next_seq, follower.lag_records()) == (seq, 0)


@pytest.mark.parametrize("start", [0, 1, 19, 20, 99, 100, 139, 140, 150])
def test_it_begins_with_the_block_of_a_seq(tape, events, start):
    with MarketWriter.open(tape, segment_bytes=6400) as writer:
        for seq in range(0, 140, 20):
            writer.append(events(seq, 20))
        with MarketFollower.open(tape, start) as follower:
            batches = drain(follower)
            first = start // 20 * 20
            if start < 140:
                assert batches[0].first_seq == first
                assert np.array_equal(np.concatenate(kept(batches)), events(first, 140 - first))
            else:
                assert batches == []
            writer.append(events(140, 20))
            assert [batch.first_seq for batch in drain(follower)] == [140]


def test_a_block_larger_than_one_read(tape, events):
    count = READ_BYTES_MAX // 64 * 2
    with MarketWriter.open(tape) as writer, MarketFollower.open(tape) as follower:
        writer.append(events(0, count))
        assert np.array_equal(np.concatenate(kept(drain(follower))), events(0, count))


def test_records_whose_header_is_not_there_yet(tape, events):
    with MarketWriter.open(tape) as writer, MarketFollower.open(tape) as follower:
        writer.append(events(0, 3))
        assert len(drain(follower)) == 1
        path = list_segments(tape / "market")[0][1]
        with path.open("r+b") as stream:
            stream.seek(512 + 4 * 64 + 64)
            stream.write(events(3, 2).tobytes())
        assert follower.poll() == []
        writer.append(events(3, 2))
        assert np.array_equal(kept(drain(follower))[0], events(3, 2))


def test_it_follows_a_writer_in_another_process(tape, tmp_path, events):
    expected = events(0, 60_000)
    source = tmp_path / "source"
    source.write_bytes(expected.tobytes())
    (tape / "market").mkdir(parents=True)
    code = WRITER.format(path=sys.path, source=str(source), tape=str(tape))
    found = []
    with MarketFollower.open(tape) as follower, subprocess.Popen([sys.executable, "-c", code]) as writer:
        while follower.next_seq < len(expected):
            batches = follower.wait(20)
            assert batches, f"nothing came behind seq {follower.next_seq}"
            found += kept(batches)
        assert writer.wait(20) == 0
        assert follower.lag_records() == 0
        assert follower.wait(0) == []
    assert np.array_equal(np.concatenate(found), expected)


def test_it_goes_on_after_the_writer_was_killed(tape, events):
    with MarketFollower.open(make_empty(tape)) as follower:
        writer = MarketWriter.open(tape)
        writer.append(events(0, 10))
        writer.sync()
        assert len(drain(follower)) == 1
        writer._lock.release()  # what a killed process leaves: no seal, no lock
        path = list_segments(tape / "market")[0][1]
        with path.open("r+b") as stream:
            stream.seek(512 + 12 * 64)
            stream.write(b"half a record")
        with MarketWriter.open(tape) as second:
            assert second.recovery is not None
            second.append(events(10, 10))
            assert np.array_equal(np.concatenate(kept(drain(follower))), events(10, 10))
        writer._sync.close()


def make_empty(tape):
    (tape / "market").mkdir(parents=True)
    return tape


@pytest.mark.parametrize(("place", "code"), [(64 + 70, "record_crc"), (64 * 6 + 40, "block_header_crc")])
def test_damage_is_named(tape, events, place, code):
    with MarketWriter.open(tape, segment_bytes=2048) as writer:
        for seq in range(0, 40, 5):
            writer.append(events(seq, 5))
    path = list_segments(tape / "market")[0][1]
    data = bytearray(path.read_bytes())
    data[512 + place] ^= 1
    path.write_bytes(data)
    with MarketFollower.open(tape) as follower, pytest.raises(TapeCorrupt, match=code) as caught:
        drain(follower)
    assert caught.value.offset == 512 + place // 384 * 384


def test_a_missing_segment_is_missed(tape, events):
    with MarketWriter.open(tape, segment_bytes=2048) as writer:
        for seq in range(0, 80, 5):
            writer.append(events(seq, 5))
    segments = list_segments(tape / "market")
    segments[1][1].unlink()
    with MarketFollower.open(tape) as follower, pytest.raises(TapeCorrupt, match="missing"):
        drain(follower)


def test_no_tape(tmp_path):
    with pytest.raises(InputError):
        MarketFollower.open(tmp_path)
