"""A book short enough to read in one go: the independent judge of `core.book`.

It takes the venue's own texts, not records, holds exact fractions, and knows nothing of
scales, records or kernels.
"""

from fractions import Fraction

Levels = list[tuple[Fraction, Fraction]]
Texts = list[tuple[str, str]]


class NaiveBook:
    """Prices and sizes of both sides; `bids` and `asks` give them best first."""

    def __init__(self) -> None:
        self._bids: dict[Fraction, Fraction] = {}
        self._asks: dict[Fraction, Fraction] = {}

    def start(self, bids: Texts, asks: Texts) -> None:
        """Begin anew with a snapshot."""
        self._bids.clear()
        self._asks.clear()
        self.update(bids, asks)

    def update(self, bids: Texts, asks: Texts) -> None:
        """Set levels to absolute sizes; size zero removes, prices that are not positive are passed over."""
        for side, levels in ((self._bids, bids), (self._asks, asks)):
            for price, size in levels:
                if Fraction(price) > 0:
                    side[Fraction(price)] = Fraction(size)
                    if not side[Fraction(price)]:
                        del side[Fraction(price)]

    @property
    def bids(self) -> Levels:
        return sorted(self._bids.items(), reverse=True)

    @property
    def asks(self) -> Levels:
        return sorted(self._asks.items())

    def top(self) -> tuple[Fraction, Fraction, Fraction, Fraction]:
        """Best bid and its size, best ask and its size; 0 where a side is empty."""
        none = (Fraction(0), Fraction(0))
        bid = max(self._bids.items(), default=none)
        ask = min(self._asks.items(), default=none)
        return (*bid, *ask)
