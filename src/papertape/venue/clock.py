"""The time of the reel: when its next line is due, and what the venue's clock shows."""

from papertape.venue.market import Market


class ReelClock:
    """Maps a steady clock (seconds) to the reel's arrival times (ns), `speed` times as fast.

    With `runs_from_s` it runs from that moment on, before the market opens, and what is played begins at the opening;
    else it stands until then. It never runs past the next line that has not been sent, and never backwards. At speed 0
    it stands at the line sent last.
    """

    def __init__(self, market: Market, speed: float, runs_from_s: float | None = None) -> None:
        self._market = market
        self._speed = speed
        self._anchor_s = 0.0
        self._opened = False
        self._runs_from_s = runs_from_s
        self._first_ns = self._played_ns = self._shown_ns = market.facts.first_ns
        self._next_ns: int | None = market.facts.first_ns

    @property
    def as_taken(self) -> bool:
        """Speed 0: the reel plays as fast as clients take it."""
        return not self._speed

    def open(self, now_s: float) -> int:
        """The reel starts to play; by how much its times are later than it says, in ns."""
        self._opened = True
        self._anchor_s = now_s
        late_ns = 0 if self._runs_from_s is None else int((now_s - self._runs_from_s) * 1e9)
        self._first_ns += late_ns
        self._played_ns = self._next_ns = self._first_ns
        return late_ns

    def wait_s(self, ts_recv_ns: int, now_s: float) -> float:
        """Seconds until the reel's next line is due; it becomes the limit of the venue's time."""
        self._next_ns = max(ts_recv_ns, self._played_ns)
        if not self._speed:
            return 0.0
        due_s = self._anchor_s + (self._next_ns - self._first_ns) / 1e9 / self._speed
        return due_s - now_s

    def played(self, ts_recv_ns: int) -> None:
        """A line has been sent."""
        self._played_ns = max(ts_recv_ns, self._played_ns)

    def held_up(self, stall_s: float) -> None:
        """The market waited for a client: everything after comes that much later."""
        self._anchor_s += stall_s

    def ended(self) -> None:
        """No line is left: time goes on without a limit."""
        self._next_ns = None

    def venue_ns(self, now_s: float) -> int:
        """The venue's time, ns UTC: reel time plus the running maximum of (E - arrival)."""
        return self._reel_ns(now_s) + self._market.offset_ns

    def since_opening_ns(self, now_s: float) -> int:
        """Time of the market since its opening; 0 before."""
        return max(0, self._reel_ns(now_s) - self._first_ns) if self._opened else 0

    def since_opening_of_ns(self, ts_recv_ns: int) -> int:
        """When a line of the reel comes, counted from the opening."""
        return ts_recv_ns - self._first_ns

    def _reel_ns(self, now_s: float) -> int:
        reel_ns = self._played_ns
        if not self._opened and self._runs_from_s is not None:
            return self._first_ns + int((now_s - self._runs_from_s) * 1e9)
        if self._opened and self._speed:
            reel_ns = max(reel_ns, self._first_ns + int((now_s - self._anchor_s) * self._speed * 1e9))
        if self._next_ns is not None:
            reel_ns = min(reel_ns, self._next_ns)
        self._shown_ns = max(self._shown_ns, reel_ns)
        return self._shown_ns
