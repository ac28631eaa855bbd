import os

import pytest

from papertape.tape.layout import CHAIN_START, Seal, pack_seal, parse_seal
from papertape.tape.segment_writer import SegmentWriter
from papertape.tape.verify_records import Contents
from papertape.tape.verify_segment import Place, SegmentCheck

BLOCK = 11 * 64
SEAL_AT = 512 + 4 * BLOCK


@pytest.fixture
def segment(tmp_path, events):
    """Bytes and line of a sealed segment of four blocks with 10 records each."""
    writer = SegmentWriter(tmp_path, 0, CHAIN_START, 1 << 20)
    for seq in range(0, 40, 10):
        writer.write(memoryview(events(seq, 10).tobytes()), 0)
    line = writer.seal()
    os.close(writer.fd)
    return bytearray(writer.path.read_bytes()), line


def check(data, line=None, *, is_last=True, seq=0, chain=None):
    checked = SegmentCheck(Place("the.seg", seq, chain, line, is_last), bytes(data))
    findings = checked.run(Contents())
    return [(finding.code, finding.offset, finding.seq) for finding in findings], checked, findings


def test_a_sound_segment(segment):
    data, line = segment
    codes, checked, _ = check(data, line)
    assert codes == []
    assert (checked.blocks, checked.records, checked.next_seq, checked.is_sealed) == (4, 40, 40, True)
    assert checked.chain.hex() == line.chain_end


@pytest.mark.parametrize(
    ("offset", "code", "at"),
    [
        (0, "segment_magic", 0),
        (12, "segment_header_crc", 0),
        (512 + BLOCK, "block_magic", 512 + BLOCK),
        (512 + BLOCK + 8, "block_header_crc", 512 + BLOCK),
        (512 + BLOCK + 64 + 30, "record_crc", 512 + BLOCK),
        (SEAL_AT + 10, "block_magic", SEAL_AT),
    ],
)
def test_a_flipped_bit(segment, offset, code, at):
    data, line = segment
    data[offset] ^= 4
    codes, _, _ = check(data, line)
    assert codes[0][:2] == (code, at)


def test_it_goes_on_behind_a_damaged_header(segment):
    data, line = segment
    data[512 + BLOCK + 8] ^= 1
    codes, checked, findings = check(data, line)
    assert codes == [("block_header_crc", 512 + BLOCK, 10)]
    assert f"the next whole block stands at {512 + 2 * BLOCK} and begins with seq 20" in findings[0].detail
    assert (checked.blocks, checked.records, checked.next_seq) == (3, 30, 40)


def test_zero_filled_records(segment):
    data, line = segment
    at = 512 + BLOCK + 64 * 4
    data[at : at + 128] = bytes(128)
    codes, _, findings = check(data, line)
    assert codes == [("zero_filled", at, 13)]
    assert "2 of the 10 records" in findings[0].detail


def test_a_zero_filled_block(segment):
    data, line = segment
    data[512 + BLOCK : 512 + 2 * BLOCK] = bytes(BLOCK)
    assert check(data, line)[0] == [("zero_filled", 512 + BLOCK, 10)]


def test_a_missing_block(segment):
    data, line = segment
    del data[512 + BLOCK : 512 + 2 * BLOCK]
    assert check(data, line)[0] == [("seq_discontinuity", 512 + BLOCK, 10)]


def test_swapped_blocks(segment):
    data, line = segment
    one, other = data[512 : 512 + BLOCK], data[512 + BLOCK : 512 + 2 * BLOCK]
    data[512 : 512 + 2 * BLOCK] = other + one
    codes, _, _ = check(data, line)
    assert codes[:2] == [("seq_discontinuity", 512, 0), ("seq_discontinuity", 512 + BLOCK, 20)]


@pytest.mark.parametrize("cut", [1, 64, 65, 64 + BLOCK])
def test_a_sealed_segment_cut_short(segment, cut):
    data, line = segment
    codes, checked, findings = check(data[:-cut], line)
    assert not checked.is_sealed
    expected = {1: "truncated", 64: "not_sealed", 65: "truncated", 64 + BLOCK: "not_sealed"}[cut]
    assert [code for code, _, _ in codes] == [expected]
    if cut == 1:
        assert "63 bytes stand behind the last whole block" in findings[0].detail


def test_an_unsealed_segment_cut_short(segment):
    data, _ = segment
    codes, _, findings = check(data[: 512 + BLOCK + 40])
    assert codes == [("torn_tail", 512 + BLOCK, 10)]
    assert "40 bytes stand behind the last whole block" in findings[0].detail
    assert check(data[: 512 + BLOCK + 100])[0] == [("truncated", 512 + BLOCK, 10)]
    assert check(data[: 512 + BLOCK])[0] == []
    assert check(data[: 512 + BLOCK] + bytes(5000))[0] == []
    assert check(data[: 512 + BLOCK], is_last=False)[0] == [("not_sealed", 512 + BLOCK, 10)]
    assert check(data[: 512 + BLOCK] + bytes(500), is_last=False)[0] == [("zero_filled", 512 + BLOCK, 10)]


def test_records_without_their_header_are_uncommitted(segment):
    data, line = segment
    killed = data[: 512 + BLOCK] + bytes(64) + data[512 + BLOCK + 64 : 512 + 2 * BLOCK] + bytes(4096)
    codes, checked, _ = check(killed)
    assert (codes, checked.next_seq) == ([], 10)
    assert BLOCK - 64 < checked.uncommitted_bytes <= BLOCK
    assert check(killed, is_last=False)[0] == [("zero_filled", 512 + BLOCK, 10)]
    assert check(killed, line)[0] == [("zero_filled", 512 + BLOCK, 10)]


def test_bytes_behind_the_seal(segment):
    data, line = segment
    assert check(data + b"xyz", line)[0] == [("trailing_garbage", SEAL_AT + 64, 40)]


def test_a_seal_that_tells_something_else(segment):
    data, line = segment
    seal = parse_seal(data, SEAL_AT)
    for wrong in (seal._replace(next_seq=41), seal._replace(blocks=3), seal._replace(records_hash=bytes(32))):
        assert isinstance(wrong, Seal)
        data[SEAL_AT:] = pack_seal(*wrong)
        assert [code for code, _, _ in check(data, line)[0]] == ["seal_mismatch", "sealed_list"]


def test_a_segment_that_does_not_follow(segment):
    data, line = segment
    assert check(data, line, chain=b"x" * 16)[0] == []  # the first of a tape follows nothing
    assert check(data, line, seq=5)[0][0][:2] == ("seq_discontinuity", 0)


@pytest.mark.parametrize("raw", [b"", bytes(600)])
def test_a_segment_that_is_being_made(raw):
    assert check(raw)[0] == []
    assert check(raw, is_last=False)[0][0][:2] in {("truncated", 0), ("segment_magic", 0)}
