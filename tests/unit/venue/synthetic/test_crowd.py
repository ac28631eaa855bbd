"""The flow of one symbol; how much it is like a market's is measured in docs/explanation/the-synthetic-market.md."""

import pytest

from papertape.venue.matching import BUY, SELL, Fill
from papertape.venue.synthetic.crowd import BAND_PPB, CROWD, LEVELS_MIN, Crowd
from papertape.venue.synthetic.listings import LISTINGS, Listing
from papertape.venue.synthetic.value import PPB
from papertape.venue.synthetic.volatility import LEVEL_ONE, Pulse

BITCOIN = LISTINGS[0]
SECOND_NS = 1_000_000_000


def run(crowd: Crowd, until_ns: int) -> list[tuple[int, list[Fill]]]:
    """Everything up to a time; what takers did."""
    taken = []
    while crowd.next_ns < until_ns:
        side, fills = crowd.step()
        if fills:
            taken.append((side, fills))
    return taken


@pytest.mark.parametrize("listing", LISTINGS, ids=lambda listing: listing.symbol)
def test_it_opens_with_a_whole_book(listing: Listing) -> None:
    book = Crowd(7, listing, 100).book
    assert book.bids.best is not None and book.asks.best is not None
    assert book.bids.best < book.asks.best
    assert abs(book.bids.best - listing.price) <= 2
    assert min(len(book.bids.keys), len(book.asks.keys)) > LEVELS_MIN
    assert {order.owner for order in book.orders.values()} == {CROWD}
    assert book.update_id == 100 + len(book.orders)


def test_time_goes_forward_and_orders_come_and_go() -> None:
    crowd = Crowd(7, BITCOIN, 0)
    before, last_ns = dict(crowd.book.orders), 0
    for _ in range(5000):
        assert crowd.next_ns >= last_ns
        last_ns = crowd.next_ns
        crowd.step()
    assert last_ns > SECOND_NS
    assert set(before) - set(crowd.book.orders)
    assert set(crowd.book.orders) - set(before)


def test_the_price_follows_the_value() -> None:
    crowd = Crowd(7, BITCOIN, 0)
    run(crowd, SECOND_NS)
    for move_ppb in (2_000_000, -3_000_000):
        now_ns = crowd.next_ns
        crowd.pulse(Pulse(now_ns, move_ppb << 16, LEVEL_ONE))
        taken = run(crowd, now_ns + SECOND_NS)
        assert {side for side, _ in taken} & {BUY if move_ppb > 0 else SELL}
        mid = (crowd.book.bids.keys[0] * -1 + crowd.book.asks.keys[0]) / 2
        assert abs(mid * 65536 / crowd.value.price - 1) < 3 * BAND_PPB / PPB


def test_a_side_never_runs_empty() -> None:
    """Even when the value leaves the book behind at every pulse."""
    crowd = Crowd(7, LISTINGS[-1], 0)
    for step in range(400):
        crowd.pulse(Pulse(crowd.next_ns, 20_000_000 << 16, LEVEL_ONE))
        run(crowd, step * 10_000_000)
        assert min(len(crowd.book.bids.keys), len(crowd.book.asks.keys)) >= LEVELS_MIN


def test_a_side_that_somebody_took_away_as_a_whole_comes_back() -> None:
    crowd = Crowd(7, BITCOIN, 0)
    run(crowd, SECOND_NS)
    for side in (BUY, SELL):
        crowd.book.take(1, side, 10**12, 10**12 * side)
    run(crowd, 2 * SECOND_NS)
    assert crowd.book.bids.keys[0] * -1 < crowd.book.asks.keys[0]


def test_orders_are_worth_at_least_the_least() -> None:
    for listing in LISTINGS:
        lots = [order.lots for order in Crowd(7, listing, 0).book.orders.values()]
        assert min(lots) / (listing.lots_per_quote / 65536) >= listing.min_notional


def test_orders_of_others_are_met_and_left_alone() -> None:
    """The seam for clients: what they place rests among the crowd's orders, in price-time priority."""
    crowd = Crowd(7, BITCOIN, 0)
    run(crowd, SECOND_NS)
    mine = crowd.book.place(1, BUY, crowd.book.asks.keys[0] - 1, 1).order_id
    far = crowd.book.place(1, BUY, BITCOIN.price // 2, 1).order_id
    taken = []
    while mine in crowd.book.orders:
        crowd.pulse(Pulse(crowd.next_ns, -20_000 << 16, LEVEL_ONE))
        taken += run(crowd, crowd.next_ns + 10_000_000)
    assert [fill.maker_owner for _, fills in taken for fill in fills if fill.maker_id == mine] == [1]
    assert far in crowd.book.orders
