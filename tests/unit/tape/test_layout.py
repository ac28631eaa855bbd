import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.core.records import RECORD_DTYPE, Kind
from papertape.tape.layout import (
    CHAIN_START,
    SEGMENT_HEADER_BYTES,
    BlockHeader,
    Problem,
    Seal,
    SegmentHeader,
    next_chain,
    pack_block,
    pack_seal,
    pack_segment_header,
    parse_block,
    parse_seal,
    parse_segment_header,
)

SEQS = st.integers(0, (1 << 63) - 1)
BLOCKS = st.builds(
    BlockHeader, SEQS, st.integers(1, 65_536), st.binary(min_size=16, max_size=16), st.integers(0, (1 << 32) - 1), SEQS
)


@given(SEQS, st.binary(min_size=16, max_size=16))
def test_segment_header_comes_back(seq, chain):
    raw = pack_segment_header(seq, chain)
    assert len(raw) == SEGMENT_HEADER_BYTES
    assert parse_segment_header(raw) == SegmentHeader(seq, chain)


@given(BLOCKS)
def test_block_header_comes_back(block):
    assert parse_block(pack_block(block)) == block


@given(SEQS, st.integers(0, 1 << 20), st.binary(min_size=32, max_size=32))
def test_seal_comes_back(seq, blocks, digest):
    assert parse_seal(pack_seal(seq, blocks, digest)) == Seal(seq, blocks, digest)


def flipped(raw):
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def test_any_flipped_bit_is_noticed():
    block = pack_block(BlockHeader(7, 3, bytes(range(16)), 99, 5))
    assert all(isinstance(parse_block(raw), Problem) for raw in flipped(block))
    assert all(isinstance(parse_segment_header(raw), Problem) for raw in flipped(pack_segment_header(7, CHAIN_START)))
    assert all(parse_seal(raw) is None for raw in flipped(pack_seal(7, 1, bytes(32))))


def test_framing_is_skipped_by_kind():
    raw = pack_block(BlockHeader(7, 3, bytes(range(16)), 99, 5)) + pack_seal(7, 1, bytes(32))
    assert np.frombuffer(raw, RECORD_DTYPE)["kind"].tolist() == [Kind.BLOCK, Kind.SEAL]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda raw: raw[:100], "truncated"),
        (lambda raw: b"X" + raw[1:], "segment_magic"),
        (lambda raw: raw[:60] + b"X" + raw[61:], "segment_header_crc"),
    ],
)
def test_what_is_wrong_with_a_segment_header(change, code):
    problem = parse_segment_header(change(pack_segment_header(0, CHAIN_START)))
    assert isinstance(problem, Problem)
    assert problem.code == code


def test_a_newer_layout_is_not_taken_for_damage(monkeypatch):
    monkeypatch.setattr("papertape.tape.layout.LAYOUT_VERSION", 2)
    newer = pack_segment_header(0, CHAIN_START)
    monkeypatch.undo()
    problem = parse_segment_header(newer)
    assert problem == Problem("segment_version", "expected layout 1 with this dtype, was layout 2")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (bytes(64), "zero_filled"),
        (b"X" * 64, "block_magic"),
        (b"X" * 10, "truncated"),
        (pack_block(BlockHeader(0, 1, CHAIN_START, 0, 0))[:63] + b"\xff", "block_header_crc"),
    ],
)
def test_what_is_wrong_with_a_block(raw, code):
    problem = parse_block(raw)
    assert isinstance(problem, Problem)
    assert problem.code == code


def test_the_chain_depends_on_all_before_it():
    chains = {
        next_chain(CHAIN_START, 0, 1, 2, 3),
        next_chain(bytes(15) + b"\x01", 0, 1, 2, 3),
        next_chain(CHAIN_START, 1, 1, 2, 3),
        next_chain(CHAIN_START, 0, 2, 2, 3),
        next_chain(CHAIN_START, 0, 1, 3, 3),
        next_chain(CHAIN_START, 0, 1, 2, 4),
    }
    assert len(chains) == 6
