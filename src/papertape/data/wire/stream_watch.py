"""Which streams of a connection have gone quiet, each judged by the rate it has had itself."""

from collections.abc import Iterable

GAP_TIMES = 20
"""A stream is stale after so many of its usual gaps: by chance that happens once in e**20, were arrivals independent."""
GAP_WEIGHT = 1 / 16
"""Weight of the newest gap in the usual one."""


class StreamWatch:
    """What is expected of each stream; it outlives the connections that carry them.

    A stream that has never come twice is expected nothing of: its symbol may not trade today.
    `floor_s` is the least that any stream may be quiet.
    """

    def __init__(self, floor_s: float) -> None:
        self._floor_s = floor_s
        self._last_s: dict[bytes, float] = {}
        self._gap_s: dict[bytes, float] = {}
        self._stale_since_s: dict[bytes, float] = {}

    @property
    def stale(self) -> tuple[bytes, ...]:
        """The streams that are stale now."""
        return tuple(self._stale_since_s)

    def begin(self, now_s: float) -> None:
        """A connection came up: every stream has the time from now on to come."""
        self._last_s = dict.fromkeys(self._last_s, now_s)
        self._stale_since_s.clear()

    def allowed_s(self, stream: bytes) -> float | None:
        """How long `stream` may be quiet; None while nothing is known of it."""
        gap_s = self._gap_s.get(stream)
        return None if gap_s is None else max(self._floor_s, GAP_TIMES * gap_s)

    def take(self, now_s: float, seen: Iterable[bytes]) -> None:
        """These streams have come since the last call."""
        for stream in seen:
            last_s = self._last_s.get(stream)
            self._last_s[stream] = now_s
            if last_s is None:
                continue
            self._stale_since_s.pop(stream, None)
            gap_s, known_s = now_s - last_s, self._gap_s.get(stream)
            self._gap_s[stream] = gap_s if known_s is None else known_s + (gap_s - known_s) * GAP_WEIGHT

    def forget(self, streams: Iterable[bytes]) -> None:
        """These streams are no longer asked for."""
        for stream in streams:
            for table in (self._last_s, self._gap_s, self._stale_since_s):
                table.pop(stream, None)

    def newly_stale(self, now_s: float) -> list[bytes]:
        """Streams that have become stale since the last call."""
        found = []
        for stream, gap_s in self._gap_s.items():
            if stream not in self._stale_since_s and now_s - self._last_s[stream] >= max(
                self._floor_s, GAP_TIMES * gap_s
            ):
                self._stale_since_s[stream] = now_s
                found.append(stream)
        return found

    def stale_too_long(self, now_s: float) -> list[bytes]:
        """Stale streams that asking for them again has not brought back, within as long as they may be quiet."""
        return [
            stream
            for stream, since_s in self._stale_since_s.items()
            if now_s - since_s >= max(self._floor_s, GAP_TIMES * self._gap_s[stream])
        ]
