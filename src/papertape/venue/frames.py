"""WebSocket frames as bytes, and what is inside them: whole and fragmented text, wrapped payloads, times in microseconds."""

import re
import struct

_TEXT, _CLOSE, _FINAL = 0x01, 0x08, 0x80
_MS = re.compile(rb'("(?:E|T|O|C)":|"k":\{"t":)(\d{13})(?=[,}])')
_REST_MS = re.compile(rb'("(?:serverTime|time|closeTime|openTime|T|E)":|\[|",)(\d{13})(?=[,}\]])')


def text_frame(payload: bytes) -> bytes:
    """`payload` as one unmasked WebSocket text frame."""
    return _frame(_TEXT | _FINAL, payload)


def fragments(payload: bytes, size_bytes: int) -> bytes:
    """`payload` as a text message in fragments of `size_bytes`."""
    parts = [payload[at : at + size_bytes] for at in range(0, len(payload), size_bytes)] or [b""]
    frames = []
    for place, part in enumerate(parts):
        opcode = 0 if place else _TEXT
        frames.append(_frame(opcode | (_FINAL if place == len(parts) - 1 else 0), part))
    return b"".join(frames)


def close_frame(code: int, reason: bytes) -> bytes:
    """The frame that ends a conversation."""
    return _frame(_CLOSE | _FINAL, struct.pack("!H", code) + reason)


def wrapped(stream: str, payload: bytes) -> bytes:
    """A payload as a combined connection gets it."""
    return b'{"stream":"%b","data":%b}' % (stream.encode(), payload)


def in_microseconds(payload: bytes) -> bytes:
    """The payload with its times in microseconds; the venue's own are told to the millisecond, so these end in 000."""
    return _MS.sub(rb"\g<1>\g<2>000", payload)


def rest_in_microseconds(answer: bytes) -> bytes:
    """The same for a REST answer: also its named times, and those of kline rows."""
    return _REST_MS.sub(rb"\g<1>\g<2>000", answer)


def _frame(head: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < 126:
        return bytes((head, length)) + payload
    if length < 1 << 16:
        return struct.pack("!BBH", head, 126, length) + payload
    return struct.pack("!BBQ", head, 127, length) + payload
