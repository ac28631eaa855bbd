import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.tape.control_layout import (
    CONTROL_HEADER_BYTES,
    ControlHeader,
    ControlRecord,
    Framed,
    next_whole_record,
    pack_control_header,
    pack_record,
    parse_control_header,
    parse_record,
)
from papertape.tape.layout import Problem

BODIES = st.recursive(
    st.none() | st.integers(-(1 << 63), (1 << 63) - 1) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def framed(index, cursor_seq=0, kind="command", body=None):
    return pack_record(index, msgspec.msgpack.encode(ControlRecord(cursor_seq, kind, body)))


@given(st.integers(0, 1 << 60), st.integers(0, 1 << 60), st.text(), BODIES)
def test_a_record_comes_back(index, cursor_seq, kind, body):
    raw = framed(index, cursor_seq, kind, body)
    assert parse_record(b"xyz" + raw, 3) == Framed(index, ControlRecord(cursor_seq, kind, body), 3, 3 + len(raw))


def test_any_flipped_bit_is_noticed():
    raw = framed(3, 17, "command", {"side": "buy"})
    header = pack_control_header(ControlHeader(1, "0001", 0))
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        assert isinstance(parse_record(bytes(changed), 0), Problem)
    for bit in range(len(header) * 8):
        changed = bytearray(header)
        changed[bit // 8] ^= 1 << bit % 8
        assert isinstance(parse_control_header(bytes(changed)), Problem)


def test_a_header_comes_back():
    header = ControlHeader(12, "0042", 1 << 40)
    raw = pack_control_header(header)
    assert len(raw) == CONTROL_HEADER_BYTES
    assert parse_control_header(raw) == header


@pytest.mark.parametrize("cut", [1, 10, 20])
def test_a_record_cut_short(cut):
    problem = parse_record(framed(0, body="some text")[:-cut], 0)
    assert isinstance(problem, Problem)
    assert problem.code == "truncated"


def test_a_record_of_another_form():
    problem = parse_record(pack_record(0, msgspec.msgpack.encode(["x", 1])), 0)
    assert isinstance(problem, Problem)
    assert problem.code == "record_content"


def test_whole_records_are_found_behind_damage():
    raw = b"\x93junk" + framed(1) + framed(2)
    assert next_whole_record(b"?" * 3 + raw, 0) == 8
    assert next_whole_record(framed(1) + framed(2), 0) == len(framed(1))
    assert next_whole_record(framed(1), 0) is None
