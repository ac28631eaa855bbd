"""What is known of a symbol at a venue: the instrument, and what only tells people and order checks."""

import msgspec

from papertape.core.instruments import Instrument


class SymbolInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A symbol's contract and trading conditions. What a venue does not say keeps its default."""

    instrument: Instrument
    description: str = ""
    path: str = ""
    """Where a broker files it, such as `Forex\\Majors`."""
    trade_mode: str = "full"
    """disabled, long_only, short_only, close_only or full."""
    execution: str = "market"
    """request, instant, market or exchange."""
    fillings: tuple[str, ...] = ()
    """Which of fok, ioc and boc orders may ask for; () is not said."""
    spread: int = 0
    """In points, at the time of asking; 0 is not said."""
    tick_value: int = 0
    """Worth of one tick of one lot in the account's currency, at `TERMS_SCALE`, at the time of asking; 0 is not said."""
