"""The control protocol: batches, ids, replies in both forms of error."""

import json

import pytest

from papertape.data.wire.binance.control import FRAME_BYTES_MAX, NAMES_PER_FRAME_MAX, UNANSWERED_MAX, Control


@pytest.mark.parametrize("length", [1, 30, 200, 5_000])
def test_every_name_is_asked_for_once_in_order_in_frames_the_venue_reads(length: int) -> None:
    names = [f"{'x' * length}{number}@trade" for number in range(250)]
    frames = Control().subscribe(names)
    asked = [json.loads(frame) for frame in frames]
    assert [name for one in asked for name in one["params"]] == names
    assert [one["id"] for one in asked] == list(range(1, len(frames) + 1))
    assert {one["method"] for one in asked} == {"SUBSCRIBE"}
    for frame, one in zip(frames, asked, strict=True):
        assert len(one["params"]) <= NAMES_PER_FRAME_MAX
        assert len(frame) <= FRAME_BYTES_MAX or len(one["params"]) == 1


def test_nothing_to_ask_is_no_frame() -> None:
    assert Control().subscribe([]) == []


def test_ids_go_on_and_refusals_are_taken_once() -> None:
    control = Control()
    control.subscribe(["a@trade"])
    (frame,) = control.subscribe(["b@trade"])
    assert json.loads(frame) == {"method": "SUBSCRIBE", "params": ["b@trade"], "id": 2}
    assert control.take(b'{"result":null,"id":2}')
    assert control.refusals == []
    assert control.take(b'{"error":{"code":2,"msg":"Invalid request"},"id":1}')
    (refusal,) = control.take_refusals()
    assert "a@trade" in refusal
    assert control.take_refusals() == []


def test_requests_that_are_never_answered_are_forgotten_in_time() -> None:
    control = Control()
    for number in range(UNANSWERED_MAX + 1):
        control.subscribe([f"s{number}@trade"])
    assert control.take(b'{"code":2,"msg":"no","id":1}')
    assert control.take(b'{"code":2,"msg":"no","id":2}')
    assert ["s0@trade" in control.refusals[0], "s1@trade" in control.refusals[1]] == [False, True]


@pytest.mark.parametrize(
    "reply", [b'{"error":{"code":2,"msg":"Invalid request"},"id":1}', b'{"code":2,"msg":"Invalid request","id":1}']
)
def test_both_forms_of_error_name_the_streams(reply: bytes) -> None:
    control = Control()
    control.subscribe(["a@trade", "b@trade"])
    assert control.take(reply)
    (refusal,) = control.refusals
    assert "a@trade, b@trade" in refusal
    assert "2 Invalid request" in refusal


@pytest.mark.parametrize("reply", [b'{"code":3,"msg":"bad JSON","id":null}', b'{"result":["a@trade"],"id":"mine"}'])
def test_replies_with_other_kinds_of_id_are_replies(reply: bytes) -> None:
    assert Control().take(reply)


@pytest.mark.parametrize("text", [b'{"e":"trade"}', b"[]", b"{", b"\xff", b'{"result":null}', b'{"id":[1]}'])
def test_anything_else_is_left_alone(text: bytes) -> None:
    control = Control()
    control.subscribe(["a@trade"])
    assert not control.take(text)
    assert control.refusals == []
