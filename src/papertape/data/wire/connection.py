"""The machine of one connection: what it is, what may happen to it, and when it counts as silent, lost or old.

It does no I/O: the shell tells it events and, a few times a second, what has been counted; it answers with
what to do. Time comes in as seconds of any monotonic clock, chance as a number that the shell has drawn.
`docs/explanation/connections.md` holds the same table.
"""

from enum import Enum
from typing import NamedTuple

from papertape.core.errors import IntegrityError

BACKOFF_FIRST_S = 0.25
BACKOFF_CAP_S = 10.0
TRIES_MAX = 16
"""Tries beyond this wait no longer than before; it keeps the power of two small."""
PING_EVERY_S = 10.0
SILENT_TIMES = 6
"""A connection that answers pings but brings no data for so many times the silence allowed is replaced."""


class State(Enum):
    """What a connection is."""

    IDLE = "idle"
    CONNECTING = "connecting"
    SUBSCRIBING = "subscribing"
    HEALTHY = "healthy"
    SILENT = "silent"
    ROTATING = "rotating"
    BACKING_OFF = "backing off"
    CLOSED = "closed"


class Event(Enum):
    """What happens to a connection."""

    CONNECT = "connect"
    OPENED = "opened"
    FAILED = "failed"
    DATA = "data"
    QUIET = "quiet"
    ROTATE = "rotate"
    KEPT = "kept"
    REPLACED = "replaced"
    LOST = "lost"
    CLOSE = "close"


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.IDLE, Event.CONNECT): State.CONNECTING,
    (State.IDLE, Event.CLOSE): State.CLOSED,
    (State.CONNECTING, Event.OPENED): State.SUBSCRIBING,
    (State.CONNECTING, Event.FAILED): State.BACKING_OFF,
    (State.CONNECTING, Event.CLOSE): State.CLOSED,
    (State.SUBSCRIBING, Event.DATA): State.HEALTHY,
    (State.SUBSCRIBING, Event.QUIET): State.SILENT,
    (State.SUBSCRIBING, Event.ROTATE): State.ROTATING,
    (State.SUBSCRIBING, Event.LOST): State.BACKING_OFF,
    (State.SUBSCRIBING, Event.CLOSE): State.CLOSED,
    (State.HEALTHY, Event.QUIET): State.SILENT,
    (State.HEALTHY, Event.ROTATE): State.ROTATING,
    (State.HEALTHY, Event.LOST): State.BACKING_OFF,
    (State.HEALTHY, Event.CLOSE): State.CLOSED,
    (State.SILENT, Event.DATA): State.HEALTHY,
    (State.SILENT, Event.ROTATE): State.ROTATING,
    (State.SILENT, Event.LOST): State.BACKING_OFF,
    (State.SILENT, Event.CLOSE): State.CLOSED,
    (State.ROTATING, Event.KEPT): State.HEALTHY,
    (State.ROTATING, Event.REPLACED): State.CLOSED,
    (State.ROTATING, Event.LOST): State.CLOSED,
    (State.ROTATING, Event.CLOSE): State.CLOSED,
    (State.BACKING_OFF, Event.CONNECT): State.CONNECTING,
    (State.BACKING_OFF, Event.CLOSE): State.CLOSED,
}
"""All that can happen. What does not stand here cannot, and is an error of ours."""

OPEN = frozenset({State.SUBSCRIBING, State.HEALTHY, State.SILENT, State.ROTATING})
"""The states in which a link is up."""


class Patience(NamedTuple):
    """How patient a connection is, in seconds.

    `silence_s` without a byte, pings answered included, is a loss. After `rotate_after_s` it is replaced: Binance ends
    every connection after 24 h. Data for `healthy_s` begins the backoff anew.
    """

    silence_s: float = 30.0
    rotate_after_s: float = 23 * 3600.0
    healthy_s: float = 0.5


class Advice(NamedTuple):
    """What the shell must do now: send a ping, end the connection, or replace it; the texts say why, empty is no."""

    ping: bool = False
    end: str = ""
    rotate: str = ""


def backoff_s(tries: int, chance: float) -> float:
    """Seconds to wait after `tries` failures since healthy data; `chance` is drawn from [0, 1).

    Exponential with full jitter above a floor: 0.25 s to 0.5 s * 2**tries, 10 s at most.
    """
    ceiling = min(BACKOFF_CAP_S, 2 * BACKOFF_FIRST_S * (1 << min(tries, TRIES_MAX)))
    return BACKOFF_FIRST_S + chance * (ceiling - BACKOFF_FIRST_S)


class ConnectionMachine:
    """State of one connection. `tries` counts losses and failures since it was last healthy for long enough."""

    def __init__(self, patience: Patience) -> None:
        self.state = State.IDLE
        self.since_s = 0.0
        """When the state was entered."""
        self.opened_s = 0.0
        """When the link came up."""
        self.data_s = 0.0
        """When data was last seen."""
        self.tries = 0
        self._patience = patience
        self._heard_s = self._pinged_s = self._healthy_since_s = self._rotated_s = 0.0
        self._data = self._heard = 0
        self._rotations_failed = 0
        self._end_announced = False

    def take(self, event: Event, now_s: float) -> None:
        """Enter the state that `event` leads to. Raises IntegrityError, changing nothing, when it cannot happen here."""
        follows = TRANSITIONS.get((self.state, event))
        if follows is None:
            expected = ", ".join(one.value for state, one in TRANSITIONS if state is self.state) or "nothing more"
            raise IntegrityError(f"expected of a connection that is {self.state.value}: {expected}; was {event.value}")
        match event:
            case Event.OPENED:
                self.opened_s = self.data_s = self._heard_s = self._rotated_s = now_s
                self._pinged_s = now_s - PING_EVERY_S  # the round trip is asked for at once
                self._data = self._heard = self._rotations_failed = 0
                self._end_announced = False
            case Event.FAILED | Event.LOST:
                self.tries += 1
            case Event.ROTATE:
                self._rotated_s = now_s
            case Event.KEPT:
                self._rotations_failed += 1
            case Event.DATA:
                self._healthy_since_s = now_s
        self.state, self.since_s = follows, now_s

    def expect_end(self) -> None:
        """The server has announced that it is about to end the connection."""
        self._end_announced = True

    def watch(self, now_s: float, data: int, heard: int) -> Advice:
        """Judge the link by what it has brought since it came up; call it at least four times in `silence_s`.

        `data` is any count that grows with market data, `heard` one that grows with whatever comes, pongs included.
        """
        if self.state not in OPEN:
            return Advice()
        if heard > self._heard:
            self._heard, self._heard_s = heard, now_s
        if data > self._data:
            self._data, self.data_s = data, now_s
            if self.state in (State.SUBSCRIBING, State.SILENT):
                self.take(Event.DATA, now_s)
        silence_s = self._patience.silence_s
        if now_s - self._heard_s >= silence_s:
            return Advice(end=f"nothing came for {now_s - self._heard_s:.1f} s, not even an answer to a ping")
        if self.state in (State.SUBSCRIBING, State.HEALTHY) and now_s - self.data_s >= silence_s:
            self.take(Event.QUIET, now_s)
        if self.state is State.HEALTHY and now_s - self._healthy_since_s >= self._patience.healthy_s:
            self.tries = 0
        return Advice(self._ping_is_due(now_s), rotate=self._rotation(now_s))

    def _ping_is_due(self, now_s: float) -> bool:
        due = now_s - self._pinged_s >= min(PING_EVERY_S, self._patience.silence_s / 3)
        if due:
            self._pinged_s = now_s
        return due

    def _rotation(self, now_s: float) -> str:
        """Why the connection should be replaced now, or nothing; a replacement that failed is tried again ever later."""
        if self.state is State.ROTATING:
            return ""
        if self._rotations_failed and now_s - self._rotated_s < backoff_s(self._rotations_failed, 1.0):
            return ""
        if self._end_announced:
            return "the server announced its end"
        if now_s - self.opened_s >= self._patience.rotate_after_s:
            return f"it is {(now_s - self.opened_s) / 3600:.1f} h old"
        if self.state is State.SILENT and now_s - self.data_s >= SILENT_TIMES * self._patience.silence_s:
            return f"no data came for {now_s - self.data_s:.0f} s though pings are answered"
        return ""
