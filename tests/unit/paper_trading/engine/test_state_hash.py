from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.state_hash import engine_hash, next_event_word, run_hash
from tests.differential.order_flow import play, scenario


def test_the_kernels_word_is_that_of_plain_python() -> None:
    world = scenario(5)
    engine = Engine(world.terms, world.seed)
    play(engine, world, 100)
    events = engine.take_events()
    assert events
    assert engine.view().event_word == f"{next_event_word(0, events) & (1 << 64) - 1:016x}"


def test_every_part_counts() -> None:
    world = scenario(5)
    engine = Engine(world.terms, world.seed)
    play(engine, world, 100)
    view = engine.view()
    first = engine_hash(view)
    assert engine_hash(view._replace(now_ns=view.now_ns + 1)) != first
    assert engine_hash(view._replace(accounts=view.accounts[1:])) != first
    assert run_hash("a", "b") != run_hash("b", "a")
