"""Plays a reel or a synthetic market: each line when it is due, to whoever is subscribed, at the pace the clients take it."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from papertape.venue.clock import ReelClock
from papertape.venue.fanout import Client, Fanout, drained
from papertape.venue.market import Market
from papertape.venue.rules import VenueRules
from papertape.venue.sources import Source

BATCH_LINES_MAX = 256
BATCH_BYTES_MAX = 1 << 18
EARLY_MAX_S = 0.0005
"""Lines due within this time go out with the batch at hand: a timer for each would cost more than it is worth."""


class Breaks(Protocol):
    """Something that happens at times of the market, in ns since its opening."""

    @property
    def next_ns(self) -> int | None:
        """When it happens next."""
        ...

    def pass_to(self, now_ns: int) -> None:
        """Let happen what was to happen until now."""
        ...


class Playback:
    """One run of a source, from the opening of the market to the last line."""

    def __init__(
        self,
        source: Source,
        market: Market,
        fanout: Fanout,
        clock: ReelClock,
        rules: VenueRules,
        close_slow: Callable[[Client], None],
        breaker: Breaks,
    ) -> None:
        """`close_slow` gets rid of a client that holds the market up, `breaker` lets faults happen in their time."""
        self.began = asyncio.Event()
        self.done = asyncio.Event()
        self._source = source
        self._market = market
        self._fanout = fanout
        self._clock = clock
        self._rules = rules
        self._close_slow = close_slow
        self._breaker = breaker

    async def run(self) -> None:
        """Wait for the opening, then play to the end. Raises InputError for a line that cannot be used."""
        now_s = asyncio.get_running_loop().time
        await self._opening()
        self._source.shift(self._clock.open(now_s()))
        self.began.set()
        batch_lines = batch_bytes = 0
        while (due_ns := self._source.due_ns) is not None:
            wait_s = self._clock.wait_s(due_ns, now_s())
            if wait_s > EARLY_MAX_S or batch_lines >= BATCH_LINES_MAX or batch_bytes >= BATCH_BYTES_MAX:
                await self._flush()
                batch_lines = batch_bytes = 0
                # Also after a full batch others must have their turn: requests, pings, new clients.
                await asyncio.sleep(max(0.0, self._clock.wait_s(due_ns, now_s())))
                if self._clock.as_taken:
                    await self._fanout.subscribed.wait()
            self._break(due_ns)
            self._fanout.derive((due_ns + self._market.offset_ns) // 1_000_000)
            for frame, line in self._source.take():
                data = self._market.play(frame, line)
                self._fanout.spread(line, data)
                batch_lines += 1
                batch_bytes += len(data)
            self._clock.played(due_ns)
        await self._flush()
        self._clock.ended()
        self.done.set()

    def _break(self, due_ns: int) -> None:
        """What is to break before the lines of this moment breaks."""
        at_ns = self._breaker.next_ns
        if at_ns is not None and at_ns <= self._clock.since_opening_of_ns(due_ns):
            self._breaker.pass_to(self._clock.since_opening_of_ns(due_ns))

    async def _opening(self) -> None:
        while True:
            await self._fanout.subscribed.wait()
            changes = self._fanout.changes
            await asyncio.sleep(self._rules.opening_quiet_s)
            if self._fanout.subscribed.is_set() and self._fanout.changes == changes:
                return

    async def _flush(self) -> None:
        full = self._fanout.flush()
        if not full:
            return
        now_s = asyncio.get_running_loop().time
        began_s = now_s()
        for client in await drained(full, self._rules.stall_max_s):
            self._fanout.remove(client)
            self._close_slow(client)
        self._clock.held_up(now_s() - began_s)
