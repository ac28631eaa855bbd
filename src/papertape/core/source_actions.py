"""What `record --source` and `symbols search` are asked and answer: several venues behind one door."""

from typing import Annotated

import msgspec
from msgspec import Meta

from papertape.core.action_parts import argument

RecordedVenue = Annotated[
    str | None,
    Meta(
        description="Market to listen to: binance-spot, binance-usdm, mt5, or a venue plug-in by its name or as file.py:Class."
    ),
]
Sources = Annotated[
    list[str],
    Meta(
        description="Sources to listen to instead of --venue, separated by commas: binance-spot, binance-usdm, mt5, ccxt:ID, "
        "server:NAME of the configuration, or a venue plug-in; the first is the preferred one, and its clock is the tape's."
    ),
]
Backups = Annotated[
    list[str],
    Meta(
        description="With --source: sources that stand in for the first one, separated by commas, the most trusted first."
    ),
]


class RecordedSource(msgspec.Struct, frozen=True, kw_only=True):
    """How one source did, at the end of the recording."""

    source: str
    venue: str
    connected: bool
    records: int
    reconnects: int
    trouble: str


class FollowedSymbol(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol that was followed. `places` are where, the preferred one first; `current` is the one that counts at the end."""

    symbol: str
    places: list[str]
    current: str
    switches: int
    """How often another place came to count."""
    divergent: int
    """Quotes of any of its places that contradicted another."""


class SymbolsSearch(msgspec.Struct, frozen=True, kw_only=True):
    """Find symbols however they are written: what fits, then what is spelled alike, at one source or several."""

    text: Annotated[str, argument("What to find, such as btc-usdt, BTC/USDT:USDT or binance-usdm:BTCUSDT.")]
    source: Annotated[
        list[str],
        Meta(description="Sources to ask, separated by commas; by default those that the configuration names."),
    ] = []
    limit: Annotated[int, Meta(description="How many symbols to tell at most.", ge=1, le=1000)] = 10


class FoundSymbol(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol that was found; steps are decimal text."""

    place: str
    """Venue and symbol, as `record --source` takes them."""
    meant: bool
    """Whether the text means it; else it is only spelled alike."""
    kind: str
    base: str
    quote: str
    settle: str
    price_step: str
    size_step: str
    trade_mode: str
    description: str


class SymbolsSearchResult(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `symbols search`."""

    found: list[FoundSymbol]
    """What is meant, then what is spelled alike, the nearest first."""
