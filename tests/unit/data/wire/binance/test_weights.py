import pytest

from papertape.data.wire.binance.rules import SPOT, USDM, Rules
from papertape.data.wire.binance.weights import UNKNOWN_WEIGHT, weight_of


@pytest.mark.parametrize(
    ("rules", "route", "limit", "weight"),
    [
        (SPOT, "depth", "", 5),
        (SPOT, "depth", "100", 5),
        (SPOT, "depth", "101", 25),
        (SPOT, "depth", "1000", 50),
        (SPOT, "depth", "5000", 250),
        (USDM, "depth", "50", 2),
        (USDM, "depth", "", 10),
        (USDM, "depth", "1000", 20),
        (SPOT, "klines", "1000", 2),
        (USDM, "klines", "99", 1),
        (USDM, "klines", "1500", 10),
        (SPOT, "historicalTrades", "1000", 25),
        (USDM, "historicalTrades", "1000", 200),
        (USDM, "aggTrades", "", 20),
        (SPOT, "new", "", UNKNOWN_WEIGHT),
    ],
)
def test_weights_are_those_of_the_tables(rules: Rules, route: str, limit: str, weight: int) -> None:
    assert weight_of(rules, route, {"limit": limit} if limit else {}) == weight
