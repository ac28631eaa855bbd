"""The pool of WebSocket connections: kept up, watched, replaced before they end, spread over streams and servers.

What a connection is and may become is decided in `data/wire` (`connection`, `stream_watch`, `endpoints`, `handover`),
which does no I/O; this file dials, sleeps, draws and tells. `docs/explanation/connections.md` says how it works.
"""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

import msgspec

from papertape.core.errors import ConnectFailed
from papertape.data.connectors.backoff import chance
from papertape.data.connectors.dialect import Dialect, PlainDialect
from papertape.data.connectors.inbox import Inbox
from papertape.data.connectors.lane import Connection, Lane
from papertape.data.connectors.link_health import HealthMetrics, QueueStatus, Rates, ReconnectResult, health_of
from papertape.data.connectors.ports import Link, OnFrame, Transport
from papertape.data.wire.buffers import BUDGET_BYTES, Budget, Policy
from papertape.data.wire.connection import Event, Patience, State, backoff_s
from papertape.data.wire.endpoints import Endpoints
from papertape.data.wire.handover import stream_of
from papertape.data.wire.token_bucket import TokenBucket

__all__ = ["Connection", "HealthMetrics", "QueueStatus", "ReconnectResult", "WebSocketManager"]

TICK_S = 0.25
"""How often connections are looked at; `Patience.silence_s` is 1 s at least."""
HEALTH_EVERY_S = 10.0
ATTEMPTS_MAX = 150
ATTEMPTS_PER_S = 300.0
"""Half of the 300 attempts in 5 minutes that Binance allows an address."""
ROTATION_JITTER = 0.02
"""A connection is replaced up to this share earlier than it could be, so that a pool is not replaced all at once."""
DEFAULT_PATIENCE = Patience()
REFUSED_FOR_GOOD = (
    "every server refuses connections from this place (HTTP 451): give another one, such as with --ws-url"
)


class QueueLimits(NamedTuple):
    """What the queue of a manager without a sink may hold, and what it does when that is not enough."""

    policy: Policy = Policy.LOSSLESS
    budget_bytes: int = BUDGET_BYTES
    messages_max: int = 100_000


DEFAULT_QUEUE = QueueLimits()


class Sink(Protocol):
    """Takes what comes over the connections, in order, and is told of their ups and downs."""

    def frame(self, payload: bytes, is_last: bool) -> None:
        """One message; `is_last` of what was read at once."""

    def link_up(self, connection: int) -> None:
        """A connection came up."""

    def link_down(self, connection: int, streams: Sequence[str]) -> None:
        """A connection ended; `streams` have a gap here, none when another connection took over."""


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
        self._transport = transport
        self._patience = patience
        self._note = note
        self._budget = Budget(queue.budget_bytes)
        self._inbox = Inbox(queue.policy, self._budget, queue.messages_max, self._pause, self._resume)
        self._sink: Sink = sink or _InboxSink(self._inbox)
        self._attempts = TokenBucket(ATTEMPTS_MAX, ATTEMPTS_PER_S)
        self._rates = Rates()
        self._lanes: list[Lane] = []
        self._numbers = 0
        self._clock_offset_ns = clock_offset_ns
        self._messages_before = 0
        self.attempts = self.reconnects = self.rotations = self.failovers = 0
        self.connected = False
        """Whether any connection ever came up."""
        self.last_health: HealthMetrics | None = None
        """The latest snapshot; at the end, that of the last moment before the connections were closed."""

    async def __aenter__(self) -> Self:
        self._group = asyncio.TaskGroup()
        await self._group.__aenter__()
        self._watching = [
            self._group.create_task(self._watch()),
            self._group.create_task(self._tell_health()),
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.monitor_connection_health()
        for task in self._watching:
            task.cancel()
        for connection in self._connections():
            self._close(connection)
            if connection.task is not None:
                connection.task.cancel()
        await self._group.__aexit__(kind, error, trace)

    def open_streams(
        self, endpoints: Endpoints, dialect: Dialect, route: str, streams: Sequence[str]
    ) -> list[Connection]:
        """Keep `streams` coming from one of `endpoints`, over as many connections as the venue's limit asks for."""
        count = -(-len(streams) // dialect.streams_max)
        share = -(-len(streams) // count)
        made = []
        for first in range(0, len(streams), share):
            lane = Lane(endpoints, dialect, route, streams[first : first + share], self._jittered(), self._sink.frame)
            made.append(self._add(lane))
        return made

    async def establish_connection(self, endpoint: str) -> Connection:
        """Open one connection to the URL `endpoint` and keep it up, whatever comes over it.

        Raises ConnectFailed when it cannot be opened now.
        """
        lane = Lane(Endpoints([endpoint]), PlainDialect(), "", [], self._jittered(), self._sink.frame)
        connection = self._connection(lane)
        link = await self._dial(connection)
        lane.current = connection
        self._lanes.append(lane)
        connection.task = self._group.create_task(self._live(connection, link))
        return connection

    async def handle_reconnection(self, connection: Connection) -> ReconnectResult:
        """Have `connection` connect anew: its link is ended if it is up, and waited for until it is up again."""
        loop = asyncio.get_running_loop()
        since_s, attempts = loop.time(), self.attempts
        if connection.is_open:
            connection.settled.clear()
            connection.end("to connect anew")
        await connection.settled.wait()
        return ReconnectResult(
            connected=connection.is_open,
            endpoint=connection.endpoint,
            tries=self.attempts - attempts,
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
        now_s = self._now_s()
        connections = self._connections()
        counts = self._inbox.counts()
        servers = {health.url: health for lane in self._lanes for health in lane.endpoints.health(now_s)}
        told = tuple(health_of(one, now_s, self._rates) for one in connections)
        offset_ns = self._clock_offset_ns()
        self.last_health = HealthMetrics(
            connections=told,
            endpoints=tuple(servers.values()),
            open=sum(one.is_open for one in connections),
            messages=self._messages_before + sum(one.frames for one in connections),
            reconnects=self.reconnects,
            rotations=self.rotations,
            failovers=self.failovers,
            attempts=self.attempts,
            doubles_dropped=sum(
                lane.doubles_dropped + (lane.handover.dropped if lane.handover else 0) for lane in self._lanes
            ),
            waiting=counts.waiting,
            waiting_bytes=counts.waiting_bytes,
            dropped=counts.dropped,
            conflated=counts.conflated,
            clock_offset_ms=None if offset_ns is None else round(offset_ns / 1e6, 3),
        )
        return self.last_health

    # One connection's life.

    def _add(self, lane: Lane) -> Connection:
        lane.current = connection = self._connection(lane)
        self._lanes.append(lane)
        connection.task = self._group.create_task(self._live(connection))
        return connection

    def _connection(self, lane: Lane) -> Connection:
        self._numbers += 1
        return Connection(self._numbers - 1, lane)

    def _jittered(self) -> Patience:
        patience = self._patience
        share = 1 - ROTATION_JITTER * chance()
        return patience._replace(rotate_after_s=patience.rotate_after_s * share)

    async def _live(self, connection: Connection, link: Link | None = None) -> None:
        """Keep `connection` up until it is closed: replaced, given up as a successor, or the manager ends."""
        while connection.state is not State.CLOSED:
            link = link or await self._try(connection)
            if link is not None:
                await self._hold(connection, link)
            link = None
            if connection is connection.lane.successor:
                self._give_up(connection.lane, "its successor failed")
        self._rates.forget(connection)
        self._messages_before += connection.frames
        connection.settled.set()

    async def _try(self, connection: Connection) -> Link | None:
        """Wait as the backoff says, then dial once."""
        if connection.state is State.BACKING_OFF:
            await asyncio.sleep(backoff_s(connection.machine.tries - 1, chance()))
        try:
            return await self._dial(connection)
        except ConnectFailed as error:
            self._note("not connected", connection=connection.number, error=str(error))
            if connection.lane.endpoints.choose(self._now_s()) is None:
                raise ConnectFailed(f"{REFUSED_FOR_GOOD}; the last one said: {error}", error.status) from error
        return None

    async def _dial(self, connection: Connection) -> Link:
        """Open a link to the healthiest server. Raises ConnectFailed."""
        lane, machine, now_s = connection.lane, connection.machine, self._now_s
        await asyncio.sleep(self._attempts.take(now_s()))
        endpoint = lane.endpoints.choose(now_s()) or lane.endpoints.preferred
        self.attempts += 1
        machine.take(Event.CONNECT, now_s())
        try:
            link, count = await self._open(lane, endpoint, connection.on_frame)
        except ConnectFailed as error:
            machine.take(Event.FAILED, now_s())
            lane.endpoints.failed(endpoint, now_s(), error.status)
            raise
        machine.take(Event.OPENED, now_s())
        self.failovers += endpoint != connection.endpoint
        connection.endpoint, connection.link = endpoint, link
        if lane.is_down:
            lane.is_down = False
            connection.reconnects += 1
            self.reconnects += 1
        if self._inbox.full_since_s is not None:
            link.pause()
        connection.ask(lane.dialect.subscribe(lane.streams[count:]))
        lane.watch.begin(now_s())
        self.connected = True
        connection.settled.set()
        self._sink.link_up(connection.number)
        return link

    async def _open(self, lane: Lane, endpoint: str, on_frame: OnFrame) -> tuple[Link, int]:
        """A link and how many streams its URL asks for; a server that does not know a path (404) is asked another one."""
        paths, count = lane.dialect.paths(lane.route, lane.streams)
        for path in paths:
            url = endpoint + (path.removeprefix(lane.route) if endpoint.endswith(lane.route) else path)
            try:
                return await self._transport.connect(url, on_frame, lane.patience.silence_s), count
            except ConnectFailed as error:
                if error.status != 404 or path is paths[-1]:
                    raise
        raise ConnectFailed(f"expected a path to connect to at {endpoint}, was none")

    async def _hold(self, connection: Connection, link: Link) -> None:
        """Until the link ends, which is told."""
        try:
            async with asyncio.TaskGroup() as group:
                asking = group.create_task(connection.send_requests(link, connection.lane.dialect.requests_per_s))
                why = await link.wait_closed()
                asking.cancel()
        finally:
            link.close()
            connection.forget_requests()
        self._ended(connection, connection.why or why)
        connection.why = ""

    def _ended(self, connection: Connection, why: str) -> None:
        lane, now_s = connection.lane, self._now_s()
        connection.link = None
        if connection.state is State.CLOSED:
            self._sink.link_down(connection.number, ())
            return
        self._note("connection ended", connection=connection.number, endpoint=connection.endpoint, why=why)
        rotating = connection.state is State.ROTATING
        connection.machine.take(Event.LOST, now_s)
        lane.endpoints.failed(connection.endpoint, now_s)
        if connection is lane.successor:
            self._sink.link_down(connection.number, ())
        elif rotating and lane.successor is not None and lane.successor.is_open:
            lane.take_over(now_s)
            self._sink.link_down(connection.number, ())
        else:
            lane.is_down = True
            connection.settled.clear()
            self._sink.link_down(connection.number, lane.streams)
            if rotating:
                lane.take_over(now_s)

    # Replacing a connection by another one.

    def _rotate(self, lane: Lane, why: str) -> None:
        """Open a successor to the lane's connection; both run until the successor has taken over.

        Without named streams nothing is known of ids to overlap by: then the connection ends and comes again.
        """
        old = lane.current
        if old is None or lane.successor is not None or not old.is_open:
            return
        if not lane.names:
            old.end(why)
            return
        self._note("connection is being replaced", connection=old.number, endpoint=old.endpoint, why=why)
        new = self._connection(lane)
        new.endpoint = old.endpoint
        lane.begin_overlap(new, self._now_s())
        new.task = self._group.create_task(self._live(new))

    def _give_up(self, lane: Lane, why: str) -> None:
        """The successor is no good: the old connection goes on as before."""
        new, old = lane.successor, lane.current
        if new is not None and old is not None:
            self._note("connection is kept", connection=old.number, why=why)
            lane.keep(self._now_s())
            self._close(new)

    def _close(self, connection: Connection) -> None:
        if connection.state is not State.CLOSED:
            connection.machine.take(Event.CLOSE, self._now_s())
        connection.deliver = _drop
        connection.end("no longer needed")

    # Watching.

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.look()

    def look(self) -> None:
        """Look at every connection now: what is silent, lost, old, stale, or has announced its end."""
        now_s = self._now_s()
        for lane in self._lanes:
            seen: set[bytes] = set()
            for connection in lane.connections:
                seen |= self._look_at(connection, now_s)
            lane.watch.take(now_s, seen)
            self._look_at_streams(lane, now_s)
            self._look_at_overlap(lane, now_s)

    def _look_at(self, connection: Connection, now_s: float) -> set[bytes]:
        lane, link, machine = connection.lane, connection.link, connection.machine
        if link is None:
            return set()
        if self._inbox.full_since_s is not None:
            if now_s - self._inbox.full_since_s >= lane.patience.silence_s:
                connection.end("its messages were not read")
            return set()
        seen = connection.seen()
        farewell = bool(lane.dialect.farewell) and lane.dialect.farewell in seen
        if lane.names:
            seen &= lane.names
        connection.data_ticks += bool(seen)
        advice = machine.watch(now_s, connection.data_ticks, connection.frames + link.pongs)
        if advice.end:
            connection.end(advice.end)
            return seen
        if advice.ping:
            link.ping()
        if machine.state is State.HEALTHY and machine.tries == 0:
            lane.endpoints.succeeded(connection.endpoint, now_s)
        why = "the server announced its end" if farewell else advice.rotate
        if not why and machine.state is State.HEALTHY:
            better = lane.endpoints.better_than(connection.endpoint, now_s)
            why = f"to return to {better}" if better else ""
        if why and connection is lane.current:
            self._rotate(lane, why)
        return seen

    def _look_at_streams(self, lane: Lane, now_s: float) -> None:
        current = lane.current
        if current is None or current.state is not State.HEALTHY or not lane.names:
            return
        if stale := [name.decode() for name in lane.watch.newly_stale(now_s)]:
            self._note("streams are stale and asked for again", connection=current.number, streams=stale)
            current.ask(lane.dialect.subscribe(stale))
        if lost := lane.watch.stale_too_long(now_s):
            lane.watch.forget(lost)  # once a replacement was tried, nothing is expected of them until they come again
            self._rotate(lane, f"{len(lost)} streams stay stale, such as {lost[0].decode()}")

    def _look_at_overlap(self, lane: Lane, now_s: float) -> None:
        lane.end_filter(now_s)
        new, old, verdict = lane.successor, lane.current, lane.overlap_verdict(now_s)
        if verdict is None or new is None or old is None:
            return
        if verdict:
            self._give_up(lane, verdict)
            return
        old.machine.take(Event.REPLACED, now_s)
        lane.take_over(now_s)
        self.rotations += 1
        self._note("connection replaced", connection=old.number, by=new.number, endpoint=new.endpoint)
        self._close(old)

    async def _tell_health(self) -> None:
        while True:
            await asyncio.sleep(HEALTH_EVERY_S)
            health = await self.monitor_connection_health()
            self._note("health", **msgspec.to_builtins(health))

    # The queue of a manager without a sink.

    def _connections(self) -> list[Connection]:
        return [one for lane in self._lanes for one in lane.connections]

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()

    def _pause(self) -> None:
        for connection in self._connections():
            if connection.link is not None:
                connection.link.pause()

    def _resume(self) -> None:
        for connection in self._connections():
            if connection.link is not None:
                connection.link.resume()


def _drop(payload: bytes, is_last: bool) -> None:
    """What a closed connection still brings."""


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
