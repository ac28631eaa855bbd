"""WebSocket framing of what goes out."""

import pytest

from papertape.venue.fanout import text_frame


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
