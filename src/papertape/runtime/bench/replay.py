"""`papertape bench replay`: prepared records through the market and through the engine, and what compiling costs."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from papertape.core.actions import BenchReplay, BenchReplayResult
from papertape.core.book.rows import Market
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.run import Run
from papertape.paper_trading.engine.terms import Terms
from papertape.paper_trading.strategy import Strategy
from papertape.runtime.bench import traders
from papertape.runtime.bench.market_stream import level_updates, listing, quotes
from papertape.runtime.bench.memory import peak_rss_mb
from papertape.runtime.outcome import Outcome
from papertape.runtime.shell import Shell

ROUNDS = 3
PLAIN_RECORDS = 200_000
CASH, LEVERAGE = 10**14, 10
_START = "from papertape.paper_trading.engine.engine import warm_up; warm_up()"

Records = np.ndarray[Any, np.dtype[Any]]
Play = Callable[[Any], Any]


def run(request: BenchReplay, shell: Shell) -> Outcome[BenchReplayResult]:
    """Handle a `BenchReplay` request. Every rate is the best of three rounds, each with a new engine; nothing travels."""
    shell.say("starting with an empty kernel cache, then with a full one …")
    jit_first_s, jit_cached_s = _start_times()
    shell.compile_engine()
    ticks = quotes(request.records)
    rates = {
        "bar_strategy": _best_rate(lambda: _traded(traders.OnBars()), ticks),
        "quote_callback": _best_rate(lambda: _traded(traders.OnQuotes()), ticks),
        "njit_strategy": _best_rate(lambda: _traded(traders.Counting()), ticks),
        "requote": _best_rate(lambda: _traded(traders.CompiledRequoting()), ticks),
        "python_requote": _best_rate(lambda: _traded(traders.Requoting()), ticks),
        "no_strategy": _best_rate(lambda: _listed(shell), ticks),
    }
    # What one replay needs: the quotes are the only large thing so far.
    memory_mb = peak_rss_mb()
    del ticks
    levels = level_updates(request.records)
    plain = levels[: min(PLAIN_RECORDS, len(levels))].tobytes()
    result = BenchReplayResult(
        **{f"{name}_quotes_per_s": rate for name, rate in rates.items()},
        level_updates_per_s=_best_rate(lambda: _listed(shell), levels),
        plain_level_updates_per_s=_best_rate(_plain, plain, min(PLAIN_RECORDS, len(levels))),
        jit_first_s=jit_first_s,
        jit_cached_s=jit_cached_s,
        data_mb=round(request.records * 64 / 1e6, 1),
        peak_rss_mb=memory_mb,
    )
    return Outcome(result)


def _best_rate(prepared: Callable[[], Play], records: Records | bytes, count: int = 0) -> float:
    """Records per second of the best round; what is `prepared` anew for each is not timed."""
    best = 0.0
    for _ in range(ROUNDS):
        play = prepared()
        started = time.perf_counter()
        play(records)
        best = max(best, (count or len(records)) / (time.perf_counter() - started))
    return round(best, 0)


def _traded(strategy: Strategy) -> Play:
    """A run with this strategy, its instrument listed."""
    terms = Terms()
    run = Run(Engine(lambda _: terms, 0), lambda _: terms)
    run.open_account("bench", CASH, leverage=LEVERAGE, strategy=strategy)
    listed = listing()
    run.take(0, listed)
    return lambda records: run.take(len(listed), records)


def _listed(shell: Shell) -> Play:
    """The compiled market alone."""
    market = shell.compiled_market()
    market.apply(listing())
    return market.apply


def _plain() -> Play:
    """The market in plain Python."""
    market = Market()
    market.apply(listing().tobytes())
    return market.apply


def _start_times() -> tuple[float, float]:
    """Seconds from starting Python to an engine that is ready: with an empty cache directory, and again."""
    with tempfile.TemporaryDirectory() as cache:
        times = []
        for _ in range(2):
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", _START], check=True, env={**os.environ, "PAPERTAPE_CACHE": cache})
            times.append(round(time.perf_counter() - started, 2))
    return times[0], times[1]
