"""WebSocket framing of what goes out."""

import pytest

from papertape.venue.frames import (
    close_frame,
    fragments,
    in_microseconds,
    rest_in_microseconds,
    text_frame,
    wrapped,
)


@pytest.mark.parametrize(
    ("length", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_a_text_frame_has_the_shortest_head(length: int, head: bytes) -> None:
    assert text_frame(b"a" * length) == head + b"a" * length


@pytest.mark.parametrize(("size_bytes", "heads"), [(2, [b"\x01\x02", b"\x00\x02", b"\x80\x01"]), (5, [b"\x81\x05"])])
def test_fragments_are_one_message(size_bytes: int, heads: list[bytes]) -> None:
    data = fragments(b"abcde", size_bytes)
    for place, head in enumerate(heads):
        part = b"abcde"[place * size_bytes : (place + 1) * size_bytes]
        assert data.startswith(head + part)
        data = data[len(head + part) :]
    assert data == b""


def test_times_and_nothing_else_are_in_microseconds() -> None:
    trade = b'{"e":"trade","E":1700000000001,"s":"A","t":4000000000001,"T":1700000000002,"m":true}'
    fine = b'{"e":"trade","E":1700000000001000,"s":"A","t":4000000000001,"T":1700000000002000,"m":true}'
    assert in_microseconds(trade) == fine
    kline = b'{"e":"kline","E":1700000000001,"k":{"t":1700000000000,"T":1700000000999,"f":4000000000001}}'
    assert in_microseconds(kline).count(b"000,") + in_microseconds(kline).count(b"999000") >= 3
    assert b'"f":4000000000001}' in in_microseconds(kline)
    assert (
        rest_in_microseconds(b'[[1700000000000,"1",1700000000999,5]]') == b'[[1700000000000000,"1",1700000000999000,5]]'
    )
    assert rest_in_microseconds(b'{"id":4000000000001,"time":1700000000002}').endswith(b'"time":1700000000002000}')


def test_a_close_frame_carries_code_and_reason() -> None:
    assert close_frame(1001, b"bye") == b"\x88\x05\x03\xe9bye"


def test_a_combined_connection_gets_the_name_of_the_stream() -> None:
    assert wrapped("a@trade", b"{}") == b'{"stream":"a@trade","data":{}}'
