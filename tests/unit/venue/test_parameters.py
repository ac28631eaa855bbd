"""Parameters of REST requests."""

import pytest

from papertape.venue.market import Market
from papertape.venue.parameters import Parameters, RestError
from papertape.venue.rules import SPOT, USDM, VenueRules
from papertape.venue.scan import Grid, ReelFacts


def parameters(rules: VenueRules = SPOT, **query: str) -> Parameters:
    facts = ReelFacts(files=(), symbol="ABCUSDT", grids={"ABCUSDT": Grid()})
    return Parameters(query, Market(facts, rules), rules)


def test_good_ones() -> None:
    given = parameters(symbol="ABCUSDT", limit="20", fromId="0")
    assert (given.symbol(), given.limit(500, range(1, 1001)), given.integer("fromId")) == ("ABCUSDT", 20, 0)
    assert (given.has("fromId"), given.has("endTime"), given.integer("endTime")) == (True, False, None)
    assert parameters().limit(500, (5, 10)) == 500


@pytest.mark.parametrize(
    ("rules", "symbol", "code"),
    [(SPOT, "", -1105), (USDM, "", -1102), (SPOT, "abcusdt", -1100), (SPOT, "A" * 21, -1100), (SPOT, "XYZ", -1121)],
)
def test_bad_symbols(rules: VenueRules, symbol: str, code: int) -> None:
    with pytest.raises(RestError) as refused:
        parameters(rules, symbol=symbol).symbol()
    assert refused.value.code == code
    with pytest.raises(RestError) as refused:
        parameters(rules).symbol()
    assert refused.value.code == -1102


@pytest.mark.parametrize(
    ("limit", "code"), [("6", -1130), ("0", -1130), ("", -1100), ("1.5", -1100), ("9" * 21, -1100)]
)
def test_bad_limits(limit: str, code: int) -> None:
    with pytest.raises(RestError) as refused:
        parameters(limit=limit).limit(500, (5, 10))
    assert refused.value.code == code
