import numpy as np

from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.facts import NOTE, KeptFacts
from papertape.paper_trading.engine.run import Run
from papertape.paper_trading.engine.terms import Terms
from papertape.runtime.bench.market_stream import listing, quotes
from papertape.runtime.strategy_template import MyStrategy


def test_it_trades_a_market_and_is_not_stopped() -> None:
    told = KeptFacts()
    run = Run(Engine(lambda _: Terms(), 0), lambda _: Terms(), told)
    run.open_account("mine", 10**13, strategy=MyStrategy())
    run.take(0, np.concatenate([listing(), quotes(20_000)]))
    assert run.stopped == {}
    assert any("filled" in body[2] for _, kind, body in told.records if kind == NOTE)
    assert run.ledger.trial_balance() == {"USDT": 0}
