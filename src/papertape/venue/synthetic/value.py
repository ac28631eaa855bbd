"""What a symbol is worth, which nobody sees: it moves with the market as a whole, by itself, and with what orders tell."""

from papertape.core.draws import purpose_id
from papertape.venue.synthetic.listings import Listing
from papertape.venue.synthetic.tables import Draws
from papertape.venue.synthetic.volatility import LEVEL_ONE, Pulse, Volatility, moved

PPB = 1_000_000_000
"""Parts in one, of what is told in parts per billion."""
IMPACT_PPB = 4_000
"""What a market order in an unexpected direction adds to the value."""
LEARNING_SHIFT = 3
"""Each market order is an eighth of what is expected of the next."""

_MOVES = purpose_id("venue.synthetic.moves")
_SWITCH_NS = (1_000_000_000, 5_000_000_000, 25_000_000_000, 120_000_000_000)


class Value:
    """The value of one symbol in ticks times 65,536."""

    def __init__(self, seed: int, key: int, listing: Listing) -> None:
        self.price = listing.price << 16
        self.level = LEVEL_ONE
        """How restless the symbol is, in `LEVEL_ONE`."""
        self._listing = listing
        self._draws = Draws(seed, _MOVES, key)
        self._volatility = Volatility(seed, key, _SWITCH_NS)
        self._expected = 0

    def pulse(self, pulse: Pulse) -> None:
        """The value moves: by its part of the common move, and by one of its own."""
        self.level = pulse.level * self._volatility.at(pulse.at_ns) // LEVEL_ONE
        own = moved(self._listing.move_ppb, self.level, self._draws.bits())
        self.price += self.price * (pulse.move * self._listing.beta_percent // 100 + own) // (PPB << 16)

    def push(self, side: int) -> None:
        """A market order came. Only what it tells that the ones before had not told moves the value, so moves cannot be foreseen."""
        surprise = side * LEVEL_ONE - self._expected
        self._expected += surprise >> LEARNING_SHIFT
        self.price += self.price * IMPACT_PPB * surprise // (PPB * LEVEL_ONE)
