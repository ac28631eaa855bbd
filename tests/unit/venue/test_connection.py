"""Control requests, message rate and keep-alive of one connection."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.venue.connection import ControlSession, KeepAlive, MessageRate, Refused
from papertape.venue.rules import SPOT


def ask(session: ControlSession, request: Any) -> Any:
    reply = session.answer(json.dumps(request).encode())
    assert reply is not None
    return json.loads(reply)


def error(session: ControlSession, request: Any) -> tuple[int, str, Any]:
    reply = ask(session, request)
    return reply["error"]["code"], reply["error"]["msg"], reply["id"]


@pytest.fixture
def session() -> ControlSession:
    return ControlSession(SPOT, combined=False)


def test_subscribe_list_unsubscribe(session: ControlSession) -> None:
    subscribe = {"method": "SUBSCRIBE", "params": ["a@trade", "a@depth", "a@trade"], "id": 1}
    assert ask(session, subscribe) == {"result": None, "id": 1}
    assert ask(session, {"method": "LIST_SUBSCRIPTIONS", "id": 2}) == {"result": ["a@trade", "a@depth"], "id": 2}
    assert ask(session, {"method": "UNSUBSCRIBE", "params": ["a@trade", "b@trade"], "id": 3})["result"] is None
    assert list(session.streams) == ["a@depth"]


def test_combined_property() -> None:
    session = ControlSession(SPOT, combined=True)
    assert ask(session, {"method": "GET_PROPERTY", "params": ["combined"], "id": 1}) == {"result": True, "id": 1}
    assert ask(session, {"method": "SET_PROPERTY", "params": ["combined", False], "id": 2})["result"] is None
    assert ask(session, {"method": "GET_PROPERTY", "params": ["combined"], "id": 3})["result"] is False


@pytest.mark.parametrize("request_id", [0, -(2**63), 2**63 - 1, "abcXYZ019", "a" * 36, None])
def test_ids_of_all_kinds_come_back(session: ControlSession, request_id: int | str | None) -> None:
    reply = ask(session, {"method": "LIST_SUBSCRIPTIONS", "id": request_id})
    assert reply == {"result": [], "id": request_id}


def test_a_missing_id_is_null(session: ControlSession) -> None:
    assert ask(session, {"method": "LIST_SUBSCRIPTIONS"}) == {"result": [], "id": None}


@pytest.mark.parametrize("request_id", [1.5, True, 2**63, -(2**63) - 1, "a" * 37, "with space", "über", [1], {}])
def test_other_ids_are_refused(session: ControlSession, request_id: Any) -> None:
    code, message, echoed = error(session, {"method": "LIST_SUBSCRIPTIONS", "id": request_id})
    assert (code, echoed) == (2, None)
    assert "request ID" in message


@pytest.mark.parametrize(
    ("request_body", "code", "words"),
    [
        ({"method": "GET_PROPERTY", "params": ["speed"]}, 0, "Unknown property"),
        ({"method": "SET_PROPERTY", "params": ["speed", True]}, 0, "Unknown property"),
        ({"method": "SET_PROPERTY", "params": ["combined", "yes"]}, 1, "expected Boolean"),
        ({"method": "SET_PROPERTY", "params": ["combined", 1]}, 1, "expected Boolean"),
        ({"method": "SET_PROPERTY", "params": ["combined"]}, 1, "expected Boolean"),
        ({"method": "GET_PROPERTY", "params": [1]}, 2, "property name must be a string"),
        ({"method": "GET_PROPERTY", "params": []}, 2, "property name must be a string"),
        ({"method": "GET_PROPERTY"}, 2, "property name must be a string"),
        ({"method": "GET_PROPERTY", "params": ["combined", True]}, 2, "too many parameters"),
        ({"method": "SET_PROPERTY", "params": ["combined", True, 1]}, 2, "too many parameters"),
        ({"method": "LIST_SUBSCRIPTIONS", "params": ["a@trade"]}, 2, "too many parameters"),
        ({"method": "subscribe", "params": ["a@trade"]}, 2, "`GET_PROPERTY`"),
        ({"method": ["SUBSCRIBE"]}, 2, "unknown variant"),
        ({"params": ["a@trade"]}, 2, "missing field `method`"),
        ({"method": "SUBSCRIBE"}, 2, "list of stream names"),
        ({"method": "SUBSCRIBE", "params": ["a@trade", 5]}, 2, "invalid stream"),
        ({"method": "SUBSCRIBE", "params": ["nonsense"]}, 2, "invalid stream"),
        ({"method": "UNSUBSCRIBE", "params": ["nonsense"]}, 2, "invalid stream"),
    ],
)
def test_error_table(session: ControlSession, request_body: dict[str, Any], code: int, words: str) -> None:
    found, message, echoed = error(session, request_body | {"id": "q7"})
    assert (found, echoed) == (code, "q7")
    assert words in message
    assert not session.streams


@pytest.mark.parametrize(
    ("text", "place"),
    [(b'{"method": SUB}', "line 1 column 12"), (b'{"a":1,\n nope}', "line 2 column 2"), (b"", "line 1 column 1")],
)
def test_invalid_json_names_its_place(session: ControlSession, text: bytes, place: str) -> None:
    reply = session.answer(text)
    assert reply is not None
    message = f"Invalid JSON: expected value at {place}"
    assert json.loads(reply) == {"error": {"code": 3, "msg": message}, "id": None}


@pytest.mark.parametrize("text", [b"[]", b"17", b'"SUBSCRIBE"', b"null"])
def test_json_that_is_no_object_is_refused(session: ControlSession, text: bytes) -> None:
    reply = session.answer(text)
    assert reply is not None
    assert json.loads(reply)["error"]["code"] == 2


METHODS = ["SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY"]
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.just("combined"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
REQUESTS = st.fixed_dictionaries(
    {}, optional={"method": st.sampled_from(METHODS), "params": JSON_VALUES, "id": JSON_VALUES}
)


@given(st.binary(max_size=200) | REQUESTS.map(lambda request: json.dumps(request).encode()) | st.just(b"[" * 4000))
def test_whatever_comes_is_answered_with_a_result_or_an_error(text: bytes) -> None:
    session = ControlSession(SPOT, combined=False)
    answer = session.answer(text)
    if len(text) > SPOT.control_bytes_max:
        assert answer is None
    else:
        assert answer is not None
        reply = json.loads(answer)
        assert reply.keys() == {"result", "id"} or (
            reply.keys() == {"error", "id"} and 0 <= reply["error"]["code"] <= 4
        )


def test_a_frame_above_4_kib_gets_no_answer(session: ControlSession) -> None:
    names = [f"symbol{n:04}@depth@100ms" for n in range(200)]
    text = json.dumps({"method": "SUBSCRIBE", "params": names, "id": 1}).encode()
    assert len(text) > 4096
    assert session.answer(text) is None
    assert not session.streams


def test_the_cap_of_streams_takes_all_or_nothing() -> None:
    session = ControlSession(SPOT, combined=True, streams=[f"s{n}@trade" for n in range(1023)])
    assert error(session, {"method": "SUBSCRIBE", "params": ["x@trade", "y@trade"], "id": 9})[0] == 4
    assert ask(session, {"method": "SUBSCRIBE", "params": ["x@trade", "s0@trade"], "id": 10})["result"] is None
    assert len(session.streams) == 1024
    with pytest.raises(Refused):
        ControlSession(SPOT, combined=True, streams=[f"s{n}@trade" for n in range(1025)])


def test_a_second_holds_five_messages() -> None:
    rate = MessageRate(5)
    assert [rate.exceeded(10 + n * 0.1) for n in range(6)] == [False] * 5 + [True]
    paced = MessageRate(5)
    assert not any(paced.exceeded(n * 0.25) for n in range(100))


def test_pings_are_due_at_their_interval() -> None:
    keep_alive = KeepAlive(SPOT, now_s=100)
    assert keep_alive.ping(119.9) is None
    assert keep_alive.wait_s(100) == pytest.approx(20)
    assert keep_alive.ping(120) is not None
    assert keep_alive.wait_s(120) == pytest.approx(20)


def test_only_a_pong_with_the_payload_of_a_ping_counts() -> None:
    keep_alive = KeepAlive(SPOT, now_s=0)
    first = keep_alive.ping(20)
    assert first
    keep_alive.pong(b"")
    keep_alive.pong(first + b"x")
    assert not keep_alive.timed_out(79.9)
    assert keep_alive.timed_out(80)
    keep_alive.pong(first)
    assert not keep_alive.timed_out(80)


def test_a_late_pong_answers_the_pings_before_it() -> None:
    rules = msgspec.structs.replace(SPOT, ping_interval_s=1, pong_timeout_s=5)
    keep_alive = KeepAlive(rules, now_s=0)
    pings = [keep_alive.ping(second) for second in (1, 2, 3)]
    assert pings[1]
    keep_alive.pong(pings[1])
    assert not keep_alive.timed_out(7.9)
    assert keep_alive.timed_out(8)


def test_errors_can_be_flat_as_the_documents_print_them() -> None:
    session = ControlSession(msgspec.structs.replace(SPOT, flat_errors=True), combined=False)
    assert ask(session, {"method": "NONE", "id": 3}).keys() == {"code", "msg", "id"}


def test_the_frames_of_the_last_second_are_told() -> None:
    rate = MessageRate(5)
    for now_s in (0.0, 0.5, 1.2):
        rate.exceeded(now_s)
    assert rate.within_s(1.2) == 2
