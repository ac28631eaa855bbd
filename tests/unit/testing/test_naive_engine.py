"""Time, latency, listings and the state hash of the naive engine."""

import msgspec
import pytest

from papertape.core.draws import draw_below, purpose_id
from papertape.core.errors import DataError, UnknownInstrument
from papertape.core.instruments import instrument_event
from papertape.core.records import WHOLE, Kind, RecordBuffer
from papertape.paper_trading.engine.rows import Side
from papertape.paper_trading.engine.state_hash import engine_hash, next_event_word, run_hash
from papertape.paper_trading.engine.terms import Terms
from papertape.testing.naive_engine import NaiveEngine
from tests.engine_world import MONEY, MS, PERPETUAL, SPOT, World


def test_orders_arrive_by_due_time_then_in_the_order_in_which_they_were_sent() -> None:
    world = World(PERPETUAL, latency_out_ns=2 * MS, latency_jitter_ns=10 * MS)
    world.quote(100, 9, 102, 9)
    sent = [world.buy(90 + place, 1) for place in range(6)]
    delays = [2 * MS + draw_below(10 * MS + 1, 1, purpose_id("engine.latency"), place + 1, 0) for place in range(6)]
    assert [(one.due_ns, one.number) for one in world.engine.view().due] == sorted(
        (MS + delay, place + 1) for place, delay in enumerate(delays)
    )
    world.wait(50)
    events = world.events()
    assert [event.order for event in events] == [sent[place] for place in sorted(range(6), key=delays.__getitem__)]
    assert [event.ts_ns for event in events] == sorted(MS + delay for delay in delays)


def test_without_latency_an_order_waits_until_all_have_acted() -> None:
    world = World(PERPETUAL)
    world.quote(100, 9, 102, 9)
    for _ in range(2):
        world.engine.submit(0, 0, 1, 0, 0, 0, 1)
    assert world.told() == []
    world.engine.settle()
    assert world.told() == ["fill 1 @ 102", "fill 1 @ 102"]


def test_what_is_due_happens_before_the_record_that_is_not_before_it() -> None:
    world = World(PERPETUAL, latency_out_ns=5 * MS)
    world.quote(100, 9, 102, 9)
    world.buy(0, 1)
    world.now_ms += 5
    world.quote(100, 9, 109, 9)
    assert world.told() == ["fill 1 @ 102"]


def test_a_cancel_that_overtakes_its_order_ends_it() -> None:
    seed = next(
        seed
        for seed in range(99)
        if draw_below(9, seed, purpose_id("engine.latency"), 1, 0)
        > draw_below(9, seed, purpose_id("engine.latency"), 2, 0)
    )
    world = World(PERPETUAL, latency_jitter_ns=8, seed=seed)
    world.quote(100, 9, 102, 9)
    order = world.engine.submit(0, 0, 1, 1, 0, 100, 1)
    world.engine.cancel(0, order)
    world.wait(1)
    assert world.told() == ["cancelled by_request"]
    assert world.engine.view().due == []


def test_engine_time_follows_the_offset_and_never_goes_back() -> None:
    world = World(PERPETUAL)
    world.quote(1, 9, 3, 9)
    times = []
    for offset in (None, 7, -500, None, 0):
        world.wait(1, offset_ms=offset)
        times.append(world.engine.view().now_ns // MS)
    assert times == [2, 10, 10, 10, 10]


def test_a_due_time_marks_the_second_that_it_crosses() -> None:
    world = World(PERPETUAL, cash=10, latency_out_ns=1_500 * MS)
    world.quote(1, 9, 3, 9)
    world.buy(0, 1)
    world.wait(2_600)
    assert world.engine.take_marks() == [(10**9, 0, 10 * MONEY, 10 * MONEY), (2 * 10**9, 0, 9 * MONEY, 10 * MONEY)]


def test_events_are_numbered_and_hashed_however_they_are_fetched() -> None:
    once, often = World(PERPETUAL), World(PERPETUAL)
    fetched = []
    for world in (once, often):
        for place in range(3):
            world.quote(100, 9, 102, 9)
            world.buy(0, place)
            if world is often:
                fetched += world.events()
    events = once.events()
    assert events == fetched
    assert [event.number for event in events] == [1, 2, 3]
    assert once.engine.view() == often.engine.view()
    assert once.engine.view().event_word == f"{next_event_word(0, events):016x}"
    assert once.engine.state_hash() == often.engine.state_hash()


def test_the_state_hash_is_that_of_the_market_and_of_the_view() -> None:
    world = World(SPOT)
    world.quote(100, 9, 102, 9)
    market = world.engine.state_hash()
    world.buy(100, 1)
    assert world.engine.state_hash() != market
    assert world.engine.state_hash() == run_hash(world.engine._market.state_hash(), engine_hash(world.engine.view()))


def test_orders_for_nobody_s_instrument_and_impossible_fields_are_refused() -> None:
    world = World(SPOT)
    world.engine.submit(0, 3, 1, 1, 0, 100, 1)
    world.engine.submit(0, 0, 0, 1, 0, 100, 1)
    assert world.told() == ["rejected not_listed", "rejected bad_request"]
    assert world.engine.view().orders_made == 2
    assert world.engine.view().arrivals == 0


def test_data_of_an_unlisted_instrument_is_an_error() -> None:
    engine = NaiveEngine(lambda one: Terms(), 1)
    buffer = RecordBuffer()
    buffer.pack(0, 1, Kind.PRINT, WHOLE, 4, 0, 1, 1, 0, 0, 1)
    with pytest.raises(UnknownInstrument):
        engine.take(buffer.take())


def test_other_scales_are_told_anew_only_when_nobody_holds_anything() -> None:
    world = World(SPOT)
    world.quote(100, 9, 102, 9)
    world.trade(101, 1, sold=True)
    world.engine.take(instrument_event(SPOT.with_scales(1, 1), 0, MS))
    assert world.engine._venue.listings[0].top == (1_000, 90, 1_020, 90)
    world.send(Side.BUY, 1, 500, 10)
    with pytest.raises(DataError, match="other scales"):
        world.engine.take(instrument_event(SPOT.with_scales(2, 2), 0, MS))


def test_other_rules_at_the_same_scales_hold_for_new_orders() -> None:
    world = World(SPOT)
    world.quote(100, 9, 102, 9)
    order = world.buy(99, 1)
    world.engine.take(instrument_event(msgspec.structs.replace(SPOT, lot=2, epoch=1), 0, MS))
    world.buy(99, 1)
    assert world.told() == ["accepted", "rejected not_on_lot"]
    assert world.order(order) is not None
