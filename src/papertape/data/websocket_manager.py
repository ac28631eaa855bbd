"""The pool of WebSocket connections: kept up, watched, replaced before they end, spread over streams and servers.

What a connection is and may become is decided in `data/wire` (`connection`, `stream_watch`, `endpoints`, `handover`),
which does no I/O; `connectors/link_pool` dials and watches; this is its front door, with the queue of messages and
the health. `docs/explanation/connections.md` says how it works.
"""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec

from papertape.data.connectors.dialect import Dialect, PlainDialect
from papertape.data.connectors.inbox import Inbox
from papertape.data.connectors.lane import Connection
from papertape.data.connectors.link_health import HealthMetrics, QueueStatus, Rates, ReconnectResult, health_of
from papertape.data.connectors.link_pool import LinkPool, Sink
from papertape.data.connectors.ports import Transport
from papertape.data.wire.buffers import BUDGET_BYTES, Budget, Policy
from papertape.data.wire.connection import Patience
from papertape.data.wire.endpoints import Endpoints
from papertape.data.wire.handover import stream_of

__all__ = ["Connection", "HealthMetrics", "QueueStatus", "ReconnectResult", "WebSocketManager"]

HEALTH_EVERY_S = 10.0
DEFAULT_PATIENCE = Patience()


class QueueLimits(NamedTuple):
    """What the queue of a manager without a sink may hold, and what it does when that is not enough."""

    policy: Policy = Policy.LOSSLESS
    budget_bytes: int = BUDGET_BYTES
    messages_max: int = 100_000


DEFAULT_QUEUE = QueueLimits()


def _tell_nobody(event: str, **facts: object) -> None:
    """The note of a manager that nobody listens to."""


class WebSocketManager:
    """Connections of one process to any number of servers; an async context, in which they live.

    `open_streams` keeps streams coming into `sink`; without a sink, messages wait in a queue within the limits of
    `queue` and are read with `next_message`. `note` is told what happens, for the log; `clock_offset_ns` is asked
    how far the venue's clock is ahead, for each snapshot.
    """

    def __init__(
        self,
        transport: Transport,
        sink: Sink | None = None,
        patience: Patience = DEFAULT_PATIENCE,
        note: Callable[..., None] = _tell_nobody,
        queue: QueueLimits = DEFAULT_QUEUE,
        clock_offset_ns: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._note = note
        self._budget = Budget(queue.budget_bytes)
        self._inbox = Inbox(
            queue.policy, self._budget, queue.messages_max, lambda: self._pool.pause(), lambda: self._pool.resume()
        )
        self._pool = LinkPool(transport, sink or _InboxSink(self._inbox), patience, note)
        self._rates = Rates()
        self._clock_offset_ns = clock_offset_ns
        self.last_health = HealthMetrics()
        """The latest snapshot; at the end, that of the last moment before the connections were closed."""

    async def __aenter__(self) -> Self:
        await self._pool.__aenter__()
        self._telling = self._pool.group.create_task(self._tell_health())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.monitor_connection_health()
        self._telling.cancel()
        await self._pool.__aexit__(kind, error, trace)

    @property
    def connected(self) -> bool:
        """Whether any connection ever came up."""
        return self._pool.connected

    @property
    def reconnects(self) -> int:
        """How many connections came up again after they were lost."""
        return self._pool.reconnects

    @property
    def connections(self) -> tuple[Connection, ...]:
        """Those that there are now."""
        return tuple(self._pool.connections)

    def open_streams(self, endpoints: Endpoints, dialect: Dialect, route: str, streams: Sequence[str]) -> None:
        """Keep `streams` coming from one of `endpoints`: over connections that have room, and as many more as it takes."""
        self._pool.open_streams(endpoints, dialect, route, streams)

    def close_streams(self, streams: Sequence[str]) -> None:
        """Have `streams` come no longer; a connection that carries nothing more is closed."""
        self._pool.close_streams(streams)

    def look(self) -> None:
        """Look at every connection now instead of within a quarter of a second, such as when one announced its end."""
        self._pool.look()

    async def establish_connection(self, endpoint: str) -> Connection:
        """Open one connection to the URL `endpoint` and keep it up, whatever comes over it.

        Raises ConnectFailed when it cannot be opened now.
        """
        return await self._pool.connect(Endpoints([endpoint]), PlainDialect())

    async def handle_reconnection(self, connection: Connection) -> ReconnectResult:
        """Have `connection` connect anew: its link is ended if it is up, and waited for until it is up again."""
        loop = asyncio.get_running_loop()
        since_s, attempts = loop.time(), self._pool.attempts
        if connection.is_open:
            connection.settled.clear()
            connection.end("to connect anew")
        await connection.settled.wait()
        return ReconnectResult(
            connected=connection.is_open,
            endpoint=connection.endpoint,
            tries=self._pool.attempts - attempts,
            waited_s=round(loop.time() - since_s, 3),
        )

    async def queue_message(self, message: dict[str, Any]) -> QueueStatus:
        """Put `message` into the queue as if it had come over a connection; a lossless queue that is full is waited for.

        The latest of each `stream`, or else symbol `s`, is what a conflating queue keeps.
        """
        key = str(message.get("stream") or message.get("s") or "")
        accepted = await self._inbox.put_when_room(key.encode(), msgspec.json.encode(message))
        counts = self._inbox.counts()
        return QueueStatus(
            accepted=accepted,
            policy=self._inbox.policy.value,
            waiting=counts.waiting,
            waiting_bytes=counts.waiting_bytes,
            limit_bytes=self._budget.limit_bytes,
            dropped=counts.dropped,
            conflated=counts.conflated,
        )

    async def next_message(self) -> bytes:
        """The next message of the queue; waits for one."""
        return await self._inbox.get()

    async def monitor_connection_health(self) -> HealthMetrics:
        """A snapshot of every connection and of the pool."""
        pool, counts, offset_ns = self._pool, self._inbox.counts(), self._clock_offset_ns()
        now_s = asyncio.get_running_loop().time()
        self.last_health = HealthMetrics(
            connections=tuple(health_of(one, now_s, self._rates) for one in pool.connections),
            endpoints=pool.servers(),
            open=sum(one.is_open for one in pool.connections),
            messages=pool.messages,
            reconnects=pool.reconnects,
            rotations=pool.rotations,
            failovers=pool.failovers,
            attempts=pool.attempts,
            doubles_dropped=pool.doubles_dropped,
            waiting=counts.waiting,
            waiting_bytes=counts.waiting_bytes,
            dropped=counts.dropped,
            conflated=counts.conflated,
            clock_offset_ms=None if offset_ns is None else round(offset_ns / 1e6, 3),
        )
        return self.last_health

    async def _tell_health(self) -> None:
        while True:
            await asyncio.sleep(HEALTH_EVERY_S)
            health = await self.monitor_connection_health()
            self._note("health", **health.line())


class _InboxSink:
    """The sink of a manager whose messages are read from its queue."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def frame(self, payload: bytes, is_last: bool) -> None:
        self._inbox.put(stream_of(payload), payload)

    def link_up(self, connection: int) -> None:
        """A reader of messages is told by the health."""

    def link_down(self, connection: int, streams: Sequence[str]) -> None:
        """The same."""
