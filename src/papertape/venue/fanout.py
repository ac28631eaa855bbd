"""From a frame of the reel to the clients that subscribed to it, in batches."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

import msgspec
from aiohttp.abc import AbstractStreamWriter

from papertape.venue.connection import ControlSession
from papertape.venue.derived import Derived
from papertape.venue.faults.tamper import Bent, Tamper
from papertape.venue.frames import in_microseconds, text_frame, wrapped
from papertape.venue.lines import Line
from papertape.venue.market import Market
from papertape.venue.rules import Category, VenueRules, delivers, is_diff_depth, partial_levels, symbol_of

BUFFER_BYTES_MAX = 1 << 18
"""Bytes a transport may hold before the market waits for its client."""
BUFFER_BYTES_LOW = 1 << 16
"""Bytes at which the market goes on."""
HELD_FRAMES_MAX = 100_000
"""Frames of a client that a fault may hold back; beyond it the oldest leaves early."""


class Client(msgspec.Struct, eq=False):
    """A connected client as the fan-out sees it."""

    control: ControlSession
    category: Category
    transport: asyncio.Transport
    writer: AbstractStreamWriter
    number: int = 0
    """Which connection of the box it is, from 1."""
    microseconds: bool = False
    """Whether it asked for times in microseconds."""
    out: list[bytes] = []
    """Frames of the batch in the making."""
    bent: Bent = msgspec.field(default_factory=Bent)
    held: deque[tuple[float, bytes]] = msgspec.field(default_factory=deque)
    """Frames that a fault delays: when each leaves, and the frame."""
    silent: bool = False
    """Half open: nothing goes out any more."""
    deaf: bool = False
    """Neither pings nor pongs go out, and none is taken."""


class _Route(msgspec.Struct):
    """One form of a stream that somebody wants: its name, wrapped or bare, whole or the best `levels`."""

    stream: str
    combined: bool
    levels: int
    microseconds: bool
    clients: list[Client] = []


class Fanout:
    """Who gets what.

    Frames are written straight to the transports, a batch at a time, and only between two
    awaits: a coroutine for each message would be the bottleneck.
    """

    def __init__(self, market: Market, rules: VenueRules, tamper: Tamper, derived: Derived) -> None:
        self.clients: dict[Client, None] = {}
        self.subscribed = asyncio.Event()
        """Set while anybody is subscribed to anything."""
        self.changes = 0
        """Counts changes of subscriptions."""
        self._market = market
        self._rules = rules
        self._tamper = tamper
        self._derived = derived
        self._derived_streams: list[str] = []
        self._routes: dict[str, list[_Route]] = {}

    def add(self, client: Client) -> None:
        """A client has come."""
        self.clients[client] = None
        self.refresh()

    def remove(self, client: Client) -> None:
        """A client has gone, or must get nothing more."""
        if client in self.clients:
            del self.clients[client]
            self.refresh()

    def refresh(self) -> None:
        """Rebuild the routes after any change of subscriptions."""
        routes: dict[tuple[str, str, bool, int, bool], _Route] = {}
        for client in self.clients:
            for stream in client.control.streams:
                source, levels = self._source(client.category, stream)
                if source:
                    key = (source, stream, client.control.combined, levels, client.microseconds)
                    routes.setdefault(key, _Route(*key[1:])).clients.append(client)
        self._routes = {}
        for (source, *_), route in routes.items():
            self._routes.setdefault(source, []).append(route)
        self._derived_streams = [stream for stream in self._routes if stream not in self._market.facts.streams]
        self.changes += 1
        if any(client.control.streams for client in self.clients):
            self.subscribed.set()
        else:
            self.subscribed.clear()

    def spread(self, line: Line, data: bytes) -> None:
        """Append the frame just played to the batch of each client that wants it."""
        for route in self._routes.get(line.stream, ()):
            payload = self._market.partial_depth(symbol_of(route.stream), route.levels) if route.levels else data
            if not payload:
                continue
            if route.microseconds:
                payload = in_microseconds(payload)
            if route.combined:
                payload = wrapped(route.stream, payload)
            frame = text_frame(payload)
            for client in route.clients:
                if self._tamper.active or client.bent.late or client.held:
                    self._bend(client, symbol_of(route.stream), payload)
                else:
                    client.out.append(frame)

    def derive(self, now_ms: int) -> None:
        """What is told of prints and books by the time that is now, to those who want it."""
        for stream, payload in self._derived.due(now_ms, self._derived_streams):
            self.spread(Line(stream=stream), payload)

    def _bend(self, client: Client, symbol: str, payload: bytes) -> None:
        loop = asyncio.get_running_loop()
        for delay_ms, frame in self._tamper.bend(client.bent, client.number, symbol, payload):
            if not delay_ms and not client.held:
                client.out.append(frame)
                continue
            # TCP keeps the order: what comes after a frame that waits waits for it.
            due_s = loop.time() + delay_ms / 1000
            if client.held:
                due_s = max(due_s, client.held[-1][0])
            else:
                loop.call_at(due_s, self._release, client)
            client.held.append((due_s, frame))
            if len(client.held) > HELD_FRAMES_MAX:
                client.out.append(client.held.popleft()[1])

    def _release(self, client: Client) -> None:
        """Send the delayed frames that are due."""
        loop = asyncio.get_running_loop()
        while client.held and client.held[0][0] <= loop.time():
            client.out.append(client.held.popleft()[1])
        if client in self.clients:
            self.flush()
        if client.held:
            loop.call_at(client.held[0][0], self._release, client)

    def flush(self) -> list[Client]:
        """Write all batches; returns the clients whose buffers are full."""
        full = []
        for client in list(self.clients):
            if client.transport.is_closing():
                self.remove(client)
            elif client.silent:
                client.out.clear()
            elif client.out:
                client.transport.write(b"".join(client.out))
                client.out.clear()
                if client.transport.get_write_buffer_size() > BUFFER_BYTES_MAX:
                    full.append(client)
        return full

    def _source(self, category: Category, stream: str) -> tuple[str, int]:
        """The reel's stream that feeds a requested one, and the levels to cut it to (0: as it is)."""
        facts = self._market.facts
        if len(self._rules.categories) > 1 and not delivers(category, stream):
            return "", 0
        if stream in facts.streams:
            return stream, 0
        levels = partial_levels(stream)
        # As on the venue, a symbol in capitals is subscribed to and stays silent.
        if stream == stream.lower() and (levels or is_diff_depth(stream)):
            return facts.diff_streams.get(symbol_of(stream), ""), levels
        return (stream, 0) if self._derived.knows(stream) else ("", 0)


async def drained(clients: Sequence[Client], stall_max_s: float) -> list[Client]:
    """Wait until the clients' buffers have room again; returns those that took too long. A lost client has room."""
    try:
        async with asyncio.timeout(stall_max_s):
            for client in clients:
                with suppress(ConnectionError):
                    await client.writer.drain()
    except TimeoutError:
        return [client for client in clients if client.transport.get_write_buffer_size() > BUFFER_BYTES_LOW]
    return []
