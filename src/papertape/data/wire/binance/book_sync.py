"""When a stream of depth events and a REST snapshot make a book: one symbol's state machine.

    WAITING --(snapshot that the held events bridge)--> SYNCED
    SYNCED  --(event that does not follow)------------> WAITING, a sequence break
    SYNCED  --(first event does not join its snapshot)> WAITING
    SYNCED  --(connection lost)-----------------------> WAITING

While WAITING every event is held, and the machine wants a snapshot once one is held, never
before (a snapshot older than the first held event cannot be bridged). A snapshot that arrives
while SYNCED, or that is too old, changes nothing. A late answer to an earlier request needs no
mark of its own: it is taken only if the held events join it, and then it is right.
"""

from collections import deque
from enum import Enum
from typing import NamedTuple

from papertape.data.wire.binance.payloads import DepthUpdate
from papertape.data.wire.binance.rules import Rules

HELD_BYTES_MAX = 16 << 20
"""What the events that all symbols of a machine hold may take; beyond its share, a symbol lets its oldest go.

They stand on the tape, and a snapshot is newer than most: what it needs are the events since it was asked for."""
_EVENT_BYTES = 512
"""What a held event takes beside its levels, which stay the text that came: its objects, and the rest of its frame."""


class Fate(Enum):
    """What becomes of a depth event."""

    APPLY = "apply"
    HOLD = "hold"
    STALE = "stale"
    """At or before the snapshot that the book began with: says nothing new, as is normal there."""
    LATE = "late"
    """At or before an event that was applied: repeated, or out of order."""
    UNBRIDGED = "unbridged"
    """The first event after a snapshot does not join it: the snapshot was too old. The event is held."""
    BREAK = "break"
    """Does not follow: events were lost, and the book with them. The event is held."""


class Bridge(NamedTuple):
    """Outcome of a snapshot: whether it is taken, and the held events to apply after it."""

    taken: bool
    events: list[DepthUpdate]


class BookSync:
    """State of one symbol's book synchronisation. `wants_snapshot` asks for (another) REST snapshot.

    `held_bytes_max` bounds the events that it holds; the newest one stays, however large.
    """

    def __init__(self, rules: Rules, held_bytes_max: int = HELD_BYTES_MAX) -> None:
        self.held_bytes_max = held_bytes_max
        self._rules = rules
        self._held: deque[DepthUpdate] = deque()
        self._held_bytes = 0
        self._fresh = False
        self.synced = False
        self.last_id = 0
        self.wants_snapshot = False

    def take_event(self, event: DepthUpdate) -> Fate:
        """Judge one depth event."""
        if not self.synced:
            self._hold(event)
            return Fate.HOLD
        if event.u <= self.last_id:
            return Fate.STALE if self._fresh else Fate.LATE
        rule = self._rules.bridges if self._fresh else self._rules.follows
        if rule(self.last_id, event.U, event.u, event.pu):
            self.last_id = event.u
            self._fresh = False
            return Fate.APPLY
        fate = Fate.UNBRIDGED if self._fresh else Fate.BREAK
        self.lose()
        self._hold(event)
        return fate

    def take_snapshot(self, last_id: int) -> Bridge:
        """Judge a snapshot at `last_id`."""
        if self.synced:
            return Bridge(False, [])
        events = [event for event in self._held if event.u > last_id]
        at = last_id
        for position, event in enumerate(events):
            rule = self._rules.follows if position else self._rules.bridges
            if not rule(at, event.U, event.u, event.pu):
                # A gap among the held events: only what came after it can still be bridged.
                self._release()
                for later in events[position:]:
                    self._hold(later)
                return Bridge(False, [])
            at = event.u
        self._release()
        self.synced = True
        self.wants_snapshot = False
        self.last_id = at
        self._fresh = not events
        return Bridge(True, events)

    def lose(self) -> None:
        """The connection was lost or an event did not follow: start anew."""
        self._release()
        self.synced = False
        self._fresh = False
        self.wants_snapshot = False
        self.last_id = 0

    def _hold(self, event: DepthUpdate) -> None:
        self._held.append(event)
        self._held_bytes += _bytes_of(event)
        while self._held_bytes > self.held_bytes_max and len(self._held) > 1:
            self._held_bytes -= _bytes_of(self._held.popleft())
        self.wants_snapshot = True

    def _release(self) -> None:
        self._held.clear()
        self._held_bytes = 0


def _bytes_of(event: DepthUpdate) -> int:
    return _EVENT_BYTES + memoryview(event.b).nbytes + memoryview(event.a).nbytes
