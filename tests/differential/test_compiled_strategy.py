"""The compiled sample and the same logic in Python: the same orders, fills and state."""

from pathlib import Path
from typing import Any

import pytest

from papertape.core.errors import DataError
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.facts import KeptFacts
from papertape.paper_trading.engine.run import Run
from papertape.paper_trading.engine.terms import Terms
from papertape.paper_trading.strategy import Context, Quote, Side, Strategy
from papertape.runtime.strategies import load_strategy
from tests.small_market import events, small_market

SAMPLE = f"{Path(__file__).parents[2] / 'examples' / 'compiled_quoter.py'}:CompiledQuoter"
TERMS = Terms(maker_rate=-10_000, taker_rate=50_000)
LOTS, LOTS_MAX = 10, 40


class PythonQuoter(Strategy):
    """`examples/compiled_quoter.py`, told in Python."""

    def __init__(self) -> None:
        self.numbers: dict[str, list[int]] = {}
        """By symbol: buy, cancelled buy, sell, cancelled sell."""

    def on_start(self, ctx: Context) -> None:
        for symbol in ctx.symbols:
            ctx.subscribe_quotes(symbol)

    def on_quote(self, ctx: Context, quote: Quote) -> None:
        one, top = quote.instrument, ctx.quote(quote.instrument.symbol)
        if top is None or not 0 < top.bid_units < top.ask_units:
            return
        size, most = max(one.min_size, LOTS * one.lot), LOTS_MAX * one.lot
        held = ctx.position_units(one.symbol)
        self.keep(ctx, one.symbol, Side.BUY, top.bid_units, size if held + size <= most else 0)
        may_sell = held >= size or (one.kind != "crypto_spot" and held - size >= -most)
        self.keep(ctx, one.symbol, Side.SELL, top.ask_units, size if may_sell else 0)

    def keep(self, ctx: Context, symbol: str, side: Side, price: int, size: int) -> None:
        numbers, at = self.numbers.setdefault(symbol, [0, 0, 0, 0]), 0 if side == Side.BUY else 2
        live = [one for one in ctx.orders(symbol) if one.id == numbers[at]]
        if not live:
            if size:
                numbers[at] = ctx.submit_units(symbol, side, size, price, "post_only")
        elif live[0].price.scaleb(ctx.instrument(symbol).price_scale) != price and numbers[at + 1] != numbers[at]:
            numbers[at + 1] = numbers[at]
            ctx.cancel(numbers[at])


def outcome(strategy: Strategy, batch: int) -> tuple[str, list[Any]]:
    told = KeptFacts()
    run = Run(Engine(lambda _: TERMS, 3), lambda _: TERMS, told)
    run.open_account("one", 10**12, leverage=5, strategy=strategy)
    for first_seq, records in events(small_market(3_000), batch):
        run.take(first_seq, records)
    assert not run.stopped
    return run.state_hash(), [event for _, kind, body in told.records if kind == "events" for event in body]


def test_compiled_and_python_do_the_same() -> None:
    compiled, python = outcome(load_strategy(SAMPLE), 100_000), outcome(PythonQuoter(), 100_000)
    assert compiled[1] == python[1]
    assert compiled == python
    fills = [event for event in python[1] if event[2] == 4]
    assert len(fills) > 100, "a run without fills proves little"
    assert outcome(load_strategy(SAMPLE), 7) == python


def test_one_compiled_strategy_is_enough() -> None:
    run = Run(Engine(lambda _: TERMS, 3), lambda _: TERMS)
    run.open_account("one", 10**12, strategy=load_strategy(SAMPLE))
    with pytest.raises(DataError, match="at most one compiled strategy"):
        run.open_account("two", 10**12, strategy=load_strategy(SAMPLE))


def test_a_larger_state_calls_it_too() -> None:
    """With more accounts than the small class holds, the compiled function sees another layout."""
    run = Run(Engine(lambda _: TERMS, 3), lambda _: TERMS)
    run.open_account("one", 10**12, leverage=5, strategy=load_strategy(SAMPLE))
    for number in range(20):
        run.open_account(f"other-{number}", 0)
    run.take(0, small_market(500))
    small = Run(Engine(lambda _: TERMS, 3), lambda _: TERMS)
    small.open_account("one", 10**12, leverage=5, strategy=load_strategy(SAMPLE))
    small.take(0, small_market(500))
    assert run.engine.view().orders == small.engine.view().orders
    assert run.engine.view().orders_made > 100
