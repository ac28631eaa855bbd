"""The symbols of the synthetic market: what each is worth, its grid, how busy and how restless it is."""

import msgspec

from papertape.core.errors import InputError


class Listing(msgspec.Struct, frozen=True):
    """One symbol of the market; prices and sizes are whole numbers of ticks and lots."""

    symbol: str
    price: int
    """Where it opens, in ticks."""
    price_scale: int
    """Decimals of a price: a tick is the last of them."""
    size_scale: int
    """Decimals of a size: a lot is the last of them."""
    min_notional: int
    """The least an order may be worth, in the quote currency."""
    makers_per_s: int
    """Limit orders a second in quiet times."""
    takers_per_s: int
    """Market orders a second in quiet times."""
    order_value: int
    """Median value of a limit order, in the quote currency."""
    move_ppb: int
    """Own part of the typical move in one second, in parts per billion of the price."""
    beta_percent: int
    """How strongly it follows the moves common to all."""

    @property
    def lots_per_quote(self) -> int:
        """Lots that one unit of the quote currency bought at the opening, times 65,536."""
        return (int(10 ** (self.price_scale + self.size_scale)) << 16) // self.price


# Opening prices and grids are of the order of the real ones; the rest is chosen so that the market looks like one.
LISTINGS = (
    Listing("BTCUSDT", 6_400_000, 2, 5, 5, 400, 8, 1000, 40_000, 100),
    Listing("ETHUSDT", 265_000, 2, 4, 5, 330, 6, 800, 60_000, 125),
    Listing("SOLUSDT", 15_400, 2, 3, 5, 200, 4, 600, 80_000, 150),
    Listing("BNBUSDT", 56_500, 2, 3, 5, 140, 2, 500, 50_000, 80),
    Listing("XRPUSDT", 5_800, 4, 0, 5, 160, 3, 500, 90_000, 110),
    Listing("DOGEUSDT", 10_300, 5, 0, 1, 90, 3, 400, 100_000, 140),
    Listing("ADAUSDT", 3_600, 4, 1, 5, 60, 2, 400, 90_000, 120),
    Listing("TRXUSDT", 1_560, 4, 1, 5, 40, 1, 400, 40_000, 50),
    Listing("AVAXUSDT", 2_210, 2, 2, 5, 50, 2, 300, 90_000, 150),
    Listing("LINKUSDT", 1_090, 2, 2, 5, 50, 2, 300, 80_000, 130),
    Listing("DOTUSDT", 4_500, 3, 2, 5, 40, 1, 300, 80_000, 130),
    Listing("LTCUSDT", 6_030, 2, 3, 5, 40, 1, 300, 60_000, 100),
    Listing("BCHUSDT", 3_420, 1, 3, 5, 30, 1, 300, 80_000, 110),
    Listing("NEARUSDT", 4_100, 3, 1, 5, 40, 2, 240, 110_000, 150),
    Listing("UNIUSDT", 6_100, 3, 2, 5, 30, 1, 240, 90_000, 130),
    Listing("ATOMUSDT", 4_700, 3, 2, 5, 30, 1, 200, 80_000, 120),
    Listing("APTUSDT", 6_200, 3, 2, 5, 30, 1, 200, 100_000, 150),
    Listing("FILUSDT", 3_700, 3, 2, 5, 25, 1, 200, 90_000, 130),
    Listing("SUIUSDT", 8_800, 4, 1, 5, 50, 2, 240, 130_000, 160),
    Listing("PEPEUSDT", 760, 8, 0, 1, 60, 4, 120, 150_000, 180),
    Listing("ETCUSDT", 1_880, 2, 2, 5, 30, 1, 200, 80_000, 110),
    Listing("XLMUSDT", 9_900, 5, 0, 5, 30, 1, 200, 85_000, 115),
    Listing("HBARUSDT", 5_600, 5, 0, 5, 30, 1, 200, 90_000, 120),
    Listing("ICPUSDT", 7_800, 3, 2, 5, 30, 1, 200, 95_000, 125),
    Listing("ARBUSDT", 5_700, 4, 1, 5, 29, 1, 200, 100_000, 130),
    Listing("OPUSDT", 1_420, 3, 2, 5, 29, 1, 200, 105_000, 135),
    Listing("INJUSDT", 1_790, 2, 2, 5, 29, 1, 180, 80_000, 140),
    Listing("AAVEUSDT", 10_100, 2, 3, 5, 29, 1, 180, 85_000, 145),
    Listing("MKRUSDT", 2_050, 0, 4, 5, 28, 1, 180, 90_000, 110),
    Listing("GRTUSDT", 15_200, 5, 0, 5, 28, 1, 180, 95_000, 115),
    Listing("ALGOUSDT", 1_310, 4, 0, 5, 28, 1, 180, 100_000, 120),
    Listing("VETUSDT", 23_300, 6, 1, 5, 28, 1, 180, 105_000, 125),
    Listing("SANDUSDT", 2_680, 4, 0, 5, 27, 1, 160, 80_000, 130),
    Listing("MANAUSDT", 2_870, 4, 0, 5, 27, 1, 160, 85_000, 135),
    Listing("AXSUSDT", 4_850, 3, 2, 5, 27, 1, 160, 90_000, 140),
    Listing("THETAUSDT", 1_280, 3, 1, 5, 27, 1, 160, 95_000, 145),
    Listing("EGLDUSDT", 2_780, 2, 2, 5, 26, 1, 160, 100_000, 110),
    Listing("FLOWUSDT", 5_500, 4, 2, 5, 26, 1, 160, 105_000, 115),
    Listing("XTZUSDT", 6_900, 4, 1, 5, 26, 1, 140, 80_000, 120),
    Listing("EOSUSDT", 4_800, 4, 1, 5, 26, 1, 140, 85_000, 125),
    Listing("CHZUSDT", 5_800, 5, 0, 5, 25, 1, 140, 90_000, 130),
    Listing("CRVUSDT", 3_020, 4, 1, 5, 25, 1, 140, 95_000, 135),
    Listing("COMPUSDT", 4_550, 2, 3, 5, 25, 1, 140, 100_000, 140),
    Listing("SNXUSDT", 1_410, 3, 1, 5, 25, 1, 140, 105_000, 145),
    Listing("RUNEUSDT", 3_900, 3, 1, 5, 24, 1, 120, 80_000, 110),
    Listing("LDOUSDT", 1_080, 3, 2, 5, 24, 1, 120, 85_000, 115),
    Listing("STXUSDT", 1_560, 3, 1, 5, 24, 1, 120, 90_000, 120),
    Listing("SEIUSDT", 28_700, 5, 1, 5, 24, 1, 120, 95_000, 125),
    Listing("TIAUSDT", 5_400, 3, 2, 5, 24, 1, 120, 100_000, 130),
    Listing("WIFUSDT", 1_620, 3, 2, 5, 24, 1, 120, 105_000, 135),
)
NAMES = tuple(listing.symbol for listing in LISTINGS)


def first_symbols(count: int) -> tuple[str, ...]:
    """The first so many names of the list. Raises InputError for a count it does not have."""
    if not 1 <= count <= len(NAMES):
        raise InputError(f"symbols: expected from 1 to {len(NAMES)}, was {count}")
    return NAMES[:count]


def listings_of(symbols: tuple[str, ...]) -> tuple[Listing, ...]:
    """What is listed under these names. Raises InputError for none, an unknown one, or one named twice."""
    known = dict(zip(NAMES, LISTINGS, strict=True))
    for symbol in symbols:
        if symbol not in known:
            raise InputError(f"symbols: expected names of the synthetic market ({', '.join(NAMES)}), was {symbol}")
    if not symbols or len(dict.fromkeys(symbols)) < len(symbols):
        raise InputError(f"symbols: expected at least one, and each once, was {', '.join(symbols) or 'none'}")
    return tuple(known[symbol] for symbol in symbols)
