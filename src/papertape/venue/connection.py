"""One client connection without its socket: control requests, subscriptions, rates and pings.

Nothing here reads a clock or writes to a socket: times come in as seconds of any steady clock,
what must be sent goes out as bytes.
"""

import re
from collections import deque
from collections.abc import Iterable
from typing import Any

import msgspec

from papertape.venue.rules import VenueRules, well_formed

_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_TEXT_ID = re.compile(r"[A-Za-z0-9]{0,36}")
_BYTE = re.compile(r"\(byte (\d+)\)")
_INT64 = range(-(1 << 63), 1 << 63)


class Refused(Exception):
    """A control request the venue answers with an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class ControlSession:
    """Subscriptions of one connection and the answers to its control requests."""

    def __init__(self, rules: VenueRules, *, combined: bool, streams: Iterable[str] = ()) -> None:
        """`streams` are those of the URL. Raises Refused(4) when they are too many."""
        self._rules = rules
        self.combined = combined
        self.streams: dict[str, None] = {}
        self._add(streams)

    def answer(self, text: bytes) -> bytes | None:
        """The reply to one control frame; None where the venue stays silent."""
        if len(text) > self._rules.control_bytes_max:
            return None
        request_id: int | str | None = None
        try:
            request = _request(text)
            request_id = _request_id(request)
            result = self._handle(request)
        except Refused as refused:
            error = {"code": refused.code, "msg": str(refused)}
            body = error if self._rules.flat_errors else {"error": error}
            return msgspec.json.encode(body | {"id": request_id})
        return msgspec.json.encode({"result": result, "id": request_id})

    def _handle(self, request: dict[str, Any]) -> list[str] | bool | None:
        params = request.get("params")
        match _method(request):
            case "SUBSCRIBE":
                self._add(_stream_names(params))
            case "UNSUBSCRIBE":
                for stream in _stream_names(params):
                    self.streams.pop(stream, None)
            case "LIST_SUBSCRIPTIONS":
                if params:
                    raise Refused(2, "Invalid request: too many parameters")
                return list(self.streams)
            case "GET_PROPERTY":
                _property(params, count=1)
                return self.combined
            case _:
                self.combined = _combined_value(_property(params, count=2))
        return None

    def _add(self, streams: Iterable[str]) -> None:
        merged = self.streams | dict.fromkeys(streams)
        if len(merged) > self._rules.streams_max:
            raise Refused(4, f"Too many subscriptions: expected at most {self._rules.streams_max}, was {len(merged)}")
        self.streams = merged


class MessageRate:
    """Counts incoming frames of any kind against the venue's limit per second."""

    def __init__(self, messages_per_s_max: int) -> None:
        self._times = deque[float](maxlen=messages_per_s_max)

    def exceeded(self, now_s: float) -> bool:
        """Count one frame; True when it is one more than a second may hold."""
        times = self._times
        over = len(times) == times.maxlen and now_s - times[0] < 1
        times.append(now_s)
        return over

    def within_s(self, now_s: float) -> int:
        """Frames of the last second; one too many is not counted, the limit is all that is remembered."""
        return sum(1 for time_s in self._times if now_s - time_s < 1)


class KeepAlive:
    """When to ping, and whether the pongs come. Only a pong that copies a ping's payload counts."""

    def __init__(self, rules: VenueRules, now_s: float) -> None:
        self._rules = rules
        self._next_ping_s = now_s + rules.ping_interval_s
        self._waiting: dict[bytes, float] = {}

    def wait_s(self, now_s: float) -> float:
        """Seconds until there is a ping to send or a deadline to judge."""
        deadlines = [self._next_ping_s, *(sent_s + self._rules.pong_timeout_s for sent_s in self._waiting.values())]
        return max(0.001, min(deadlines) - now_s)

    def timed_out(self, now_s: float) -> bool:
        """Whether a ping has waited for its pong too long."""
        return any(now_s - sent_s >= self._rules.pong_timeout_s for sent_s in self._waiting.values())

    def ping(self, now_s: float) -> bytes | None:
        """The payload of a ping that is due."""
        if now_s < self._next_ping_s:
            return None
        self._next_ping_s = now_s + self._rules.ping_interval_s
        payload = b"%d" % int(now_s * 1e6)
        self._waiting[payload] = now_s
        return payload

    def pong(self, payload: bytes) -> None:
        """Take a pong; it also stands for the pings before the one it copies."""
        if payload in self._waiting:
            answered_s = self._waiting[payload]
            self._waiting = {ping: sent_s for ping, sent_s in self._waiting.items() if sent_s > answered_s}


def _request(text: bytes) -> dict[str, Any]:
    try:
        request = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        found = _BYTE.search(str(error))
        before = text[: int(found[1]) if found else len(text)]
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
        raise Refused(3, f"Invalid JSON: expected value at line {line} column {column}") from error
    if not isinstance(request, dict):
        raise Refused(2, "Invalid request: expected an object")
    return request


def _request_id(request: dict[str, Any]) -> int | str | None:
    request_id = request.get("id")
    match request_id:
        case None | str() if request_id is None or _TEXT_ID.fullmatch(request_id):
            pass
        case int() if not isinstance(request_id, bool) and request_id in _INT64:
            pass
        case _:
            raise Refused(
                2, "Invalid request: request ID must be an integer, an alphanumeric string of at most 36 or null"
            )
    return request_id


def _method(request: dict[str, Any]) -> str:
    method = request.get("method")
    if method is None:
        raise Refused(2, "Invalid request: missing field `method`")
    if method not in _METHODS:
        known = ", ".join(f"`{name}`" for name in _METHODS)
        raise Refused(2, f"Invalid request: unknown variant `{method}`, expected one of {known}")
    return str(method)


def _stream_names(params: object) -> list[str]:
    if not isinstance(params, list):
        raise Refused(2, "Invalid request: expected a list of stream names")
    for name in params:
        if not isinstance(name, str) or not well_formed(name):
            raise Refused(2, f"Invalid request: invalid stream {name!r}")
    return params


def _property(params: object, count: int) -> list[Any]:
    if not isinstance(params, list) or not params or not isinstance(params[0], str):
        raise Refused(2, "Invalid request: property name must be a string")
    if len(params) > count:
        raise Refused(2, "Invalid request: too many parameters")
    if params[0] != "combined":
        raise Refused(0, "Unknown property")
    return params


def _combined_value(params: list[Any]) -> bool:
    if len(params) != 2 or not isinstance(params[1], bool):
        raise Refused(1, "Invalid value type: expected Boolean")
    return params[1]
