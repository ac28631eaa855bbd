"""How the faults that are on bend the frames of one connection: payloads in, WebSocket frames with their delays out."""

import re

import msgspec

from papertape.core.draws import draw_below, draw_unit, purpose_id
from papertape.core.draws.rows import UNIT
from papertape.venue.faults.schema import (
    Crossed,
    Delay,
    Duplicate,
    ExtraKeys,
    Fragments,
    Gap,
    Garbage,
    Jitter,
    OnFrames,
    Reorder,
)
from papertape.venue.faults.timeline import Planned, Timeline
from papertape.venue.frames import fragments, text_frame

_SHARE = purpose_id("venue.faults.share")
_JITTER = purpose_id("venue.faults.jitter")
_SIDES = re.compile(rb'"([bBaA])":')
_OTHER = {b"b": b"a", b"a": b"b", b"B": b"A", b"A": b"B"}
_MORE = re.compile(rb"(?=\}\}?$)")
_EXTRA = b',"st":1,"ps":"NEW","nq":"1.0","ap":"1.0","zz":{"new":[1,null]}'


class Bent(msgspec.Struct):
    """What one connection needs to remember: frames seen by each fault, and the frame that waits to come second."""

    seen: dict[int, int] = {}
    late: bytes | None = None


class Tamper:
    """Bends frames. It is a function of the seed, the timeline and the frames themselves."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.active = False
        """Whether any fault of frames is on."""

    def refresh(self) -> None:
        """A fault has begun or ended."""
        self.active = any(isinstance(planned.fault, OnFrames) for planned in self._timeline.active)

    def bend(self, bent: Bent, connection: int, symbol: str, payload: bytes) -> list[tuple[int, bytes]]:
        """What is sent instead of a frame: (milliseconds later, WebSocket frame), none, one or more."""
        delay_ms, copies, late, size_bytes = 0, 1, False, 0
        for planned in self._timeline.active:
            fault = planned.fault
            if not isinstance(fault, OnFrames) or not self._hit(planned, fault, bent, connection, symbol):
                continue
            planned.hits += 1
            payload = _altered(fault, payload)
            match fault:
                case Gap():
                    return []
                case Delay():
                    delay_ms += fault.delay_ms
                case Jitter():
                    seen = bent.seen[planned.number]
                    delay_ms += draw_below(
                        fault.jitter_ms + 1, self._timeline.seed, _JITTER, planned.number << 32 | connection, seen
                    )
                case Duplicate():
                    copies += 1
                case Reorder():
                    late = True
                case Fragments():
                    size_bytes = fault.size_bytes
        frame = fragments(payload, size_bytes) if size_bytes else text_frame(payload)
        if late and bent.late is None:
            bent.late = frame * copies
            return []
        waiting, bent.late = bent.late, None
        frames = [frame] * copies + ([waiting] if waiting else [])
        return [(delay_ms, one) for one in frames]

    def _hit(self, planned: Planned, fault: OnFrames, bent: Bent, connection: int, symbol: str) -> bool:
        if fault.symbol not in (None, symbol) or fault.connection not in (None, connection):
            return False
        seen = bent.seen[planned.number] = bent.seen.get(planned.number, 0) + 1
        if fault.share == 1:
            return True
        drawn = draw_unit(self._timeline.seed, _SHARE, planned.number << 32 | connection, seen)
        return drawn < int(fault.share * UNIT)


def _altered(fault: OnFrames, payload: bytes) -> bytes:
    """What the fault makes of what the frame says."""
    match fault:
        case Garbage():
            return payload[: len(payload) // 2]
        case Crossed():
            return _SIDES.sub(lambda found: b'"%b":' % _OTHER[found[1]], payload)
        case ExtraKeys():
            return _MORE.sub(_EXTRA, payload, count=1)
        case _:
            return payload
