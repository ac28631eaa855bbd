import os

import numpy as np
import pytest

from papertape.core.records import RECORD_BYTES, RECORD_DTYPE
from papertape.tape import files
from papertape.tape.layout import CHAIN_START, SEGMENT_HEADER_BYTES, SegmentHeader, parse_seal, parse_segment_header
from papertape.tape.sealed import read_sealed
from papertape.tape.segment import records_hash, scan_segment
from papertape.tape.segment_writer import PREALLOCATE_BYTES, SegmentWriter


@pytest.fixture
def segment(tmp_path):
    writer = SegmentWriter(tmp_path, 0, CHAIN_START, 8192)
    yield writer
    os.close(writer.fd)


def scan(writer):
    data = writer.path.read_bytes()
    header = parse_segment_header(data)
    assert isinstance(header, SegmentHeader)
    return data, scan_segment(data, header)


def test_blocks_stand_behind_each_other(segment, events):
    segment.write(memoryview(events(0, 5).tobytes()), 0)
    segment.write(memoryview(events(5, 7).tobytes()), 3)
    data, found = scan(segment)
    assert (found.next_seq, found.blocks, found.damage, found.seal) == (12, 2, None, None)
    assert found.chain == segment.chain
    body = np.frombuffer(data, RECORD_DTYPE, 14, SEGMENT_HEADER_BYTES)
    assert np.array_equal(body[body["kind"] >= 8], events(0, 12))


def test_records_without_their_header_are_not_there(segment, events):
    segment.write(memoryview(events(0, 5).tobytes()), 0)
    end = SEGMENT_HEADER_BYTES + 6 * RECORD_BYTES
    files.write_at(segment.fd, events(5, 3).tobytes(), end + RECORD_BYTES)
    _, found = scan(segment)
    assert (found.end, found.next_seq) == (end, 5)
    assert found.damage.offset == end


def test_the_seal_ends_the_file_and_is_listed(segment, events, tmp_path):
    segment.write(memoryview(events(0, 5).tobytes()), 0)
    line = segment.seal()
    data, found = scan(segment)
    assert len(data) == found.end + RECORD_BYTES
    assert found.seal == parse_seal(data, found.end)
    assert found.seal.records_hash == records_hash(data, found.end) == bytes.fromhex(line.records_hash)
    assert read_sealed(tmp_path) == ([line], b"")
    segment.trim()
    assert scan(segment)[1].seal == found.seal


def test_the_first_block_always_fits(segment, events):
    assert segment.has_room(1 << 20)
    segment.write(memoryview(events(0, 200).tobytes()), 0)
    assert not segment.has_room(RECORD_BYTES)


def test_room_for_a_block_counts_header_and_seal(segment, events):
    segment.write(memoryview(events(0, 100).tobytes()), 0)
    left = 8192 - SEGMENT_HEADER_BYTES - 101 * RECORD_BYTES
    assert segment.has_room(left - 2 * RECORD_BYTES)
    assert not segment.has_room(left - 2 * RECORD_BYTES + 1)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system does not reserve room")
def test_room_is_reserved_ahead_and_given_back(tmp_path, events):
    writer = SegmentWriter(tmp_path, 0, CHAIN_START, 64 << 20)
    writer.write(memoryview(events(0, 5).tobytes()), 0)
    assert os.fstat(writer.fd).st_size == PREALLOCATE_BYTES
    writer.trim()
    assert os.fstat(writer.fd).st_size == SEGMENT_HEADER_BYTES + 6 * RECORD_BYTES
    writer.write(memoryview(events(5, 5).tobytes()), 0)
    assert scan(writer)[1].next_seq == 10
    os.close(writer.fd)
