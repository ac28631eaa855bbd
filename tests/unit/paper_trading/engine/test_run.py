import numpy as np
import pytest

from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.facts import KeptFacts
from papertape.paper_trading.engine.run import Run
from papertape.paper_trading.engine.terms import Terms
from papertape.paper_trading.strategy import Strategy
from papertape.runtime.bench.market_stream import listing, quotes
from tests.dice import Dice
from tests.differential.order_flow import scenario

TERMS = Terms(taker_rate=50_000, latency_out_ns=7_000_000, latency_jitter_ns=9_000_000, latency_back_ns=11_000_000)


class Good(Strategy):
    def __init__(self) -> None:
        self.quotes = 0

    def on_start(self, ctx):
        ctx.subscribe_quotes("ETHUSDT")

    def on_quote(self, ctx, quote):
        self.quotes += 1


class Bad(Good):
    def __init__(self, act):
        super().__init__()
        self.act = act

    def on_quote(self, ctx, quote):
        self.act(ctx)

    def on_order(self, ctx, update):
        self.act(ctx)


def endless(ctx):
    while True:
        ctx.buy("ETHUSDT", "0.001")


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda ctx: 1 / 0, "ZeroDivisionError"),
        (lambda ctx: ctx.buy("NOPE", "1"), "expected one of the symbols ETHUSDT"),
        (lambda ctx: ctx.buy("ETHUSDT", float("nan")), "finite"),
        (lambda ctx: ctx.buy("ETHUSDT", "much"), "decimal number"),
        (lambda ctx: ctx.buy("ETHUSDT", "0.0000001"), "StrategyLoops"),
        (endless, "StrategyLoops"),
    ],
)
def test_a_bad_strategy_is_stopped_with_the_reason_and_the_rest_runs_on(act, says):
    run = Run(Engine(lambda _: Terms(), 0), lambda _: Terms())
    good = Good()
    run.open_account("bad", 10**13, strategy=Bad(act))
    run.open_account("good", 10**13, strategy=good)
    run.take(0, listing())
    run.take(len(listing()), quotes(1_000))
    assert says in run.stopped[0]
    assert 1 not in run.stopped
    assert good.quotes == 1_000
    assert set(run.ledger.trial_balance().values()) == {0}


def dice_run(batch: int, told: KeptFacts) -> Run:
    records = scenario(4).records
    run = Run(Engine(lambda _: TERMS, 4), lambda _: TERMS, told)
    for number in range(2):
        run.open_account(f"dice-{number}", 10**14, leverage=5, strategy=Dice(number))
    ends = np.flatnonzero(records["flags"] & 2) + 1
    start = 0
    for end in [*ends[batch - 1 :: batch].tolist(), len(records)]:
        if end > start:
            run.take(start, records[start:end])
            start = end
    return run


def test_batches_change_nothing():
    hashes = {dice_run(batch, KeptFacts()).state_hash() for batch in (1, 7, 10_000)}
    assert len(hashes) == 1
