import pytest

from papertape.core.errors import DataError
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.run import Run
from papertape.paper_trading.engine.terms import Terms
from papertape.paper_trading.strategy import Strategy
from papertape.runtime.bench.market_stream import listing, quotes


class Listener(Strategy):
    def __init__(self) -> None:
        self.heard = {"bar": 0, "quote": 0}

    def on_start(self, ctx):
        ctx.subscribe_bars("ETHUSDT", "1s")
        ctx.subscribe_quotes("ETHUSDT", every=7)

    def on_bar(self, ctx, bar):
        self.heard["bar"] += 1

    def on_quote(self, ctx, quote):
        self.heard["quote"] += 1


def test_everyone_hears_what_they_asked_for() -> None:
    run = Run(Engine(lambda _: Terms(), 0), lambda _: Terms())
    listeners = [Listener(), Listener()]
    for number, one in enumerate(listeners):
        run.open_account(f"account-{number}", 10**10, strategy=one)
    run.take(0, listing())
    run.take(len(listing()), quotes(7_000))
    assert [one.heard for one in listeners] == [{"bar": 34, "quote": 1_000}] * 2
    assert len(run.wakes.bars) == 1, "the same bars are shared"


def test_there_is_an_end_to_subscriptions() -> None:
    run = Run(Engine(lambda _: Terms(), 0), lambda _: Terms())
    run.open_account("one", 10**10, strategy=Listener())
    run.take(0, listing())
    run.take(len(listing()), quotes(1_000))
    for _ in range(255):
        run.seats[0].subscribe_prints("ETHUSDT")
    with pytest.raises(DataError, match="at most 256"):
        run.seats[0].subscribe_prints("ETHUSDT")
