"""The box's own decoder of reel lines."""

from decimal import Decimal

import pytest

from papertape.core.errors import InputError
from papertape.tape.reels import Frame
from papertape.venue.lines import Line, event_ms_of, number, parsed


def one(payload: bytes) -> Line:
    [(_, line)] = parsed([Frame(1000, payload, "a.reel", 9)])
    return line


def test_kinds_of_lines_are_told_apart() -> None:
    assert one(b'{"stream":"a@trade","data":{"t": 1}}').stream == "a@trade"
    assert bytes(one(b'{"stream":"a@trade","data":{"t": 1}}').data) == b'{"t": 1}'
    assert one(b'{"lastUpdateId":5,"bids":[],"asks":[]}').last_update_id == 5
    assert bytes(one(b'{"symbols":[{}]}').symbols) == b"[{}]"
    assert one(b"[1,2]") == one(b'{"result":null,"id":1}') == Line()


@pytest.mark.parametrize(
    "payload",
    [b'{"stream":"a@trade","data":{"t":1}', b"[1,2", b"\xff", b'{"stream":1}', b'{"stream":"\xff"}', b"[" * 5000],
)
def test_anything_else_is_named_with_its_place(payload: bytes) -> None:
    with pytest.raises(InputError, match=r"a\.reel, line 9"):
        one(payload)


def test_event_time() -> None:
    assert event_ms_of(b'{"e":"trade","E":17}') == 17
    assert event_ms_of(b'{"u":1}') == event_ms_of(b'[{"E":17}]') == 0


def test_numbers_are_exact() -> None:
    assert number("0.10") == Decimal("0.1")
    for text in ("", "ten", "NaN", "-Infinity"):
        with pytest.raises(ValueError, match="expected a decimal number"):
            number(text)
