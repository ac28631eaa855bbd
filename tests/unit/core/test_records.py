import struct

import numpy as np
import pytest

from papertape.core.records import (
    PAYLOAD_BYTES,
    PAYLOAD_OFFSET,
    RECORD_BYTES,
    RECORD_DTYPE,
    RECORD_STRUCT,
    Kind,
    RecordBuffer,
    as_records,
    payload_text,
    text_payload,
)

FIELDS = (-1, 2, Kind.QUOTE, 255, 65535, (1 << 32) - 1, -(1 << 63), (1 << 63) - 1, 9, 10, -11)


def test_a_record_is_64_bytes_the_same_to_struct_and_numpy() -> None:
    assert RECORD_DTYPE.itemsize == RECORD_BYTES == RECORD_STRUCT.size == 64
    assert RECORD_DTYPE.fields is not None
    assert RECORD_DTYPE.fields["price"][1] == PAYLOAD_OFFSET
    assert PAYLOAD_BYTES == 40
    buffer = RecordBuffer()
    buffer.pack(*FIELDS)
    data = buffer.take()
    assert as_records(data)[0].item() == FIELDS
    assert RECORD_STRUCT.unpack(data) == FIELDS


def test_a_buffer_grows_and_starts_anew() -> None:
    buffer = RecordBuffer()
    for number in range(5):
        buffer.pack(number, *FIELDS[1:])
    more = buffer.take()
    buffer.pack(9, *FIELDS[1:])
    buffer.extend(more)
    assert as_records(buffer.take())["ts_event_ns"].tolist() == [9, 0, 1, 2, 3, 4]
    assert (buffer.count, buffer.take()) == (0, b"")


def test_a_field_out_of_its_range_is_refused_and_nothing_is_added() -> None:
    buffer = RecordBuffer()
    with pytest.raises(struct.error):
        buffer.pack(*FIELDS[:6], 1 << 63, *FIELDS[7:])
    assert buffer.count == 0


@pytest.mark.parametrize("text", ["", "x", "y" * 39, "z" * 40, "é" * 41])
def test_text_survives_the_payloads(text: str) -> None:
    payloads = text_payload(text)
    assert len(payloads) == -(-len(text.encode()) // PAYLOAD_BYTES)
    buffer = RecordBuffer()
    for payload in payloads:
        buffer.pack(0, 0, Kind.INSTRUMENT, 0, 0, 0, *payload)
    assert payload_text(as_records(buffer.take()) if payloads else np.empty(0, RECORD_DTYPE)) == text


def test_a_buffer_knows_the_arrival_of_its_last_record_even_when_it_was_taken() -> None:
    buffer = RecordBuffer()
    assert buffer.last_recv_ns == 0
    assert buffer.take() == b""
    buffer.pack(*FIELDS)
    assert buffer.last_recv_ns == 2
    more = buffer.take()
    assert (buffer.take(), buffer.last_recv_ns) == (b"", 2)
    buffer.pack(-1, 7, *FIELDS[2:])
    assert buffer.last_recv_ns == 7
    buffer.extend(more)
    assert buffer.last_recv_ns == 2
