import subprocess
import sys

PROGRAM = """
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.run import Run
from papertape.paper_trading.engine.terms import Terms
from papertape.paper_trading.strategy import Strategy
from papertape.runtime.bench.market_stream import listing, quotes
from papertape.runtime.watchdog import watched

class Stuck(Strategy):
    def on_start(self, ctx):
        ctx.subscribe_quotes("ETHUSDT")
    def on_quote(self, ctx, quote):
        while True:
            pass

run = Run(Engine(lambda _: Terms(), 0), lambda _: Terms())
run.open_account("stuck", 10**10, strategy=Stuck())
with watched(run, 0.5):
    run.take(0, listing())
    run.take(len(listing()), quotes(1_000))
print(run.stopped[0])
"""


def test_a_strategy_that_never_comes_back_is_stopped() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=100)
    assert "StrategyLoops" in done.stdout, done.stderr
