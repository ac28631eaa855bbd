import os

import pytest

from papertape.core.errors import IntegrityError, StoreError
from papertape.core.records import RECORD_BYTES
from papertape.tape.layout import CHAIN_START, SEGMENT_HEADER_BYTES, BlockHeader, SegmentHeader, parse_segment_header
from papertape.tape.segment import (
    any_set,
    block_end,
    check_block,
    find_seal,
    iterate_blocks,
    list_segments,
    next_whole_block,
    read_segment,
    scan_segment,
    segment_path,
)
from papertape.tape.segment_writer import SegmentWriter

HEADER = SegmentHeader(0, CHAIN_START)
FIRST = SEGMENT_HEADER_BYTES
SECOND = FIRST + 4 * RECORD_BYTES
THIRD = SECOND + 6 * RECORD_BYTES
END = THIRD + 2 * RECORD_BYTES


@pytest.fixture
def data(tmp_path, events):
    """A sealed segment of three blocks with 3, 5 and 1 records."""
    writer = SegmentWriter(tmp_path, 0, CHAIN_START, 1 << 20)
    for seq, count in ((0, 3), (3, 5), (8, 1)):
        writer.write(memoryview(events(seq, count).tobytes()), 0)
    writer.seal()
    os.close(writer.fd)
    return bytearray(writer.path.read_bytes())


def test_segments_are_listed_by_their_names(tmp_path):
    for name in ("00000000000000000100.seg", "00000000000000000020.seg", "20.seg", "lock", "sealed.jsonl"):
        (tmp_path / name).write_bytes(b"")
    assert list_segments(tmp_path) == [(20, segment_path(tmp_path, 20)), (100, segment_path(tmp_path, 100))]
    with pytest.raises(StoreError, match="nowhere"):
        list_segments(tmp_path / "nowhere")
    with pytest.raises(StoreError, match=r"0001\.seg"):
        read_segment(tmp_path / "0001.seg")


def test_a_whole_segment(data):
    scan = scan_segment(data, HEADER)
    assert (scan.end, scan.next_seq, scan.blocks, scan.damage) == (END, 9, 3, None)
    assert scan.seal is not None
    assert [offset for offset, _ in iterate_blocks(data, scan.end)] == [FIRST, SECOND, THIRD]
    assert parse_segment_header(data) == HEADER


def damage_of(data, **options):
    return scan_segment(data, HEADER, **options).damage


def test_damage_is_told_at_its_block(data):
    data[SECOND + 3 * RECORD_BYTES + 30] ^= 1
    assert damage_of(data)[:3] == ("record_crc", SECOND, 3)
    assert damage_of(data, records=False) is None


def test_a_missing_block(data):
    del data[SECOND:THIRD]
    assert damage_of(data)[:3] == ("seq_discontinuity", SECOND, 3)


def test_a_foreign_block(data, tmp_path, events):
    (tmp_path / "other").mkdir()
    other = SegmentWriter(tmp_path / "other", 0, CHAIN_START, 1 << 20)
    other.write(memoryview(events(0, 3)[::-1].tobytes()), 0)
    other.write(memoryview(events(3, 5).tobytes()), 0)
    os.close(other.fd)
    data[SECOND:THIRD] = other.path.read_bytes()[SECOND:THIRD]
    assert damage_of(data)[:3] == ("chain_break", SECOND, 3)


@pytest.mark.parametrize("cut", [1, 63, 64, 65, 6 * RECORD_BYTES - 1])
def test_a_file_that_ends_in_a_block(data, cut):
    scan = scan_segment(data[: SECOND + cut], HEADER)
    assert (scan.end, scan.next_seq) == (SECOND, 3)
    assert scan.damage[:3] == ("truncated", SECOND, 3)


def test_zeros_behind_the_last_block_are_a_clean_end(data):
    scan = scan_segment(data[:THIRD] + bytes(1000), HEADER)
    assert (scan.end, scan.damage, scan.seal) == (THIRD, None, None)
    assert damage_of(data[:THIRD] + bytes(1000) + b"x")[:2] == ("zero_filled", THIRD)


def test_bytes_behind_the_seal(data):
    assert damage_of(data + b"x")[:3] == ("trailing_garbage", END + RECORD_BYTES, 9)


def test_a_seal_with_other_totals_is_none(data):
    shorter = data[:THIRD] + data[END:]
    assert scan_segment(shorter, HEADER).seal is None
    assert damage_of(shorter)[:2] == ("block_magic", THIRD)


def test_whole_blocks_are_found_behind_damage(data):
    raw = bytes(data)
    assert next_whole_block(raw, 0)[0] == FIRST
    assert next_whole_block(raw, FIRST + 1)[0] == SECOND
    broken = raw[:SECOND] + b"\0" + raw[SECOND + 1 :]
    assert next_whole_block(broken, FIRST + 1)[0] == THIRD
    assert next_whole_block(raw, THIRD + 1) is None
    assert next_whole_block(b"\0" + raw, 0) is None
    assert find_seal(raw, 0) == END
    assert find_seal(raw, END + 1) is None


def test_one_block_at_a_time(data):
    first = check_block(data, FIRST, 0, CHAIN_START)
    assert isinstance(first, BlockHeader)
    assert block_end(FIRST, first) == SECOND
    assert check_block(data, FIRST, 1, CHAIN_START).code == "seq_discontinuity"
    assert check_block(data, FIRST, 0, b"x" * 16).code == "chain_break"


def test_iterating_over_damage_is_a_programming_error(data):
    data[SECOND] ^= 1
    with pytest.raises(IntegrityError):
        list(iterate_blocks(data, END))


def test_any_set():
    assert not any_set(bytes(10), 0)
    assert any_set(b"\x01" + bytes(9), 0)
    assert not any_set(b"\x01" + bytes(9), 1)
