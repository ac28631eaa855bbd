from decimal import Decimal

from papertape.paper_trading.engine.rows import EventKind, Reason, Side
from papertape.paper_trading.strategy import BarUpdate, OrderUpdate, Print, Quote, Strategy
from tests.engine_world import SPOT

FINE = SPOT.with_scales(2, 3)


def test_a_quote_in_decimals() -> None:
    quote = Quote(FINE, 0, 10_001, 5, 10_002, 7)
    assert (quote.bid, quote.ask, quote.mid) == (Decimal("100.01"), Decimal("100.02"), Decimal("100.015"))
    assert (quote.bid_size, quote.ask_size) == (Decimal("0.005"), Decimal("0.007"))


def test_a_print_in_decimals() -> None:
    trade = Print(FINE, 0, 10_001, 1_500, sold=True, id=3)
    assert (trade.price, trade.size) == (Decimal("100.01"), Decimal("1.500"))


def test_a_bar_of_the_middle_counts_halves_and_one_of_prints_does_not() -> None:
    halves = BarUpdate(FINE, 10**9, 0, 20_003, 20_010, 20_001, 20_004, 1_500, 0, 9, 2, halves=True)
    wanted = [Decimal(text) for text in ("100.015", "100.050", "100.005", "100.020")]
    assert [halves.open, halves.high, halves.low, halves.close] == wanted
    whole = halves._replace(halves=False)
    assert [whole.open, whole.high, whole.low, whole.close] == [Decimal(n).scaleb(-2) for n in halves[3:7]]
    assert halves.volume == whole.volume == Decimal("1.500")


def test_an_update_in_decimals_also_of_an_order_for_nothing_listed() -> None:
    update = OrderUpdate(
        FINE, 0, EventKind.FILL, 1, Side.BUY, 10_001, 1_500, 500, False, 150_01500000, 1_500, -7, Reason.NOTHING
    )
    assert (update.price, update.size, update.rest) == (Decimal("100.01"), Decimal("1.5"), Decimal("0.5"))
    assert (update.fee, update.realised) == (Decimal("0.000015"), Decimal("-0.00000007"))
    unlisted = update._replace(instrument=None)
    assert (unlisted.price, unlisted.size, unlisted.rest) == (10_001, 1_500, 500)


def test_attributes_are_remembered() -> None:
    class Counting(Strategy):
        count = 0

    one, other = Counting(), Counting()
    one.count = 5
    other.load(one.save())
    assert other.count == 5
