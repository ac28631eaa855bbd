"""Each in a process of its own: what hangs there ends with it."""

import subprocess
import sys
import threading

import pytest

from papertape.core.errors import DataError
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.run import Run
from papertape.paper_trading.engine.terms import Terms
from papertape.runtime.watchdog import watched

PROGRAM = """
import signal
import time
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.run import Run
from papertape.paper_trading.engine.terms import Terms
from papertape.paper_trading.strategy import Strategy
from papertape.runtime.bench.market_stream import listing, quotes
from papertape.runtime.watchdog import watched

class Good(Strategy):
    count = 0
    def on_start(self, ctx):
        ctx.subscribe_quotes("ETHUSDT")
    def on_quote(self, ctx, quote):
        self.count += 1

class Stuck(Good):
    def on_quote(self, ctx, quote):
BODY

def handlers():
    return [signal.getsignal(one) for one in signal.valid_signals()]

before = handlers()
good = Good()
run = Run(Engine(lambda _: Terms(), 0), lambda _: Terms())
run.open_account("stuck", 10**10, strategy=Stuck())
run.open_account("good", 10**10, strategy=good)
with watched(run, 0.3):
    run.take(0, listing())
    run.take(len(listing()), quotes(1_000))
assert handlers() == before
assert set(run.stopped) == {0}, run.stopped
print(good.count, run.stopped[0])
"""


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "while True:\n    try:\n        while True: pass\n    except Exception: continue",
        "try:\n    while True: pass\nexcept BaseException: pass\nwhile True: pass",
        "while True: ctx.quote('ETHUSDT')",
        "while True: ctx.note('again')",
        pytest.param(
            "time.sleep(1000)",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="nothing interrupts a sleep from outside there"),
        ),
    ],
    ids=["loops", "swallows errors", "swallows all once", "asks", "notes", "sleeps"],
)
def test_a_strategy_that_never_comes_back_is_stopped(body: str) -> None:
    lines = "\n".join(" " * 8 + line for line in body.splitlines())
    program = PROGRAM.replace("BODY", lines)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=100)
    assert done.stdout.startswith("1000 StrategyLoops: expected a strategy to come back within 0.3 s"), done.stderr


def test_only_the_main_thread_can_be_interrupted() -> None:
    told = []

    def enter() -> None:
        try:
            with watched(Run(Engine(lambda _: Terms(), 0), lambda _: Terms())):
                pass
        except DataError as error:
            told.append(str(error))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert told
    assert "main thread" in told[0]
