"""The document, sentence by sentence, with numbers worked out by hand: arrival, taking, resting, cancel and amend."""

from papertape.core.records import Flag, PrintCause, Verdict
from papertape.paper_trading.engine.rows import Side
from tests.engine_world import FOK, IOC, LIMIT, PERPETUAL, POST_ONLY, STOP, World


def quoted(**terms: int) -> World:
    """A perpetual quoted 100 x 5 / 102 x 5, with a book one level deeper on each side."""
    world = World(PERPETUAL, **terms)
    world.snapshot(1, {100: 5, 99: 8}, {102: 5, 103: 7})
    world.quote(100, 5, 102, 5, id=2)
    return world


def test_a_market_order_walks_the_levels_and_the_rest_expires() -> None:
    world = quoted()
    world.buy(0, 14)
    assert world.told() == ["fill 5 @ 102", "fill 7 @ 103", "expired no_liquidity"]


def test_what_was_taken_of_a_level_is_gone_for_this_account_until_its_size_changes() -> None:
    world = quoted()
    world.engine.open_account("two", 10**15, 1, "USD")
    world.buy(0, 3)
    world.buy(102, 4, IOC)
    world.buy(102, 4, IOC)
    world.buy(102, 4, IOC, account=1)
    assert world.told() == [
        *("fill 3 @ 102", "fill 2 @ 102", "expired ioc_rest"),
        *("expired ioc_rest", "fill 4 @ 102"),
    ]
    world.quote(100, 5, 102, 6, id=3)
    world.buy(102, 9, IOC)
    assert world.told() == ["fill 6 @ 102", "expired ioc_rest"]


def test_a_quoted_size_of_zero_takes_any_size() -> None:
    world = World(PERPETUAL)
    world.quote(100, 0, 102, 0)
    world.buy(0, 900)
    assert world.told() == ["fill 900 @ 102"]


def test_without_a_market_a_market_order_is_refused_at_submission_or_at_arrival() -> None:
    world = World(PERPETUAL, latency_out_ns=1_000_000)
    world.buy(0, 1)
    world.quote(100, 5, 102, 5)
    world.buy(0, 1)
    world.quote(103, 5, 102, 5)
    world.wait(1)
    assert world.told() == ["rejected no_market", "rejected no_market"]


def test_limits_take_what_they_allow_and_rest_expire_or_do_neither() -> None:
    world = quoted()
    world.buy(102, 7)
    assert world.told() == ["fill 5 @ 102", "accepted"]
    world.quote(100, 5, 102, 6, id=3)
    world.told()
    for tif, size in ((FOK, 14), (POST_ONLY, 1), (FOK, 10)):
        world.buy(103, size, tif)
    world.buy(101, 1, POST_ONLY)
    # 6 - 2 that the order above took when the quote changed, then 7 behind it.
    assert world.told() == [
        *("expired not_fillable", "expired would_take", "fill 4 @ 102", "fill 6 @ 103", "accepted"),
    ]


def test_nothing_is_matched_while_the_top_is_crossed() -> None:
    world = World(PERPETUAL)
    world.quote(102, 5, 102, 5)
    for tif in (IOC, FOK, POST_ONLY):
        world.buy(103, 1, tif)
    assert world.told() == ["expired ioc_rest", "expired not_fillable", "accepted"]
    world.quote(101, 5, 103, 5)
    assert world.told() == ["fill 1 @ 103"]


def test_a_resting_order_stands_behind_what_is_displayed() -> None:
    world = quoted()
    orders = [world.buy(price, 1) for price in (101, 100, 99, 98)]
    assert [world.ahead(order) for order in orders] == [0, 5, 8, 0]
    world.gap()
    assert world.ahead(world.buy(99, 1)) == -1
    assert World(PERPETUAL).order(1) is None


def test_an_order_moves_up_by_the_top_and_by_the_book_and_never_back() -> None:
    world = quoted()
    at_best, behind = world.buy(100, 1), world.buy(99, 1)
    world.quote(100, 3, 102, 5, id=3)
    world.quote(100, 9, 102, 5, id=4)
    world.depth(5, {99: 2}, {})
    world.depth(6, {99: 20}, {})
    assert (world.ahead(at_best), world.ahead(behind)) == (3, 2)
    world.quote(98, 9, 102, 5, id=7)
    assert (world.ahead(at_best), world.ahead(behind)) == (0, 0)


def test_an_old_depth_event_does_not_move_orders_at_the_top() -> None:
    world = quoted()
    at_best, behind = world.buy(100, 1), world.buy(99, 1)
    world.quote(100, 4, 102, 5, id=9)
    world.depth(3, {100: 1, 99: 1}, {})
    assert (world.ahead(at_best), world.ahead(behind)) == (4, 1)


def test_prints_at_the_price_use_up_the_queue_then_fill() -> None:
    world = quoted()
    order = world.buy(100, 4)
    world.told()
    world.trade(100, 3, sold=True)
    assert (world.told(), world.ahead(order)) == ([], 2)
    world.trade(100, 3, sold=True)
    assert (world.told(), world.ahead(order)) == (["fill 1 @ 100"], 0)
    world.trade(100, 9, sold=False)
    world.trade(101, 9, sold=True)
    world.trade(100, 9, sold=True, flags=Flag.BACKFILL)
    world.trade(100, 9, sold=True, cause=PrintCause.INSURANCE_FUND)
    assert world.told() == []
    world.trade(100, 9, sold=True)
    assert world.told() == ["fill 3 @ 100"]


def test_a_print_is_used_once_per_account_from_the_best_price_the_oldest_first() -> None:
    world = quoted()
    world.engine.open_account("two", 10**15, 1, "USD")
    first, second, better = world.buy(100, 2), world.buy(100, 2), world.buy(101, 2)
    other = world.buy(101, 9, account=1)
    world.events()
    world.trade(100, 8, sold=True)
    # The print went through 101: 2 to `better`, 8 to `other`. At 100 `left` is 6, behind 5: 1 to `first`; then 5, none.
    assert [(event.order, event.size) for event in world.events()] == [(better, 2), (other, 8), (first, 1)]
    assert world.ahead(second) == 0


def test_a_print_from_before_the_arrival_does_not_count() -> None:
    world = quoted()
    world.wait(9)
    order = world.buy(101, 2)
    world.trade(100, 5, sold=True, event_ms=world.now_ms - 1)
    assert world.order(order) is not None
    world.trade(100, 5, sold=True, event_ms=world.now_ms)
    assert world.order(order) is None


def test_a_top_that_reaches_a_resting_order_fills_it_at_its_own_price_as_maker() -> None:
    world = quoted(maker_rate=1_000_000, taker_rate=2_000_000)
    order = world.buy(101, 20)
    world.events()
    world.quote(99, 5, 100, 6, id=3)
    fill, *others = world.events()
    assert others == []
    assert (fill.price, fill.size, fill.liquidity, fill.fee) == (101, 6, 1, 606_000_000)
    world.depth(4, {}, {100: 6, 101: 3})
    assert world.told() == []  # the top did not change, and 101 waits for one that does
    world.quote(99, 6, 100, 6, id=5)
    assert world.told() == ["fill 3 @ 101"]
    assert world.ahead(order) == 0


def test_stops_fire_by_the_last_price_the_best_trigger_first() -> None:
    world = quoted()
    low, high, buy = (
        world.send(side, STOP, price, 1) for side, price in ((Side.SELL, 96), (Side.SELL, 98), (Side.BUY, 110))
    )
    assert world.told() == ["accepted"] * 3
    world.trade(99, 1, sold=True)
    world.trade(96, 1, sold=True)
    events = world.events()
    assert [(event.kind, event.order) for event in events] == [(3, high), (4, high), (3, low), (4, low)]
    world.send(Side.SELL, STOP, 97, 1)
    assert world.told() == ["triggered", "fill 1 @ 100"]
    assert world.order(buy) is not None


def test_a_stop_without_prints_uses_the_quote_and_waits_while_the_top_is_crossed() -> None:
    world = World(PERPETUAL)
    world.send(Side.BUY, STOP, 102, 1)
    world.quote(104, 5, 103, 5)
    assert world.told() == ["accepted"]
    world.quote(100, 5, 103, 5)
    assert world.told() == ["triggered", "fill 1 @ 103"]


def test_whole_fills_take_all_at_the_best_price_and_all_of_the_rest() -> None:
    world = quoted(whole_fills=True)
    world.buy(103, 50)
    resting = world.buy(100, 50)
    world.trade(100, 5, sold=True)
    assert world.told() == ["fill 50 @ 102", "accepted"]
    assert world.ahead(resting) == 0
    world.trade(100, 1, sold=True)
    world.buy(101, 50)
    world.quote(99, 1, 101, 1, id=3)
    assert world.told() == ["fill 50 @ 100", "accepted", "fill 50 @ 101"]


def test_a_quote_that_the_gate_condemned_or_that_is_old_is_no_top() -> None:
    world = quoted()
    world.quote(100, 5, 101, 5, id=3, verdict=Verdict.CROSSED)
    world.quote(100, 5, 101, 5, id=2)
    world.quote(0, 5, 101, 5, id=4)
    world.buy(101, 1, IOC)
    assert world.told() == ["expired ioc_rest"]


def test_a_top_of_the_book_ends_with_its_synchrony() -> None:
    world = World(PERPETUAL)
    world.snapshot(1, {100: 5}, {102: 5})
    world.gap()
    world.buy(0, 1)
    world.snapshot(9, {100: 5}, {102: 5})
    world.buy(0, 1)
    assert world.told() == ["rejected no_market", "fill 1 @ 102"]


def test_cancels_reach_resting_orders_orders_on_their_way_and_orders_that_have_ended() -> None:
    world = World(PERPETUAL, latency_out_ns=5_000_000)
    world.quote(100, 5, 102, 5)
    order = world.buy(100, 1)
    world.wait(5)
    world.cancel(order)
    world.cancel(order)
    world.cancel(order, account=5)
    world.cancel(77)
    world.wait(5)
    assert world.told() == [
        *("accepted", "refused unknown_order", "refused unknown_order"),
        *("cancelled by_request", "refused ended"),
    ]


def test_a_trade_that_the_quote_showed_first_moves_an_order_once() -> None:
    world = quoted()
    order = world.buy(100, 4)
    shown_ms = world.now_ms
    world.quote(100, 1, 102, 5, id=3)
    world.wait(1)
    world.trade(100, 4, sold=True, event_ms=shown_ms)
    assert world.ahead(order) == 1, "the quote has counted these 4"
    world.trade(100, 2, sold=True, event_ms=shown_ms)
    assert world.told() == ["accepted", "fill 1 @ 100"], "what goes beyond what was shown moves it"
    world.quote(100, 0, 102, 5, id=4)
    world.trade(100, 1, sold=True, event_ms=world.now_ms + 1)
    assert world.told() == ["fill 1 @ 100"], "a later stamp is another trade"


def test_less_size_keeps_the_place_and_anything_else_loses_it() -> None:
    world = quoted()
    first, second = world.buy(100, 4), world.buy(100, 4)
    world.quote(100, 2, 102, 5, id=3)
    world.amend(first, 100, 3)
    world.wait(1)
    world.trade(100, 3, sold=True, event_ms=world.now_ms)
    assert world.told() == ["accepted", "accepted", "amended", "fill 1 @ 100"]
    world.amend(first, 100, 4)
    assert (world.ahead(first), world.ahead(second)) == (2, 0)
    world.amend(first, 100, 1)
    assert world.told() == ["amended", "accepted", "cancelled by_request"]
    world.amend(second, 102, 4)
    assert world.told() == ["amended", "fill 4 @ 102"]


def test_an_amend_must_keep_the_rules_and_be_paid() -> None:
    world = quoted()
    order = world.buy(100, 4)
    world.told()
    world.amend(order, 0, 4)
    world.amend(order, 100, 0)
    world.amend(order, 100, 4_000)
    assert world.told() == ["refused not_on_tick", "refused not_on_lot", "refused no_balance"]
    live = world.order(order)
    assert live is not None
    assert (live.price, live.size, live.ahead) == (100, 4, 5)


def test_an_order_at_most_walks_512_levels() -> None:
    world = World(PERPETUAL, cash=10**9)
    world.snapshot(1, {1: 1}, {1_000 + place: 1 for place in range(600)})
    world.send(Side.BUY, LIMIT, 3_000, 600, IOC)
    told = world.told()
    assert told.count("expired ioc_rest") == 1
    assert len(told) == 513
