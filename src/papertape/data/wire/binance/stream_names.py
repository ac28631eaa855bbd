"""Names of streams: which there are, and which route of a market carries each."""

from collections.abc import Sequence

import msgspec

from papertape.core.errors import InputError
from papertape.core.instruments import InstrumentKind
from papertape.core.values import INTERVALS
from papertape.data.wire.binance.rules import Rules

DIFF_SPEEDS = ("", "@0ms", "@100ms", "@250ms", "@500ms")
PARTIAL_LEVELS = (5, 10, 20)
MARK_SPEEDS = ("", "@1s")
TICKER_WINDOWS = ("", "_1h", "_4h", "_1d")

_EVERYWHERE = ("trade", "aggTrade", "bookTicker", "ticker", "miniTicker")
_DEPTH = tuple(f"depth{levels}" for levels in ("", *PARTIAL_LEVELS))


def stream_names(rules: Rules) -> tuple[str, ...]:
    """The streams of a symbol that the market has and papertape takes, without the symbol."""
    if rules.kind is InstrumentKind.CRYPTO_SPOT:
        depth = tuple(f"{name}{speed}" for name in _DEPTH for speed in ("", "@100ms"))
        windows = tuple(f"ticker{window}" for window in TICKER_WINDOWS[1:])
        return (*_EVERYWHERE, *windows, *depth, *(f"kline_{name}" for name in INTERVALS))
    depth = tuple(f"{name}{speed}" for name in _DEPTH for speed in DIFF_SPEEDS)
    values = ("forceOrder", *(f"markPrice{speed}" for speed in MARK_SPEEDS))
    return (*_EVERYWHERE, *depth, *values, *(f"kline_{name}" for name in INTERVALS if name != "1s"))


def with_streams(rules: Rules, names: Sequence[str]) -> Rules:
    """`rules` whose routes carry these streams of every symbol, each on the route that the market wants it on.

    Raises InputError, naming what there is, for one that the market does not have.
    """
    known = stream_names(rules)
    wanted = tuple(dict.fromkeys(names))
    for name in wanted:
        if name not in known:
            raise InputError(f"--streams: expected streams of {rules.venue} ({', '.join(known)}), was {name!r}")
    prefixes = [prefix for prefix, _ in rules.routes]
    routes = {prefix: tuple(name for name in wanted if _prefix(rules, name) == prefix) for prefix in prefixes}
    return msgspec.structs.replace(rules, routes=tuple((prefix, kept) for prefix, kept in routes.items() if kept))


def _prefix(rules: Rules, name: str) -> str:
    """USD-M has books on one path and everything else on another; what is on the wrong one never comes (2026-04-23)."""
    if rules.kind is InstrumentKind.CRYPTO_SPOT:
        return ""
    return "/public" if name.startswith(("bookTicker", "depth")) else "/market"
