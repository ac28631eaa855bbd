import pytest

from papertape.core.errors import DataError, UnknownInstrument
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.terms import Terms
from papertape.runtime.bench.market_stream import listing, quotes
from tests.differential.order_flow import play, scenario


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
