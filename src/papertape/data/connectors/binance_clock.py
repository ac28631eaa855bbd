"""The venue's clock against ours, asked over REST: of the answers of some minutes the quickest is believed."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from papertape.core.errors import DecodeError, RemoteProtocolError, VenueError
from papertape.data.connectors.binance_rest import BinanceRest, answer_text
from papertape.data.connectors.ports import Intake
from papertape.data.wire.binance.payloads import decode_server_time, readable, time_ns

FIRST_QUESTIONS = 3
EVERY_S = 60.0
WINDOW_NS = 600_000_000_000
"""Clocks drift by some ms in this time, less than the error of most answers."""
RESOLUTION_NS = 1_000_000
"""The venue tells its time in whole milliseconds."""


class Offset(NamedTuple):
    """By how much the venue's clock is ahead, by an answer that took `round_trip_ns`: right to half of that."""

    asked_ns: int
    round_trip_ns: int
    offset_ns: int


class OffsetFilter:
    """The estimate of minimum round trip over a window."""

    def __init__(self) -> None:
        self._window: deque[Offset] = deque(maxlen=FIRST_QUESTIONS + int(WINDOW_NS / EVERY_S / 1e9))

    def take(self, new: Offset) -> Offset:
        """Take an answer; returns the best of the window.

        Two answers that cannot both be right mean that a clock was set: then only the new one counts.
        """
        while self._window and self._window[0].asked_ns < new.asked_ns - WINDOW_NS:
            self._window.popleft()
        if any(not _agree(old, new) for old in self._window):
            self._window.clear()
        self._window.append(new)
        return min(self._window, key=lambda one: one.round_trip_ns)


def _agree(one: Offset, other: Offset) -> bool:
    error_ns = (one.round_trip_ns + other.round_trip_ns) // 2 + 2 * RESOLUTION_NS
    return abs(one.offset_ns - other.offset_ns) <= error_ns


class ClockWatch:
    """Keeps the venue's clock offset known; tells the intake each time that the estimate is another one."""

    def __init__(self, intake: Intake, rest: BinanceRest, note: Callable[..., None]) -> None:
        self._intake = intake
        self._rest = rest
        self._note = note
        self._filter = OffsetFilter()
        self._told: Offset | None = None

    async def watch(self) -> None:
        """Ask some times at first, then every minute, until cancelled."""
        await self._ask(FIRST_QUESTIONS)
        while True:
            await asyncio.sleep(EVERY_S)
            await self._ask(1)

    async def _ask(self, questions: int) -> None:
        best = None
        try:
            for _ in range(questions):
                best = self._filter.take(await self._ask_time())
        except (VenueError, DecodeError) as error:
            self._note("clock offset unknown", error=str(error))
        if best is not None and best != self._told:
            self._told = best
            self._intake.clock_offset(best.offset_ns, best.round_trip_ns)

    async def _ask_time(self) -> Offset:
        """The venue's time against the middle of the round trip."""
        answer = await self._rest.get("time", {})
        if answer.status != 200:
            raise RemoteProtocolError(f"expected the venue's time, was {answer_text(answer)}")
        venue_ns = time_ns(readable(decode_server_time, answer.body, "the venue's time").serverTime)
        middle_ns = (answer.asked_ns + answer.answered_ns) // 2
        return Offset(answer.asked_ns, answer.answered_ns - answer.asked_ns, venue_ns - middle_ns)
