"""The control protocol: JSON text frames that subscribe, and their replies.

Requests carry an integer id, replies are told from data by `id` with `result` or `error`. Names
are batched, as a frame above about 4 KiB is ignored by the venue without a word.
"""

from collections.abc import Sequence

import msgspec

NAMES_PER_FRAME_MAX = 100
FRAME_BYTES_MAX = 4_000
UNANSWERED_MAX = 256
"""Requests remembered, to name their streams when they are refused."""


class ControlError(msgspec.Struct):
    """An error reply's content."""

    code: int
    msg: str = ""


class ControlReply(msgspec.Struct):
    """A reply; the venue is documented with flat errors and seen with nested ones: both are taken."""

    id: int | str | None
    error: ControlError | None = None
    code: int | None = None
    msg: str = ""


_decode = msgspec.json.Decoder(ControlReply).decode


class Control:
    """Requests of a machine's connections and what became of them. `refusals` are the venue's error texts."""

    def __init__(self) -> None:
        self._next_id = 1
        self._open: dict[int, Sequence[str]] = {}
        self.refusals: list[str] = []

    def subscribe(self, streams: Sequence[str]) -> list[bytes]:
        """The frames that subscribe to `streams`."""
        return self._requests("SUBSCRIBE", streams)

    def unsubscribe(self, streams: Sequence[str]) -> list[bytes]:
        """The frames that end `streams`."""
        return self._requests("UNSUBSCRIBE", streams)

    def take_refusals(self) -> list[str]:
        """What the venue has refused since the last call."""
        refusals, self.refusals = self.refusals, []
        return refusals

    def _requests(self, method: str, streams: Sequence[str]) -> list[bytes]:
        frames: list[bytes] = []
        rest = list(streams)
        while rest:
            count = min(len(rest), NAMES_PER_FRAME_MAX)
            while True:
                frame = msgspec.json.encode({"method": method, "params": rest[:count], "id": self._next_id})
                if len(frame) <= FRAME_BYTES_MAX or count == 1:
                    break
                count = max(1, count * FRAME_BYTES_MAX // len(frame))
            self._open[self._next_id] = tuple(rest[:count])
            if len(self._open) > UNANSWERED_MAX:
                del self._open[next(iter(self._open))]  # its connection is gone
            self._next_id += 1
            frames.append(frame)
            del rest[:count]
        return frames

    def take(self, payload: bytes) -> bool:
        """Take a frame if it is a reply of the control protocol; False when it is something else."""
        try:
            reply = _decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return False
        streams = self._open.pop(reply.id, ()) if isinstance(reply.id, int) else ()
        code = reply.error.code if reply.error else reply.code
        if code is not None:
            text = reply.error.msg if reply.error else reply.msg
            self.refusals.append(f"the venue refused request {reply.id} ({', '.join(streams)}): {code} {text}")
        return True
