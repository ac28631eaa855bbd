"""When the venue sent a text, as the text itself says.

Stream payloads carry `E`, the event time in ms, but for spot's bookTicker and partial depth; of the REST
answers, depth on futures does.
"""

import msgspec

from papertape.data.wire.binance.payloads import Ms, time_ns


class _Data(msgspec.Struct, frozen=True, gc=False):
    E: Ms = 0


_NOTHING = _Data()


class _Text(msgspec.Struct, gc=False):
    E: Ms = 0
    data: _Data = _NOTHING


_decode = msgspec.json.Decoder(_Text).decode


def event_time_ns(payload: bytes) -> int:
    """The event time of a frame or answer as received, in ns; 0 when it has none, or cannot be read."""
    try:
        text = _decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return 0
    return time_ns(text.E or text.data.E)


class OffsetEstimate:
    """How far a venue's clock is ahead of the arrival stamps, by its texts alone: no text arrives before it is sent.

    So the offset is at least every difference between event time and arrival, and falls short of the truth by the
    shortest way a text ever took. For streams that come without a better estimate, such as reels.
    """

    def __init__(self) -> None:
        self._largest_ns: int | None = None

    def rise(self, ts_recv_ns: int, payload: bytes) -> int | None:
        """The offset in ns if this text is the first, or shows a larger one than all before it; else None."""
        sent_ns = event_time_ns(payload)
        offset_ns = sent_ns - ts_recv_ns
        if not sent_ns or (self._largest_ns is not None and offset_ns <= self._largest_ns):
            return None
        self._largest_ns = offset_ns
        return offset_ns
