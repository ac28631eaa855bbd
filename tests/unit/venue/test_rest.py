"""The weight account and what requests cost."""

import pytest

from papertape.venue.derived import Derived
from papertape.venue.market import Market
from papertape.venue.rest import RestDesk, WeightAccount
from papertape.venue.rules import SPOT, USDM, VenueRules
from papertape.venue.scan import ReelFacts


def desk_of(facts: ReelFacts, rules: VenueRules) -> RestDesk:
    market = Market(facts, rules)
    return RestDesk(market, rules, Derived(market, rules))


def test_weights_add_up_per_address_and_start_anew_each_minute() -> None:
    account = WeightAccount(100)
    assert account.charge("a", 60, now_s=600.0) == (60, 0)
    assert account.charge("b", 60, now_s=601.0) == (60, 0)
    assert account.charge("a", 40, now_s=640.0) == (100, 0)
    assert account.charge("a", 1, now_s=645.5) == (101, 15)
    assert account.charge("a", 1, now_s=659.9) == (102, 1)
    assert account.charge("a", 1, now_s=660.0) == (1, 0)


@pytest.mark.parametrize(
    ("limit", "spot", "usdm"),
    [("5", 5, 2), ("50", 5, 2), ("100", 5, 5), ("500", 25, 10), ("1000", 50, 20), ("5000", 250, 20), ("x", 5, 10)],
)
def test_depth_costs_by_its_limit(limit: str, spot: int, usdm: int) -> None:
    facts = ReelFacts(files=(), symbol="A")
    for rules, expected in ((SPOT, spot), (USDM, usdm)):
        assert desk_of(facts, rules).weight("depth", {"symbol": "A", "limit": limit}) == expected


def test_every_route_has_a_weight() -> None:
    facts = ReelFacts(files=(), symbol="A")
    for rules in (SPOT, USDM):
        desk = desk_of(facts, rules)
        assert all(desk.weight(route, {}) > 0 for route in desk.routes)
