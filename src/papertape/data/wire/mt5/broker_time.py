"""The broker's wall clock: how far it is ahead of UTC, estimated from ticks that were seen to arrive.

MetaTrader 5 stamps ticks with the broker's wall clock as if it were an epoch, and tells its zone nowhere. A tick that
came to be while we watched is as old as its way; so its stamp minus the arrival, rounded to 15 minutes, is the offset.
Old ticks (a weekend's last quote, a history that is read) say nothing and must not be shown here.
"""

from typing import NamedTuple

STEP_NS = 15 * 60 * 1_000_000_000
RESIDUE_MAX_NS = 5 * 60 * 1_000_000_000
"""How far a stamp may lie from a whole step: way and clock errors of this computer."""
OFFSET_MAX_NS = 14 * 3600 * 1_000_000_000
"""No zone is further from UTC."""
AGREEING_MIN = 3
"""So many ticks must agree, of at least two symbols …"""
AGREEING_OF_ONE_MIN = 10
"""… or so many, when they are all of one."""


def nearest_step_ns(time_msc: int, now_ns: int) -> int | None:
    """The offset that one fresh tick says; None when it says none that could be."""
    difference_ns = time_msc * 1_000_000 - now_ns
    step_ns = (difference_ns + STEP_NS // 2) // STEP_NS * STEP_NS
    if abs(difference_ns - step_ns) > RESIDUE_MAX_NS or abs(step_ns) > OFFSET_MAX_NS:
        return None
    return step_ns


FIRST_SPAN_NS = 1_000_000_000
"""They agree for so long, at least: a history that is still loaded comes faster."""
CHANGE_SPAN_NS = 30 * 1_000_000_000
"""A known offset changes only when ticks say the other one for so long, and none the known one: a terminal that was cut
off from its broker brings late ticks at once, and these look like another offset for a moment."""


class _Said(NamedTuple):
    offset_ns: int
    since_ns: int
    symbols: dict[str, int]


_NOTHING = _Said(0, 0, {})


class BrokerTime:
    """The broker's offset as far as it is known: `offset_ns` to be added to UTC, None before the first estimate.

    `look` is shown fresh ticks only. It answers whether the offset is certain for this tick: while ticks say another
    offset than the one known (the broker's summer time began or ended) it is not, until enough of them agree.
    """

    def __init__(self, offset_ns: int | None = None) -> None:
        self.offset_ns = offset_ns
        self._said = _NOTHING

    def look(self, symbol: str, time_msc: int, now_ns: int) -> bool:
        """Take a tick that just came to be, seen at `now_ns` UTC; afterwards `offset_ns` may be another."""
        said_ns = nearest_step_ns(time_msc, now_ns)
        if said_ns is None:
            return self.offset_ns is not None
        if said_ns == self.offset_ns:
            self._said = _NOTHING
            return True
        if said_ns != self._said.offset_ns or not self._said.symbols:
            self._said = _Said(said_ns, now_ns, {})
        counts = self._said.symbols
        counts[symbol] = counts.get(symbol, 0) + 1
        agreed = sum(counts.values()) >= (AGREEING_MIN if len(counts) > 1 else AGREEING_OF_ONE_MIN)
        span_ns = FIRST_SPAN_NS if self.offset_ns is None else CHANGE_SPAN_NS
        if not agreed or now_ns - self._said.since_ns < span_ns:
            return False
        self.offset_ns = said_ns
        self._said = _NOTHING
        return True
