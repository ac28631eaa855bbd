"""From an old connection to its successor without a gap and without a double, stream by stream.

Both connections bring the same streams for a while. What the old one brings is taken; what the new one brings is
held until ids show that the two overlap: then what is held and has come already is dropped, and the rest is taken.
So ids stay in order, and no print, event or quote is taken twice. What a connection brings behind a later one, and
nobody has brought before, is no double: it is taken late, as it would be outside of an overlap. The wire machine behind could only mark doubles:
they would stand on the tape and count for every reader that does not look at verdicts, and a quote that comes late
would undo a newer one.
"""

import re
from collections import deque
from typing import NamedTuple

HELD_BYTES_MAX = 8 << 20
"""What is held of the new connection's frames at most; beyond it the handover fails, and is tried again later."""
SEEN_MAX = 512
"""Ids of a stream that are remembered; what is older than all of them counts as a double."""
STREAM_FROM = len(b'{"stream":"')
_ID_FIELDS = {b"trade": b"t", b"aggTrade": b"a", b"bookTicker": b"u", b"depth": b"u"}
_KIND = re.compile(rb"@([A-Za-z]+)")
_FIELD = {name: re.compile(rb'"%b":(\d+)' % name) for name in (b"t", b"a", b"u", b"U", b"E", b"lastUpdateId")}


def stream_of(frame: bytes) -> bytes:
    """The stream that a combined frame belongs to; something meaningless for any other text."""
    return frame[STREAM_FROM : frame.find(b'"', STREAM_FROM)]


def ids_of(frame: bytes) -> tuple[int, int] | None:
    """First and last id in a combined frame: of its print, or of its book update, else its event time.

    None for what has none, and for what belongs to no stream, such as an answer of the control protocol.
    """
    data_from = frame.find(b'"data":')
    kind = _KIND.search(stream_of(frame))
    if data_from < 0 or kind is None:
        return None
    name = _ID_FIELDS.get(kind[1], b"E")
    found = _FIELD[name].search(frame, data_from) or _FIELD[b"lastUpdateId"].search(frame, data_from)
    if found is None:
        return None
    first = _FIELD[b"U"].search(frame, data_from) if name == b"u" else None
    return int((first or found)[1]), int(found[1])


class _Held(NamedTuple):
    first: int
    last: int
    frame: bytes


class SeenIds:
    """The latest ids of one stream that were taken. One that is lower than all it can know of counts as seen."""

    def __init__(self) -> None:
        self._order: deque[int] = deque()
        self._ids: set[int] = set()
        self._known_from = -1

    def add(self, ident: int) -> bool:
        """Take note of an id; whether it is new."""
        if ident < self._known_from or ident in self._ids:
            return False
        if not self._order:
            self._known_from = ident
        self._order.append(ident)
        self._ids.add(ident)
        if len(self._order) > SEEN_MAX:
            forgotten = self._order.popleft()
            self._ids.discard(forgotten)
            self._known_from = max(self._known_from, forgotten + 1)
        return True


class Handover:
    """Where each stream stands. `take_old` and `take_new` return the frames to take now, in order.

    Once a stream's overlap shows, each id is taken from whichever connection brings it first: both go on without a
    gap from there, so what comes first is always the next one, and the loss of either costs nothing.
    """

    def __init__(self) -> None:
        self._last: dict[bytes, int] = {}
        self._seen: dict[bytes, SeenIds] = {}
        self._joined: set[bytes] = set()
        self._held: dict[bytes, list[_Held]] = {}
        self._owed: set[bytes] | None = None
        self._finished = False
        self.held_bytes = 0
        self.dropped = 0
        """Frames that came twice and were taken once."""

    @property
    def overflowed(self) -> bool:
        """Whether more is held than may be."""
        return self.held_bytes > HELD_BYTES_MAX

    @property
    def owed(self) -> frozenset[bytes]:
        """Streams that the new connection owes: the old one has brought them since `expect_all`, the new one never."""
        return frozenset(self._owed or ())

    def expect_all(self) -> None:
        """The new connection has subscribed to all, some time ago: from now on it brings what the old one brings."""
        if self._owed is None:
            self._owed = set()

    def take_old(self, frame: bytes) -> list[bytes]:
        """A frame of the old connection."""
        ids = ids_of(frame)
        if ids is None:
            return [frame]
        stream = stream_of(frame)
        if stream in self._joined or self._finished:
            return self._first_only(stream, ids[1], frame)
        if self._owed is not None and stream not in self._held:
            self._owed.add(stream)
        self._is_new(stream, ids[1])
        return [frame, *self._join(stream)]

    def take_new(self, frame: bytes) -> list[bytes]:
        """A frame of the new connection."""
        ids = ids_of(frame)
        if ids is None:
            return [frame]
        stream = stream_of(frame)
        if stream in self._joined or self._finished:
            return self._first_only(stream, ids[1], frame)
        if self._owed is not None:
            self._owed.discard(stream)
        self._held.setdefault(stream, []).append(_Held(*ids, frame))
        self.held_bytes += len(frame)
        return self._join(stream)

    def finish(self) -> list[bytes]:
        """The old connection is of no more use: what is held of the new one is taken. Doubles are dropped as before."""
        self._finished = True
        return [frame for stream in list(self._held) for frame in self._release(stream)]

    def abandon(self) -> None:
        """The new connection is of no more use: what is held of it is forgotten. Doubles are dropped as before."""
        self._finished = True
        self._held.clear()
        self.held_bytes = 0

    def _join(self, stream: bytes) -> list[bytes]:
        """What is held of `stream`, once the old connection has come as far as where the new one began."""
        held, last = self._held.get(stream), self._last.get(stream)
        if not held or last is None or held[0].first > last + 1:
            return []
        self._joined.add(stream)
        return self._release(stream)

    def _release(self, stream: bytes) -> list[bytes]:
        held = self._held.pop(stream)
        self.held_bytes -= sum(len(one.frame) for one in held)
        return [frame for one in held for frame in self._first_only(stream, one.last, one.frame)]

    def _first_only(self, stream: bytes, last: int, frame: bytes) -> list[bytes]:
        if not self._is_new(stream, last):
            self.dropped += 1
            return []
        return [frame]

    def _is_new(self, stream: bytes, last: int) -> bool:
        self._last[stream] = max(last, self._last.get(stream, -1))
        seen = self._seen.get(stream)
        if seen is None:
            seen = self._seen[stream] = SeenIds()
        return seen.add(last)
