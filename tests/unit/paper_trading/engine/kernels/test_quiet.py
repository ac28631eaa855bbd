"""Where a stretch of quotes that concern nobody ends. That taking it at once changes nothing is tests/differential's."""

from typing import Any

import numpy as np
import pytest

from papertape.core.fixed import MANTISSA_MAX
from papertape.core.instruments import instrument_event
from papertape.core.records import RECORD_DTYPE, WHOLE, Flag, Kind, Verdict, as_records
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.rows import QUIET_MAX
from papertape.paper_trading.engine.run import Run
from papertape.paper_trading.engine.terms import Terms
from papertape.paper_trading.strategy import Context, Strategy
from tests.engine_world import MONEY, MS, PERPETUAL

STRETCH = 50
ODD = 20


class Subscribed(Strategy):
    """Listens to each quote, and as the test says to others; sends the orders of the test."""

    def __init__(self, *, every: int = 0, bars: str = "", buys_at: int = 0, asks_at: int = 0, timer: str = "") -> None:
        self.every, self.bars, self.buys_at, self.asks_at, self.timer = every, bars, buys_at, asks_at, timer

    def on_start(self, ctx: Context) -> None:
        (symbol,) = ctx.symbols
        ctx.subscribe_quotes(symbol)
        if self.every:
            ctx.subscribe_quotes(symbol, every=self.every)
        if self.bars:
            ctx.subscribe_bars(symbol, self.bars, "bid")
        if self.buys_at:
            ctx.submit_units(symbol, 1, 1, self.buys_at)
        if self.asks_at:
            ctx.submit_units(symbol, -1, 1, self.asks_at)
        if self.timer:
            ctx.set_timer("later", self.timer)


def quotes(count: int) -> Any:
    """Quotes 100 to 102, a millisecond apart from the second one on."""
    made = np.zeros(count, RECORD_DTYPE)
    made["kind"], made["flags"] = int(Kind.QUOTE), int(WHOLE)
    made["ts_recv_ns"] = (np.arange(count) + 2) * MS
    made["price"], made["size"], made["x"], made["y"], made["id"] = 100, 5, 102, 5, np.arange(count) + 2
    return made


def quiet(records: Any, **asked: Any) -> int:
    """After a quote that starts a strategy: how many of `records` it may be told of before the engine takes them."""
    run = Run(Engine(lambda _: Terms(), 0), lambda _: Terms())
    run.open_account("one", 10**6 * MONEY, leverage=10, currency="USD", strategy=Subscribed(**asked))
    first = quotes(1)
    first["ts_recv_ns"], first["id"] = MS, 1
    run.take(0, np.concatenate([as_records(instrument_event(PERPETUAL, 0, MS)), first]))
    assert not run.stopped
    run.engine.load(records)
    due_ns = run._timers[0].due_ns if run._timers else MANTISSA_MAX
    run.engine.advance(len(records), due_ns)
    return run.engine.quiet_ahead(0, 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", int(Kind.PRINT)),
        ("instrument", 1),
        ("ts_recv_ns", 1_000 * MS),
        ("id", ODD),
        ("verdict", int(Verdict.LOCKED)),
        ("flags", int(WHOLE | Flag.REPEAT)),
        ("price", 0),
        ("price", 102),
        ("price", -1),
        ("x", 99),
        ("size", 0),
        ("y", 0),
        ("y", 1 << 62),
        ("size", -1),
    ],
)
def test_a_quote_that_is_odd_ends_a_stretch(field: str, value: int) -> None:
    records = quotes(STRETCH)
    assert quiet(records) == STRETCH
    records[field][ODD] = value
    assert quiet(records) == ODD


@pytest.mark.parametrize(
    ("asked", "length"),
    [
        ({"every": 10}, 8),
        ({"every": 500}, STRETCH),
        ({"bars": "40ms"}, 38),
        ({"bars": "1m"}, STRETCH),
        ({"timer": "30ms"}, 29),
        ({"buys_at": 99}, STRETCH),
        ({"buys_at": 100}, 0),
        ({"asks_at": 103}, STRETCH),
        ({"asks_at": 102}, 0),
    ],
)
def test_what_others_wait_for_ends_a_stretch(asked: dict[str, Any], length: int) -> None:
    assert quiet(quotes(STRETCH), **asked) == length


def test_a_mark_ends_a_stretch() -> None:
    records = quotes(STRETCH)
    records["ts_recv_ns"] += 980 * MS
    assert quiet(records) == 18


def test_who_is_not_woken_by_each_quote_is_told_of_none_ahead() -> None:
    run = Run(Engine(lambda _: Terms(), 0), lambda _: Terms())
    run.open_account("one", MONEY, currency="USD", strategy=Subscribed(every=2))
    run.take(0, np.concatenate([as_records(instrument_event(PERPETUAL, 0, MS)), quotes(1)]))
    run.engine.load(quotes(STRETCH))
    assert run.engine.quiet_ahead(1, 1) == 0


def test_a_stretch_has_a_largest_length() -> None:
    assert quiet(quotes(2 * QUIET_MAX)) == QUIET_MAX
