"""What a connector and a gateway say to each other over a WebSocket: questions and answers as JSON, ticks as raw rows.

A connection begins with `Hello` of the gateway. Questions are answered in order. After `Stream` the gateway
pushes ticks of the symbols asked for, each from its cursor on, until the connection ends: a binary message is one
batch. Rows are the terminal's own 60 bytes, so every bit of a tick arrives. There is no message for orders.
"""

import struct
from typing import Any, cast

import msgspec
import numpy as np

from papertape.core.errors import DecodeError
from papertape.data.wire.mt5.machine import TickBatch
from papertape.data.wire.mt5.ticks import TICK_DTYPE, TickCursor

PROTOCOL = 1
AUTHORIZATION = "Authorization"
"""Name of the header that carries the token."""
MESSAGE_BYTES_MAX = 4 << 20
_HEAD = struct.Struct("<qIBB")
"""The cursor before the rows (ms, seen), fresh?, length of the symbol's name; name and rows follow."""


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Any JSON message."""


class Hello(Message, frozen=True, tag_field="t", tag="hello"):
    """The gateway's first message."""

    protocol: int


class Ask(Message, frozen=True, tag_field="t", tag="ask"):
    """A question of the connector; `what` is one of `QUESTIONS`."""

    what: str
    symbol: str = ""


class Answer(Message, frozen=True, tag_field="t", tag="answer"):
    """The answer to the oldest open question."""

    value: Any


class Failed(Message, frozen=True, tag_field="t", tag="failed"):
    """The terminal's error instead of an answer, or at the end of a stream."""

    code: int
    text: str
    call: str
    symbol: str


class Stream(Message, frozen=True, tag_field="t", tag="stream"):
    """Push ticks from these cursors on; None: those that come to be from now on."""

    cursors: dict[str, TickCursor | None]


class Lost(Message, frozen=True, tag_field="t", tag="lost"):
    """Ticks of `symbol` behind its cursor may be missing: the terminal's history does not have them any more."""

    symbol: str


QUESTIONS = ("facts", "names", "symbol_info", "select")

_Any = Hello | Ask | Answer | Failed | Stream | Lost
_decode_message = msgspec.json.Decoder(_Any).decode
encode = msgspec.json.Encoder().encode


def decode(text: str | bytes) -> _Any:
    """Any JSON message. Raises DecodeError for anything else."""
    try:
        return cast("_Any", _decode_message(text))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(f"expected a message of the MetaTrader 5 gateway, was {text[:80]!r}: {error}") from error


def encode_ticks(batch: TickBatch) -> bytes:
    """A batch of ticks as a binary message."""
    name = batch.symbol.encode()
    rows = batch.rows.astype(TICK_DTYPE, copy=False)
    return _HEAD.pack(*batch.before, batch.fresh, len(name)) + name + rows.tobytes()


def decode_ticks(data: bytes, ts_recv_ns: int) -> TickBatch:
    """The batch of a binary message that came at `ts_recv_ns`. Raises DecodeError for anything else."""
    try:
        time_msc, seen, fresh, length = _HEAD.unpack_from(data)
        begin = _HEAD.size + length
        symbol = data[_HEAD.size : begin].decode()
        rows = np.frombuffer(data, TICK_DTYPE, offset=begin)
    except (struct.error, ValueError) as error:
        raise DecodeError(f"expected ticks of the MetaTrader 5 gateway, was {len(data)} bytes: {error}") from error
    return TickBatch(symbol, rows, ts_recv_ns, bool(fresh), TickCursor(time_msc, seen))
