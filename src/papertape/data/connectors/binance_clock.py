"""The venue's clock against ours, asked over REST."""

import asyncio
from collections.abc import Callable

from papertape.core.errors import DecodeError, RemoteProtocolError, VenueError
from papertape.data.connectors.binance_rest import BinanceRest, answer_text
from papertape.data.connectors.ports import Intake
from papertape.data.wire.binance.payloads import decode_server_time, readable

CLOCK_EVERY_S = 600.0
CLOCK_QUESTIONS = 3


class ClockWatch:
    """Estimates the venue's clock offset."""

    def __init__(self, intake: Intake, rest: BinanceRest, now_ns: Callable[[], int], note: Callable[..., None]) -> None:
        self._intake = intake
        self._rest = rest
        self._now_ns = now_ns
        self._note = note

    async def watch(self) -> None:
        """Estimate the venue's clock offset now and then, each time by the quickest of some questions."""
        while True:
            try:
                quickest = min([await self._ask_time() for _ in range(CLOCK_QUESTIONS)])
                self._intake.clock_offset(quickest[1], quickest[0])
            except (VenueError, DecodeError) as error:
                self._note("clock offset unknown", error=str(error))
            await asyncio.sleep(CLOCK_EVERY_S)

    async def _ask_time(self) -> tuple[int, int]:
        """(round trip, offset) in ns: the venue's time against the middle of the round trip."""
        asked_ns = self._now_ns()
        answer = await self._rest.get("time", {})
        answered_ns = self._now_ns()
        if answer.status != 200:
            raise RemoteProtocolError(f"expected the venue's time, was {answer_text(answer)}")
        venue_ns = readable(decode_server_time, answer.body, "the venue's time").serverTime * 1_000_000
        return answered_ns - asked_ns, venue_ns - (asked_ns + answered_ns) // 2
