"""`papertape bench replay`: the compiled market over prepared records, and what compiling it costs."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from papertape.core.actions import BenchReplay, BenchReplayResult
from papertape.core.book.rows import Market
from papertape.runtime.bench.market_stream import level_updates, listing, quotes
from papertape.runtime.bench.memory import peak_rss_mb
from papertape.runtime.outcome import Outcome
from papertape.runtime.shell import Shell

ROUNDS = 3
PLAIN_RECORDS = 200_000
_START = "from papertape.core.book.compiled import warm_up; warm_up()"

Records = np.ndarray[Any, np.dtype[Any]]


class _Applies(Protocol):
    def apply(self, records: Any) -> None: ...


def run(request: BenchReplay, shell: Shell) -> Outcome[BenchReplayResult]:
    """Handle a `BenchReplay` request. Every figure is the best of three rounds."""
    shell.say("starting with an empty kernel cache, then with a full one …")
    jit_first_s, jit_cached_s = _start_times()
    market = shell.compiled_market
    levels, ticks = level_updates(request.records), quotes(request.records)
    plain = levels[: min(PLAIN_RECORDS, len(levels))].tobytes()
    result = BenchReplayResult(
        level_updates_per_s=_best_rate(market, levels, len(levels)),
        quotes_per_s=_best_rate(market, ticks, len(ticks)),
        plain_level_updates_per_s=_best_rate(Market, plain, min(PLAIN_RECORDS, len(levels))),
        jit_first_s=jit_first_s,
        jit_cached_s=jit_cached_s,
        peak_rss_mb=peak_rss_mb(),
    )
    return Outcome(result)


def _best_rate(make_market: Callable[[], _Applies], records: Records | bytes, count: int) -> float:
    """Records per second of the best round, listing aside."""
    best = 0.0
    for _ in range(ROUNDS):
        market = make_market()
        market.apply(listing() if isinstance(records, np.ndarray) else listing().tobytes())
        started = time.perf_counter()
        market.apply(records)
        best = max(best, count / (time.perf_counter() - started))
    return round(best, 0)


def _start_times() -> tuple[float, float]:
    """Seconds from starting Python to a compiled market: with an empty cache directory, and again."""
    with tempfile.TemporaryDirectory() as cache:
        times = []
        for _ in range(2):
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", _START], check=True, env={**os.environ, "PAPERTAPE_CACHE": cache})
            times.append(round(time.perf_counter() - started, 2))
    return times[0], times[1]
