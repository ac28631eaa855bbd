"""Aggregate trades sum up what stands before them."""

import json
from itertools import pairwise

import pytest

from papertape.core.fixed import parse_fixed
from papertape.venue.rules import VenueName
from papertape.venue.synthetic.aggregates import with_aggregates
from papertape.venue.synthetic.market import BEGIN_NS, SyntheticMarket


@pytest.mark.parametrize("venue", ["binance-spot", "binance-usdm"])
def test_each_print_is_in_one_aggregate(venue: VenueName) -> None:
    market = SyntheticMarket(3, ("BTCUSDT",), venue)
    last_ids: dict[str, int] = {}
    trades, aggregates = [], []
    while market.next_ns < BEGIN_NS + 20_000_000_000:
        for event in with_aggregates(market.advance(), last_ids):
            if event.stream.endswith("@trade"):
                trades.append(json.loads(event.payload))
            elif event.stream.endswith("@aggTrade"):
                aggregates.append(json.loads(event.payload))
    assert len(aggregates) < len(trades)
    assert all(
        after["a"] == before["a"] + 1 and after["f"] == before["l"] + 1 for before, after in pairwise(aggregates)
    )
    by_id = {trade["t"]: trade for trade in trades}
    for one in aggregates:
        parts = [by_id[number] for number in range(one["f"], one["l"] + 1)]
        assert {(part["p"], part["m"], part["T"]) for part in parts} == {(one["p"], one["m"], one["T"])}
        assert parse_fixed(one["q"], 8) == sum(parse_fixed(part["q"], 8) for part in parts)
    keys = "e E s a p q f l T m M" if venue == "binance-spot" else "e E s a p q nq f l T m"
    assert list(aggregates[0]) == keys.split()
