import msgspec
import pytest

from papertape.core.errors import DataError, IntegrityError, UnknownInstrument
from papertape.core.instruments import instrument_event
from papertape.core.records import WHOLE, Kind, RecordBuffer
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.rows import LARGE
from papertape.paper_trading.engine.state import capacity_of
from papertape.paper_trading.engine.terms import Terms
from papertape.runtime.bench.market_stream import listing, quotes
from papertape.testing.naive_engine import NaiveEngine
from tests.differential.order_flow import play, scenario
from tests.engine_world import MS, PERPETUAL, SPOT, World


def test_accounts_are_opened_once_and_soundly() -> None:
    engine = Engine(lambda _: Terms(), 0)
    engine.open_account("one", 5)
    for arguments in (("one", 5), ("two", -1), ("three", 5, 0)):
        with pytest.raises(DataError):
            engine.open_account(*arguments)


def test_data_of_an_instrument_that_nobody_listed() -> None:
    with pytest.raises(UnknownInstrument):
        Engine(lambda _: Terms(), 0).take(quotes(1_000))


def test_what_was_exported_goes_on_to_the_same_state() -> None:
    world = scenario(3)
    engine = Engine(world.terms, world.seed)
    play(engine, world, 100)
    engine.take_events()
    engine.take_marks()
    other = Engine(world.terms, world.seed)
    other.restore(engine.export())
    assert other.state_hash() == engine.state_hash()


def test_a_quote_is_noticed() -> None:
    engine = Engine(lambda _: Terms(), 0)
    engine.take(listing())
    assert not engine.has_quote
    engine.take(quotes(1_000))
    assert engine.has_quote


def test_an_engine_that_outgrows_its_class_goes_on_as_if_nothing_had_been() -> None:
    worlds = [World(PERPETUAL, make=make, leverage=9) for make in (NaiveEngine, Engine)]
    for world in worlds:
        world.quote(100, 5, 102, 5)
        early = world.buy(99, 2)
        for number in range(1, 20):
            world.engine.open_account(f"account-{number}", 10**13, 9, "USD")
            other = msgspec.structs.replace(PERPETUAL, symbol=f"AAA{number}PERP")
            world.engine.take(instrument_event(other, number, world.now_ms * MS))
        for number in range(300):
            world.engine.submit(number % 20, 0, 1, 1, 0, 60 + number % 40, 1)
        world.engine.submit(19, 19, 1, 1, 0, 50, 1)
        world.engine.settle()
        world.amend(early, 99, 1)
        world.trade(95, 9, sold=True)
    naive, engine = (world.engine for world in worlds)
    assert capacity_of(engine.states) == LARGE
    assert engine.take_events() == naive.take_events()
    assert engine.state_hash() == naive.state_hash()


def test_a_listing_in_the_middle_of_a_batch_holds_for_what_comes_after_it() -> None:
    other = msgspec.structs.replace(PERPETUAL, symbol="BBBPERP")
    buffer = RecordBuffer()
    buffer.pack(0, MS, Kind.QUOTE, WHOLE, 0, 0, 100, 5, 102, 5, 1)
    buffer.extend(instrument_event(other, 1, 2 * MS))
    buffer.pack(0, 3 * MS, Kind.QUOTE, WHOLE, 1, 0, 200, 5, 202, 5, 1)
    records = buffer.take()
    worlds = [World(PERPETUAL, make=make) for make in (NaiveEngine, Engine)]
    for world in worlds:
        world.engine.take(records)
        for instrument in (0, 1, 2):
            world.engine.submit(0, instrument, 1, 0, 0, 0, 1)
        world.engine.settle()
        assert world.told() == ["rejected not_listed", "fill 1 @ 102", "fill 1 @ 202"]
    assert worlds[1].engine.listings == 2
    assert worlds[0].engine.state_hash() == worlds[1].engine.state_hash()


def test_what_is_due_is_settled_so_far_as_asked_and_the_clock_moves_on() -> None:
    world = World(PERPETUAL, make=Engine, latency_out_ns=5 * MS)
    world.quote(100, 5, 102, 5)
    for _ in range(3):
        world.engine.submit(0, 0, 1, 0, 0, 0, 1)
    world.engine.settle(5 * MS)
    assert world.told() == []
    world.engine.settle(6 * MS, 2)
    assert world.told() == ["fill 1 @ 102"] * 2
    assert (world.engine.arrivals, world.engine.now_ns) == (2, 6 * MS)
    world.engine.settle(9 * MS)
    world.engine.move_clock(9 * MS)
    world.engine.move_clock(7 * MS)
    assert (world.engine.arrivals, world.engine.now_ns) == (3, 9 * MS)


def test_a_clock_that_moves_marks_each_second_however_many_there_are() -> None:
    world = World(PERPETUAL, make=Engine)
    world.quote(100, 5, 102, 5)
    world.engine.take_marks()
    for second in range(1, 3_000):
        world.engine.move_clock(second * 10**9 + 1)
    assert [mark[0] // 10**9 for mark in world.engine.take_marks()] == list(range(1, 3_000))


def test_commands_alone_never_fill_the_buffer_of_events() -> None:
    world = World(PERPETUAL, make=Engine)
    for _ in range(3_000):
        world.engine.submit(0, 7, 1, 0, 0, 0, 1)
        world.engine.cancel(0, 10**9)
        world.engine.amend(0, 10**9, 1, 1)
    events = world.events()
    assert [event.number for event in events] == list(range(1, 9_001))
    assert [event.order for event in events[::3]] == list(range(1, 3_001))


def test_what_was_exported_takes_what_comes_as_the_engine_itself_does() -> None:
    world = World(PERPETUAL, make=Engine, latency_out_ns=5 * MS)
    world.quote(100, 5, 102, 5)
    world.buy(0, 1)
    world.wait(9)
    world.buy(99, 2)
    world.events()
    saved, original = world.engine.export(), world.engine
    world.engine = Engine(lambda one: Terms(latency_out_ns=5 * MS), 1)
    world.engine.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(saved)))
    hashes = []
    now_ms, quote_id = world.now_ms, world._quote_id
    for engine in (world.engine, original):
        world.engine, world.now_ms, world._quote_id = engine, now_ms, quote_id
        world.wait(9)
        world.quote(97, 5, 98, 5)
        assert world.told() == ["accepted", "fill 2 @ 99"]
        hashes.append(engine.state_hash())
    assert hashes[0] == hashes[1]


def test_cash_beyond_64_bits_is_an_error_and_no_wrong_number() -> None:
    world = World(SPOT, make=Engine)
    world.quote(100, 5, 102, 5)
    world.buy(0, 3)
    world.quote(9 * 10**10, 5, 10**11, 5)
    world.sell(0, 1)
    with pytest.raises(IntegrityError, match="64 bits"):
        world.sell(0, 1)
