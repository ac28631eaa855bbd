"""What a REST question costs, by the venue's documented weights (spot and USD-M market data, 2026)."""

from collections.abc import Mapping

from papertape.core.instruments import InstrumentKind
from papertape.data.wire.binance.rules import Rules

_SPOT = {
    "ping": 1,
    "time": 1,
    "exchangeInfo": 20,
    "trades": 25,
    "historicalTrades": 25,
    "aggTrades": 4,
    "klines": 2,
    "ticker/24hr": 2,
}
_USDM = {
    "ping": 1,
    "time": 1,
    "exchangeInfo": 1,
    "trades": 5,
    "historicalTrades": 200,
    "aggTrades": 20,
    "premiumIndex": 1,
    "ticker/24hr": 1,
}
_SPOT_DEPTH = ((100, 5), (500, 25), (1000, 50), (5000, 250))
_USDM_DEPTH = ((50, 2), (100, 5), (500, 10), (1000, 20))
_USDM_KLINES = ((99, 1), (499, 2), (1000, 5), (1500, 10))
UNKNOWN_WEIGHT = 50
"""What a route costs that stands in no table; the venue's answer corrects it."""


def weight_of(rules: Rules, route: str, query: Mapping[str, str]) -> int:
    """The weight of asking `route`, which is told without its prefix."""
    is_spot = rules.kind is InstrumentKind.CRYPTO_SPOT
    if route == "depth":
        return _by_limit(_SPOT_DEPTH if is_spot else _USDM_DEPTH, int(query.get("limit", 100 if is_spot else 500)))
    if route == "klines" and not is_spot:
        return _by_limit(_USDM_KLINES, int(query.get("limit", 500)))
    return (_SPOT if is_spot else _USDM).get(route, UNKNOWN_WEIGHT)


def _by_limit(table: tuple[tuple[int, int], ...], limit: int) -> int:
    return next((weight for most, weight in table if limit <= most), table[-1][1])
