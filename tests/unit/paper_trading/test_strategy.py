from decimal import Decimal

from papertape.paper_trading.strategy import Quote, Strategy
from tests.engine_world import SPOT

FINE = SPOT.with_scales(2, 3)


def test_a_quote_in_decimals() -> None:
    quote = Quote(FINE, 0, 10_001, 5, 10_002, 7)
    assert (quote.bid, quote.ask, quote.mid) == (Decimal("100.01"), Decimal("100.02"), Decimal("100.015"))
    assert (quote.bid_size, quote.ask_size) == (Decimal("0.005"), Decimal("0.007"))


def test_attributes_are_remembered() -> None:
    class Counting(Strategy):
        count = 0

    one, other = Counting(), Counting()
    one.count = 5
    other.load(one.save())
    assert other.count == 5
