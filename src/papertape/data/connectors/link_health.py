"""What a pool of connections tells of itself."""

from weakref import WeakKeyDictionary

import msgspec

from papertape.data.connectors.lane import Connection
from papertape.data.wire.endpoints import EndpointHealth


class ConnectionHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One connection. What is not known yet is None."""

    number: int
    endpoint: str
    route: str
    streams: int
    state: str
    age_s: float | None
    """Since the link came up; None while it is down."""
    silence_s: float | None
    """Since market data was last seen."""
    rtt_ms: float | None
    """Round trip of the latest ping that was answered."""
    messages: int
    messages_per_s: float
    """Since the snapshot before this one."""
    reconnects: int
    stale_streams: tuple[str, ...]


class HealthMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot of the whole pool."""

    connections: tuple[ConnectionHealth, ...] = ()
    endpoints: tuple[EndpointHealth, ...] = ()
    open: int = 0
    """Connections whose link is up."""
    messages: int = 0
    reconnects: int = 0
    rotations: int = 0
    """Connections replaced before they ended."""
    failovers: int = 0
    """Connections that came up on another server than the one before."""
    attempts: int = 0
    doubles_dropped: int = 0
    """Frames that an old connection and its successor both brought, and that were taken once."""
    waiting: int = 0
    waiting_bytes: int = 0
    dropped: int = 0
    conflated: int = 0
    clock_offset_ms: float | None = None
    """How far the venue's clock is ahead of ours."""

    def line(self) -> dict[str, object]:
        """The facts of one log line: sums, and the worst of what is told per connection."""
        links = self.connections
        return {
            "connections": {one.number: one.state for one in links},
            "messages_per_s": round(sum(one.messages_per_s for one in links), 1),
            "age_s": max((one.age_s for one in links if one.age_s is not None), default=None),
            "silence_s": max((one.silence_s for one in links if one.silence_s is not None), default=None),
            "rtt_ms": max((one.rtt_ms for one in links if one.rtt_ms is not None), default=None),
            "stale_streams": sum(len(one.stale_streams) for one in links),
            "reconnects": self.reconnects,
            "rotations": self.rotations,
            "failovers": self.failovers,
            "dropped": self.dropped,
            "waiting_bytes": self.waiting_bytes,
            "clock_offset_ms": self.clock_offset_ms,
        }


class ReconnectResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a reconnection: whether the link is up, where to, after how many tries and how long."""

    connected: bool
    endpoint: str
    tries: int
    waited_s: float


class QueueStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a message, and how full its queue is; `policy` is what the queue does when it is full."""

    accepted: bool
    policy: str
    waiting: int
    waiting_bytes: int
    limit_bytes: int
    dropped: int
    conflated: int


class Rates:
    """Messages per second of each connection, from one snapshot to the next."""

    def __init__(self) -> None:
        self._before: WeakKeyDictionary[Connection, tuple[float, int]] = WeakKeyDictionary()

    def rate(self, connection: Connection, now_s: float) -> float:
        """Messages per second since the last time this was asked."""
        since_s, frames = self._before.get(connection, (connection.machine.opened_s, 0))
        self._before[connection] = (now_s, connection.frames)
        return (connection.frames - frames) / (now_s - since_s) if now_s > since_s else 0.0


def health_of(connection: Connection, now_s: float, rates: Rates) -> ConnectionHealth:
    """The present health of one connection."""
    machine, link, lane = connection.machine, connection.link, connection.lane
    up = connection.is_open and link is not None
    return ConnectionHealth(
        number=connection.number,
        endpoint=connection.endpoint,
        route=lane.route,
        streams=len(lane.streams),
        state=machine.state.value,
        age_s=round(now_s - machine.opened_s, 3) if up else None,
        silence_s=round(now_s - machine.data_s, 3) if up else None,
        rtt_ms=None if link is None or link.round_trip_s is None else round(link.round_trip_s * 1e3, 3),
        messages=connection.frames,
        messages_per_s=round(rates.rate(connection, now_s), 1),
        reconnects=connection.reconnects,
        stale_streams=tuple(name.decode() for name in lane.watch.stale),
    )
