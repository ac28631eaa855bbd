"""What happened at the box so far, so that the server itself can say whether a client kept the venue's rules."""

from collections import deque
from typing import Any

import msgspec

CONNECTIONS_KEPT_MAX = 10_000
MINUTES_KEPT_MAX = 1_500


class ConnectionLog(msgspec.Struct):
    """One WebSocket connection; times are seconds of a steady clock."""

    number: int
    path: str
    opened_s: float
    closed_s: float | None = None
    close_code: int | None = None
    """Of the close frame that the box sent; None when it sent none."""
    messages: int = 0
    """Frames of the client: control requests, pings and pongs."""
    messages_per_s: int = 0
    """The most within one second."""
    pings: int = 0
    pongs: int = 0
    violations: int = 0
    """Times that the limit of messages was exceeded."""


class MinuteLog(msgspec.Struct):
    """REST in one fixed minute, of all addresses."""

    minute: int
    """Minutes since 1970."""
    requests: int = 0
    weight: int = 0
    over_limit: int = 0
    """Requests beyond the limit, or while banned."""


class VenueLog:
    """Counts, bounded in size: the oldest connections and minutes are forgotten, the sums stay."""

    def __init__(self) -> None:
        self.connections = deque[ConnectionLog](maxlen=CONNECTIONS_KEPT_MAX)
        self.minutes = deque[MinuteLog](maxlen=MINUTES_KEPT_MAX)
        self.attempts = 0
        self.refused: dict[str, int] = {}
        """Handshakes that were refused, by HTTP status."""
        self.statuses: dict[str, int] = {}
        """REST answers, by HTTP status."""
        self.rate_violations = {"messages": 0, "weight": 0, "attempts": 0, "bans": 0}

    def opened(self, path: str, now_s: float) -> ConnectionLog:
        """A connection came to be."""
        number = self.connections[-1].number + 1 if self.connections else 1
        self.connections.append(ConnectionLog(number, path, now_s))
        return self.connections[-1]

    def minute(self, minute: int) -> MinuteLog:
        """The count of this minute."""
        if not self.minutes or self.minutes[-1].minute != minute:
            self.minutes.append(MinuteLog(minute))
        return self.minutes[-1]

    def count(self, counts: dict[str, int], key: str) -> None:
        """One more of a kind."""
        counts[key] = counts.get(key, 0) + 1

    def told(self) -> dict[str, Any]:
        """How the control endpoint shows it."""
        return {
            "opened": self.connections[-1].number if self.connections else 0,
            "connections": [msgspec.to_builtins(one) for one in self.connections],
            "attempts": self.attempts,
            "refused": self.refused,
            "rest": {"statuses": self.statuses, "minutes": [msgspec.to_builtins(one) for one in self.minutes]},
            "rate_violations": self.rate_violations,
        }
