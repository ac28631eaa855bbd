from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.run import Run
from papertape.paper_trading.engine.terms import Terms
from papertape.paper_trading.strategy import Strategy
from papertape.runtime.bench import traders
from papertape.runtime.bench.market_stream import listing, quotes

QUOTES = 20_000


def traded(strategy: Strategy) -> Run:
    run = Run(Engine(lambda _: Terms(), 0), lambda _: Terms())
    run.open_account("bench", 10**14, leverage=10, strategy=strategy)
    run.take(0, listing())
    run.take(len(listing()), quotes(QUOTES))
    return run


def test_bars_and_quotes_wake_as_often_as_there_are_some() -> None:
    on_bars, on_quotes = traders.OnBars(), traders.OnQuotes()
    traded(on_bars)
    traded(on_quotes)
    assert on_bars.bars == (QUOTES * 5_000_000) // 60_000_000_000
    assert on_quotes.quotes == QUOTES


def test_compiled_and_python_requoting_send_the_same_orders() -> None:
    compiled, python = traded(traders.CompiledRequoting()), traded(traders.Requoting())
    assert compiled.engine.view().orders_made == python.engine.view().orders_made == QUOTES // 100
    assert compiled.engine.state_hash() == python.engine.state_hash()


def test_the_compiled_count_sees_every_quote() -> None:
    run = traded(traders.Counting())
    assert run.engine.states[0]["memory"][0, 0] == QUOTES
