"""A pool of connections at work: it dials, reconnects, replaces and watches, as their machines say."""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from papertape.core.errors import ConnectFailed
from papertape.data.connectors.backoff import chance
from papertape.data.connectors.dialect import Dialect
from papertape.data.connectors.lane import Connection, Lane
from papertape.data.connectors.ports import Link, OnFrame, Transport
from papertape.data.wire.connection import Event, Patience, State, backoff_s
from papertape.data.wire.endpoints import EndpointHealth, Endpoints
from papertape.data.wire.token_bucket import TokenBucket

TICK_S = 0.25
"""How often connections are looked at; `Patience.silence_s` is 1 s at least."""
LATE_S = 0.5
"""A look that comes so much too late is left out: what has arrived meanwhile must be read first, else it is missed."""
ATTEMPTS_MAX = 150
ATTEMPTS_PER_S = 300.0
"""Half of the 300 attempts in 5 minutes that Binance allows an address."""
ROTATION_JITTER = 0.02
"""A connection is replaced up to this share earlier than it could be, so that a pool is not replaced all at once."""
REFUSED_FOR_GOOD = (
    "every server refuses connections from this place (HTTP 451): give another one, such as with --ws-url"
)


class Sink(Protocol):
    """Takes what comes over the connections, in order, and is told of their ups and downs."""

    def frame(self, payload: bytes, is_last: bool) -> None:
        """One message; `is_last` of what was read at once."""

    def link_up(self, connection: int) -> None:
        """A connection came up."""

    def link_down(self, connection: int, streams: Sequence[str]) -> None:
        """A connection ended; `streams` have a gap here, none when another connection took over."""


class LinkPool:
    """Connections that live while the context does, as tasks of `group`.

    `attempts`, `reconnects`, `rotations` and `failovers` are counts so far.
    """

    def __init__(self, transport: Transport, sink: Sink, patience: Patience, note: Callable[..., None]) -> None:
        self._transport = transport
        self._sink = sink
        self._patience = patience
        self._note = note
        self._budget = TokenBucket(ATTEMPTS_MAX, ATTEMPTS_PER_S)
        self._lanes: list[Lane] = []
        self._numbers = 0
        self._messages_before = 0
        self._doubles_before = 0
        self._paused_s: float | None = None
        self.attempts = self.reconnects = self.rotations = self.failovers = 0
        self.connected = False
        """Whether any connection ever came up."""

    async def __aenter__(self) -> Self:
        self.group = asyncio.TaskGroup()
        await self.group.__aenter__()
        self._watching = self.group.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watching.cancel()
        for connection in self.connections:
            self._close(connection)
            if connection.task is not None:
                connection.task.cancel()
        await self.group.__aexit__(kind, error, trace)

    @property
    def connections(self) -> list[Connection]:
        """Those that there are now."""
        return [one for lane in self._lanes for one in lane.connections]

    @property
    def messages(self) -> int:
        """What has come over all connections, closed ones included."""
        return self._messages_before + sum(one.frames for one in self.connections)

    @property
    def doubles_dropped(self) -> int:
        """Messages that an old connection and its successor both brought, and that were taken once."""
        return self._doubles_before + sum(lane.doubles_dropped for lane in self._lanes)

    def servers(self) -> tuple[EndpointHealth, ...]:
        """The health of every server."""
        found = {one.url: one for lane in self._lanes for one in lane.endpoints.health(self._now_s())}
        return tuple(found.values())

    def open_streams(self, endpoints: Endpoints, dialect: Dialect, route: str, streams: Sequence[str]) -> None:
        """Keep `streams` coming from one of `endpoints`: over connections that have room, and as many more as it takes."""
        left = list(streams)
        for lane in self._lanes:
            if (lane.endpoints, lane.dialect, lane.route) == (endpoints, dialect, route):
                room = dialect.streams_max - len(lane.streams)
                more, left = left[:room], left[room:]
                lane.set_streams([*lane.streams, *more])
                self._ask(lane, dialect.subscribe(more))
        count = -(-len(left) // dialect.streams_max)
        for number in range(count):
            share = left[len(left) * number // count : len(left) * (number + 1) // count]
            lane = self._lane(endpoints, dialect, route, share)
            lane.current = connection = self._connection(lane)
            self._lanes.append(lane)
            connection.task = self.group.create_task(self._live(connection))

    def close_streams(self, streams: Sequence[str]) -> None:
        """Have `streams` come no longer; a connection that carries nothing more is closed."""
        ended = frozenset(streams)
        for lane in list(self._lanes):
            mine = [name for name in lane.streams if name in ended]
            if not mine:
                continue
            lane.set_streams([name for name in lane.streams if name not in ended])
            lane.watch.forget(name.encode() for name in mine)
            self._ask(lane, lane.dialect.unsubscribe(mine))
            if not lane.streams:
                self._lanes.remove(lane)
                self._doubles_before += lane.doubles_dropped
                ending, lane.successor = lane.connections, None
                for connection in ending:
                    self._close(connection)
                    if connection.link is None and connection.task is not None:
                        connection.task.cancel()  # it dials, or waits to

    async def connect(self, endpoints: Endpoints, dialect: Dialect) -> Connection:
        """Open one connection whose URL says everything, and keep it up. Raises ConnectFailed when it cannot be opened now."""
        lane = self._lane(endpoints, dialect, "", [])
        connection = self._connection(lane)
        link = await self._dial(connection)
        lane.current = connection
        self._lanes.append(lane)
        connection.task = self.group.create_task(self._live(connection, link))
        return connection

    def pause(self) -> None:
        """Read no more from any connection until `resume`; those that stay paused for too long end and come again."""
        self._paused_s = self._now_s()
        for connection in self.connections:
            if connection.link is not None:
                connection.link.pause()

    def resume(self) -> None:
        """Read on."""
        self._paused_s = None
        for connection in self.connections:
            if connection.link is not None:
                connection.link.resume()

    # One connection's life.

    def _lane(self, endpoints: Endpoints, dialect: Dialect, route: str, streams: Sequence[str]) -> Lane:
        share = 1 - ROTATION_JITTER * chance()
        patience = self._patience._replace(rotate_after_s=self._patience.rotate_after_s * share)
        return Lane(endpoints, dialect, route, streams, patience, self._sink.frame)

    def _connection(self, lane: Lane) -> Connection:
        self._numbers += 1
        return Connection(self._numbers - 1, lane)

    @staticmethod
    def _ask(lane: Lane, requests: Sequence[bytes]) -> None:
        """Ask on every connection that is up; those to come ask for all that the lane carries."""
        for connection in lane.connections:
            if connection.is_open:
                connection.ask(requests)

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()

    async def _live(self, connection: Connection, link: Link | None = None) -> None:
        """Keep `connection` up until it is closed: replaced, given up as a successor, or the manager ends."""
        while connection.state is not State.CLOSED:
            link = link or await self._try(connection)
            if link is not None:
                await self._hold(connection, link)
            link = None
            if connection is connection.lane.successor:
                self._give_up(connection.lane, "its successor failed")
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
        await asyncio.sleep(self._budget.take(now_s()))
        endpoint = lane.endpoints.choose(now_s()) or lane.endpoints.preferred
        self.attempts += 1
        machine.take(Event.CONNECT, now_s())
        try:
            link, asked = await self._open(lane, endpoint, connection.on_frame)
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
        if self._paused_s is not None:
            link.pause()
        # Streams may have been added and ended while it was dialled.
        connection.ask(lane.dialect.subscribe([name for name in lane.streams if name not in asked]))
        connection.ask(lane.dialect.unsubscribe([name for name in asked if name.encode() not in lane.names]))
        lane.watch.begin(now_s())
        self.connected = True
        connection.settled.set()
        self._sink.link_up(connection.number)
        return link

    async def _open(self, lane: Lane, endpoint: str, on_frame: OnFrame) -> tuple[Link, dict[str, None]]:
        """A link and the streams that its URL asks for; a server that does not know a path (404) is asked another one."""
        paths, count = lane.dialect.paths(lane.route, lane.streams)
        asked = dict.fromkeys(lane.streams[:count])
        for path in paths:
            url = endpoint + (path.removeprefix(lane.route) if endpoint.endswith(lane.route) else path)
            try:
                return await self._transport.connect(url, on_frame, lane.patience.silence_s), asked
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
        new.task = self.group.create_task(self._live(new))

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
            due_s = self._now_s() + TICK_S
            await asyncio.sleep(TICK_S)
            if self._now_s() - due_s < LATE_S:
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
        if self._paused_s is not None:
            if now_s - self._paused_s >= lane.patience.silence_s:
                connection.end("its messages were not read")
            return set()
        seen = connection.seen()
        if lane.dialect.farewell in seen:
            machine.expect_end()
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
        why = advice.rotate
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


def _drop(payload: bytes, is_last: bool) -> None:
    """What a closed connection still brings."""
