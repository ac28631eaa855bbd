"""Carries out the faults that are not of single frames: connections, handshakes, REST answers, the venue's clock."""

import asyncio
import math
import time
from collections.abc import Callable, Iterable

import msgspec
from aiohttp import WSCloseCode

from papertape.venue.bans import BAN_MAX_S
from papertape.venue.clock import ReelClock
from papertape.venue.fanout import Client
from papertape.venue.faults.schema import (
    AnyFault,
    Ban,
    ClockJump,
    Drop,
    GiantFrame,
    HalfOpen,
    Maintenance,
    PingTimeout,
    RateLimit,
    Restricted,
    Rotation,
    ServerError,
    ServerShutdown,
    SlowReader,
    StaleSnapshot,
    Timeout,
)
from papertape.venue.faults.tamper import Tamper
from papertape.venue.faults.timeline import Planned, Timeline
from papertape.venue.frames import text_frame, wrapped
from papertape.venue.market import Market
from papertape.venue.parameters import RestError
from papertape.venue.sockets import SocketDesk

ROTATED = b"24 hours are over"


class Breaker:
    """Lets the faults of a timeline happen when the market's time comes to them."""

    def __init__(
        self,
        timeline: Timeline,
        tamper: Tamper,
        sockets: SocketDesk,
        market: Market,
        clock: ReelClock,
    ) -> None:
        self.changed = asyncio.Event()
        """Set when faults were added."""
        self._timeline = timeline
        self._tamper = tamper
        self._sockets = sockets
        self._market = market
        self._clock = clock
        self._hit: dict[int, list[Client]] = {}

    @property
    def next_ns(self) -> int | None:
        """When the next fault begins or ends, in ns since the opening."""
        return self._timeline.next_ns

    def add(self, faults: Iterable[AnyFault], now_ns: int) -> list[Planned]:
        """Take more faults, and let those of this moment happen. Raises InputError for too many."""
        taken = self._timeline.add(faults, now_ns)
        self.changed.set()
        self.pass_to(now_ns)
        return taken

    def pass_to(self, now_ns: int) -> None:
        """The market's time is now this: what was to happen until then happens."""
        if self.next_ns is None or self.next_ns > now_ns:
            return
        # What was sent before stays before.
        self._sockets.flush()
        steps = self._timeline.advance(now_ns)
        for planned, begins in steps:
            if begins:
                self._begin(planned)
            else:
                self._end(planned)
        self._tamper.refresh()

    def greet(self, client: Client) -> None:
        """A new connection meets the faults that are on."""
        for planned, _ in self._timeline.on(HalfOpen, connection=client.number):
            self._silence(planned, client)

    def read_pause_s(self, client: Client) -> float:
        """How long the box takes before it reads the next frame of a client."""
        fault = self._timeline.strike(SlowReader, connection=client.number)
        return fault.delay_ms / 1000 if fault else 0.0

    def jump_ms(self) -> int:
        """By how much the venue's clock is off."""
        return sum(fault.jump_ms for _, fault in self._timeline.on(ClockJump))

    def refuse_all(self) -> None:
        """Raises RestError for what refuses requests and handshakes alike."""
        if self._timeline.strike(Maintenance):
            raise RestError(-1016, "This service is no longer available: system maintenance.", 503)
        if self._timeline.strike(Restricted):
            raise RestError(0, "Service unavailable from a restricted location according to 'b. Eligibility'.", 451)
        if self._timeline.strike(Ban):
            planned, _ = self._timeline.on(Ban)[0]
            end_ns = planned.end_ns if planned.end_ns is not None else planned.begin_ns + BAN_MAX_S * 10**9
            raise banned(max(0, end_ns - self._clock.since_opening_ns(_now_s())) / 1e9)

    async def refuse_rest(self, route: str) -> None:
        """Raises RestError for what the faults do to a REST request, maybe after a while."""
        self.refuse_all()
        if limited := self._timeline.strike(RateLimit, route=route):
            raise RestError(-1003, "Too many requests; please use the websocket.", 429, limited.retry_after_s)
        if failed := self._timeline.strike(ServerError, route=route):
            raise RestError(-1000, "An unknown error occurred while processing the request.", failed.status)
        if late := self._timeline.strike(Timeout, route=route):
            await asyncio.sleep(late.wait_ms / 1000)
            raise RestError(-1007, "Timeout waiting for response from backend server.", 504)

    def stale(self, symbol: str) -> bool:
        """Whether `depth` of this symbol must be an old one; counted as a hit."""
        return self._timeline.strike(StaleSnapshot, symbol=symbol) is not None

    def _begin(self, planned: Planned) -> None:
        match planned.fault:
            case Drop(how=how, code=code, reason=reason):
                self._each(planned, lambda client: self._sockets.end(client, how, code, reason.encode()))
            case Rotation():
                self._each(planned, lambda client: self._sockets.end(client, "close", WSCloseCode.GOING_AWAY, ROTATED))
            case ServerShutdown():
                self._each(planned, self._notify)
            case GiantFrame(size_bytes=size_bytes):
                self._each(planned, lambda client: _send(client, "giant", _giant(size_bytes)))
            case PingTimeout():
                self._each(planned, _deafen)
            case HalfOpen():
                self._each(planned, lambda client: self._silence(None, client))
            case StaleSnapshot(symbol=symbol):
                self._market.freeze([symbol] if symbol else self._market.facts.symbols)
            case Maintenance():
                self._each(
                    planned, lambda client: self._sockets.end(client, "close", WSCloseCode.GOING_AWAY, b"Maintenance")
                )
            case _:
                pass

    def _end(self, planned: Planned) -> None:
        hit = self._hit.pop(planned.number, [])
        match planned.fault:
            case ServerShutdown():
                for client in hit:
                    self._sockets.end(client, "close", WSCloseCode.GOING_AWAY, b"Server shutdown")
            case PingTimeout():
                for client in hit:
                    self._sockets.end(client, "close", WSCloseCode.POLICY_VIOLATION, b"Pong timeout")
            case HalfOpen():
                for client in hit:
                    self._sockets.end(client, "reset")
            case StaleSnapshot(symbol=symbol):
                self._market.thaw([symbol] if symbol else self._market.facts.symbols)
            case _:
                pass

    def _each(self, planned: Planned, strike: Callable[[Client], None]) -> None:
        connection = getattr(planned.fault, "connection", None)
        hit = [client for client in self._sockets.clients if connection in (None, client.number)]
        for client in hit:
            strike(client)
        planned.hits += len(hit)
        if planned.fault.length_s != 0 or isinstance(planned.fault, ServerShutdown | PingTimeout):
            self._hit[planned.number] = hit

    def _silence(self, planned: Planned | None, client: Client) -> None:
        client.silent = True
        client.transport.pause_reading()
        if planned:
            planned.hits += 1
            self._hit.setdefault(planned.number, []).append(client)

    def _notify(self, client: Client) -> None:
        event_ms = self._clock.venue_ns(_now_s()) // 1_000_000
        _send(client, "!serverShutdown", msgspec.json.encode({"e": "serverShutdown", "E": event_ms}))


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def banned(left_s: float) -> RestError:
    """The 418 of an address that is banned for so long."""
    until_ms = math.ceil((time.time() + left_s) * 1000)
    message = (
        f"Way too much request weight used; IP banned until {until_ms}. "
        "Please use the websocket for live updates to avoid bans."
    )
    return RestError(-1003, message, 418, math.ceil(left_s))


def _send(client: Client, stream: str, payload: bytes) -> None:
    client.transport.write(text_frame(wrapped(stream, payload) if client.control.combined else payload))


def _deafen(client: Client) -> None:
    client.deaf = True


def _giant(size_bytes: int) -> bytes:
    head, tail = b'{"e":"giant","pad":"', b'"}'
    return head + b"x" * (size_bytes - len(head) - len(tail)) + tail
