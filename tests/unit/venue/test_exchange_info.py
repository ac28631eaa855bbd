"""The exchangeInfo that a reel without one gets."""

from typing import Any

import msgspec
import pytest

from papertape.venue.exchange_info import exchange_info, split_symbol
from papertape.venue.rules import SPOT, USDM, VenueRules
from papertape.venue.scan import Grid, ReelFacts


def filters_of(rules: VenueRules, grid: Grid) -> dict[str, dict[str, Any]]:
    facts = ReelFacts(files=(), symbol="ABCUSDT", grids={"ABCUSDT": grid})
    [symbol] = exchange_info(facts, rules, 17, "ABCUSDT")["symbols"]
    return {item["filterType"]: item for item in symbol["filters"]}


def test_spot_writes_eight_decimals() -> None:
    filters = filters_of(SPOT, Grid(price_decimals=2, size_decimals=0))
    assert filters["PRICE_FILTER"]["tickSize"] == "0.01000000"
    assert filters["LOT_SIZE"]["stepSize"] == filters["LOT_SIZE"]["minQty"] == "1.00000000"
    assert filters["NOTIONAL"]["minNotional"] == "5.00000000"


def test_usdm_writes_the_decimals_it_needs() -> None:
    filters = filters_of(USDM, Grid(price_decimals=0, size_decimals=3))
    assert filters["PRICE_FILTER"]["tickSize"] == "1"
    assert filters["LOT_SIZE"]["stepSize"] == "0.001"
    assert filters["MIN_NOTIONAL"]["notional"] == "5"


def test_the_least_notional_where_it_is_known() -> None:
    assert filters_of(SPOT, Grid(min_notional="1"))["NOTIONAL"]["minNotional"] == "1.00000000"
    assert filters_of(USDM, Grid(min_notional="1"))["MIN_NOTIONAL"]["notional"] == "1"


def test_the_reel_s_own_is_answered_with_the_venue_s_time() -> None:
    own = {"timezone": "UTC", "serverTime": 1, "symbols": [{"symbol": "ABCUSDT", "x": 1}, {"symbol": "DEFUSDT"}]}
    facts = ReelFacts(files=(), symbol="ABCUSDT", exchange_info=msgspec.json.encode(own))
    assert exchange_info(facts, SPOT, 17, None) == own | {"serverTime": 17}
    assert exchange_info(facts, SPOT, 17, "ABCUSDT")["symbols"] == [{"symbol": "ABCUSDT", "x": 1}]


@pytest.mark.parametrize(
    ("symbol", "parts"),
    [
        ("BTCUSDT", ("BTC", "USDT")),
        ("ETHBTC", ("ETH", "BTC")),
        ("BTCFDUSD", ("BTC", "FDUSD")),
        ("AAAZZZ", ("AAA", "ZZZ")),
    ],
)
def test_base_and_quote(symbol: str, parts: tuple[str, str]) -> None:
    assert split_symbol(symbol) == parts
