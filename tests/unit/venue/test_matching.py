"""Price-time priority on examples; tests/property/test_matching.py says what holds for all orders."""

from papertape.venue.matching import BUY, SELL, Fill, OrderBook


def book(*orders: tuple[int, int, int]) -> OrderBook:
    """A book of (side, price, lots); the owner of each is its place, from 1."""
    made = OrderBook()
    for owner, (side, price, lots) in enumerate(orders, 1):
        assert made.place(owner, side, price, lots).order_id == owner
    return made


def test_the_best_price_is_met_first_then_the_oldest_order() -> None:
    one = book((SELL, 102, 5), (SELL, 101, 3), (SELL, 101, 4), (SELL, 100, 1))
    assert one.take(9, BUY, 6, worst_price=102) == [
        Fill(4, 4, 100, 1, 0),
        Fill(2, 2, 101, 3, 0),
        Fill(3, 3, 101, 2, 2),
    ]
    assert one.asks.all_levels() == [(101, 2), (102, 5)]


def test_bids_are_met_from_the_highest() -> None:
    one = book((BUY, 98, 5), (BUY, 99, 3))
    assert [fill.price for fill in one.take(9, SELL, 8, worst_price=0)] == [99, 98]
    assert one.bids.best is None
    assert one.bids.top() == (0, 0)


def test_what_a_taker_does_not_get_is_gone() -> None:
    one = book((SELL, 100, 1), (SELL, 102, 1))
    assert len(one.take(9, BUY, 5, worst_price=101)) == 1
    assert one.bids.all_levels() == []
    assert one.asks.all_levels() == [(102, 1)]


def test_the_rest_of_a_limit_order_rests() -> None:
    one = book((SELL, 100, 1))
    placed = one.place(9, BUY, 101, 5)
    assert placed.fills == [Fill(1, 1, 100, 1, 0)]
    assert one.bids.top() == (101, 4)
    assert one.orders[placed.order_id].lots == 4


def test_a_limit_order_that_is_filled_whole_has_no_id() -> None:
    assert book((SELL, 100, 5)).place(9, BUY, 100, 5).order_id == 0


def test_an_order_keeps_its_place_when_the_one_before_it_goes() -> None:
    one = book((BUY, 99, 1), (BUY, 99, 2), (BUY, 99, 3))
    gone = one.cancel(2)
    assert gone is not None
    assert (gone.owner, gone.lots) == (2, 2)
    assert one.cancel(2) is None
    assert [order.order_id for order in one.bids.orders_at(99)] == [1, 3]
    assert one.bids.lots_at(99) == 4
    assert [fill.maker_owner for fill in one.take(9, SELL, 4, worst_price=99)] == [1, 3]


def test_every_change_of_a_level_has_an_update_id_and_is_told_once() -> None:
    one = book((SELL, 101, 2), (SELL, 100, 1))
    assert one.update_id == 2
    assert one.asks.take_changed() == [(100, 1), (101, 2)]
    one.take(9, BUY, 2, worst_price=101)
    one.cancel(1)
    assert one.update_id == 5
    assert one.asks.take_changed() == [(100, 0), (101, 0)]
    assert one.asks.take_changed() == []


def test_a_price_without_orders_has_nothing() -> None:
    one = book((BUY, 99, 1))
    assert one.bids.lots_at(98) == 0
    assert one.bids.orders_at(98) == []
