"""How busy a symbol is: more in restless times, and more for a moment after each trade."""

from papertape.venue.synthetic.listings import Listing
from papertape.venue.synthetic.tables import DECAY, EXPONENTIAL
from papertape.venue.synthetic.volatility import LEVEL_ONE

ACTIVITY_MIN, ACTIVITY_MAX = LEVEL_ONE // 2, 4 * LEVEL_ONE
"""How quiet and how busy volatility alone can make the market."""
HEAT_PER_TRADE = 4 * LEVEL_ONE
"""What a trade adds to the pace, divided by the takers of a second in quiet times."""
HEAT_MAX = 24 * LEVEL_ONE
HEAT_HALF_NS = 60_000_000
"""The heat of trading halves in this time."""

_SECOND_NS = 1_000_000_000


class Pace:
    """The time between two orders of one symbol; a self-exciting process, as trades make trades."""

    def __init__(self, listing: Listing) -> None:
        self._mean_ns = _SECOND_NS // (listing.makers_per_s + listing.takers_per_s)
        self._heat_per_trade = HEAT_PER_TRADE // listing.takers_per_s
        self._activity = LEVEL_ONE
        self._heat = self._step = 0

    def follow(self, level: int) -> None:
        """Volatility has a new level."""
        self._activity = min(max(level, ACTIVITY_MIN), ACTIVITY_MAX)

    def traded(self) -> None:
        """A market order was filled."""
        self._heat = min(self._heat + self._heat_per_trade, HEAT_MAX)

    def wait_ns(self, now_ns: int, row: int) -> int:
        """Time from `now_ns` to the next order, by a row of the exponential distribution."""
        step = now_ns * len(DECAY) // HEAT_HALF_NS
        passed, self._step = step - self._step, step
        if passed and self._heat:
            halvings, rest = divmod(passed, len(DECAY))
            self._heat = (self._heat >> min(halvings, 63)) * DECAY[rest] >> 16
        return 1 + self._mean_ns * EXPONENTIAL[row] * LEVEL_ONE // (self._activity + self._heat << 16)
