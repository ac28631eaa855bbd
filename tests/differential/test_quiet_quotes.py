"""Quotes that concern nobody, which the engine takes many at once, and those that strategies are told of before that.

The run must be the one that is told record by record.
"""

import random
from typing import Any

import numpy as np
import pytest

from papertape.core.records import Flag
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.facts import KeptFacts
from papertape.paper_trading.engine.rows import Side
from papertape.paper_trading.engine.run import Run
from papertape.paper_trading.engine.terms import Terms
from papertape.paper_trading.strategy import BarUpdate, Context, OrderUpdate, Quote, Strategy
from papertape.runtime.bench import market_stream
from tests.differential.order_flow import scenario


class Restless(Strategy):
    """Does something at random quotes, and writes down all that it sees."""

    def __init__(self, seed: int, symbol: str, calm: float) -> None:
        self.rng, self.symbol, self.calm, self.seen = random.Random(seed), symbol, calm, list[Any]()

    def on_start(self, ctx: Context) -> None:
        if self.symbol not in ctx.symbols:
            self.symbol = ctx.symbols[0]  # the other one is listed later
        ctx.subscribe_quotes(self.symbol)

    def on_quote(self, ctx: Context, quote: Quote) -> None:
        self.seen.append(quote[1:])
        if self.rng.random() < self.calm:
            return
        what = self.rng.randrange(7)
        if what == 0:
            self.seen.append((ctx.now_ns, ctx.quote(self.symbol), ctx.levels(self.symbol, 2)))
        elif what == 1:
            self.seen.append((ctx.equity, ctx.cash, ctx.position(self.symbol), ctx.orders()))
        elif what == 2:
            ctx.note(f"at {quote.bid_units}")
        elif what == 3:
            ctx.set_timer("soon", self.rng.choice(("1ms", "20ms", "1s")))
        elif ctx.orders() and what == 4:
            ctx.cancel(ctx.orders()[0].id)
        else:
            instrument, price = ctx.instrument(self.symbol), self.rng.choice((0, 0, quote.bid_units, quote.ask_units))
            side = self.rng.choice((Side.BUY, Side.SELL))
            ctx.submit_units(self.symbol, side, instrument.lot * self.rng.randrange(1, 30), price)

    def on_fill(self, ctx: Context, fill: OrderUpdate) -> None:
        self.seen.append((ctx.now_ns, fill[1:]))

    def on_order(self, ctx: Context, update: OrderUpdate) -> None:
        self.seen.append((ctx.now_ns, update[1:]))

    def on_timer(self, ctx: Context, name: str) -> None:
        self.seen.append((ctx.now_ns, name, ctx.quote(self.symbol)))


class Looks(Strategy):
    """Bars of every source and quotes now and then, of all instruments that there are at the start; writes them down."""

    def __init__(self, seed: int) -> None:
        self.rng, self.seen = random.Random(seed), list[Any]()

    def on_start(self, ctx: Context) -> None:
        for symbol in ctx.symbols:
            for source in self.rng.sample(("prints", "bid", "ask", "mid"), self.rng.randrange(1, 5)):
                ctx.subscribe_bars(symbol, self.rng.choice(("1s", "250ms", "5m")), source)
            for every in self.rng.sample((2, 3, 10, 100), self.rng.randrange(3)):
                ctx.subscribe_quotes(symbol, every=every)

    def on_bar(self, ctx: Context, bar: BarUpdate) -> None:
        self.seen.append((ctx.now_ns, bar[1:], ctx.quote(bar.instrument.symbol)))
        lots = self.rng.choice((0, 10, -10))
        if lots:
            ctx.submit_units(bar.instrument.symbol, Side.BUY if lots > 0 else Side.SELL, 10 * bar.instrument.lot)

    def on_quote(self, ctx: Context, quote: Quote) -> None:
        self.seen.append((ctx.now_ns, quote[1:]))


class Raises(Restless):
    def on_quote(self, ctx: Context, quote: Quote) -> None:
        self.seen.append(quote[1:])
        if len(self.seen) == 40:
            raise ValueError("enough")


def told(records: Any, terms: Any, strategies: list[Any], batch: int) -> tuple[Any, ...]:
    """All that a run says of itself."""
    facts = KeptFacts()
    run = Run(Engine(terms, 7), terms, facts)
    for number, strategy in enumerate(strategies):
        run.open_account(f"a{number}", 10**14, leverage=5, currency="USD", strategy=strategy)
    at = 0
    while at < len(records):
        end = min(at + batch, len(records))
        while not records["flags"][end - 1] & Flag.LAST:
            end += 1
        run.take(at, records[at:end])
        at = end
    return run.state_hash(), facts.records, [one.seen for one in strategies], run.calling


def both(monkeypatch: pytest.MonkeyPatch, records: Any, terms: Any, *, make: Any, batch: int = 100_000) -> None:
    ahead = told(records, terms, make(), batch)
    with monkeypatch.context() as patch:
        patch.setattr(Engine, "quiet_ahead", lambda *_: 0)
        assert told(records, terms, make(), batch) == ahead
    assert any(ahead[2])


@pytest.mark.parametrize("seed", range(40))
def test_random_worlds(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    world = scenario(seed)
    symbols = (("SPOT",), ("PERP",), ("SPOT", "PERP"), ("PERP", "PERP"))[seed % 4]
    both(
        monkeypatch,
        world.records,
        world.terms,
        make=lambda: [Restless(seed + k, symbol, (0.3, 0.8)[seed // 4 % 2]) for k, symbol in enumerate(symbols)],
    )


@pytest.mark.parametrize("seed", range(40))
def test_bars_and_quotes_now_and_then(seed: int) -> None:
    world = scenario(seed)
    at_once, one_by_one = (told(world.records, world.terms, [Looks(seed), Looks(seed + 1)], n) for n in (100_000, 1))
    assert one_by_one == at_once
    assert any(at_once[2])


@pytest.mark.parametrize("calm", [0.0, 0.9, 0.995, 1.0])
@pytest.mark.parametrize("batch", [97, 100_000])
def test_long_quiet_stretches(monkeypatch: pytest.MonkeyPatch, calm: float, batch: int) -> None:
    records = np.concatenate([market_stream.listing(), market_stream.quotes(6_000)])
    terms = Terms(taker_rate=50_000, latency_out_ns=12_000_000, latency_back_ns=7_000_000)
    both(monkeypatch, records, lambda _: terms, make=lambda: [Restless(3, "ETHUSDT", calm)], batch=batch)


def test_a_strategy_that_raises_in_a_quiet_stretch(monkeypatch: pytest.MonkeyPatch) -> None:
    records = np.concatenate([market_stream.listing(), market_stream.quotes(2_000)])
    both(monkeypatch, records, lambda _: Terms(), make=lambda: [Raises(3, "ETHUSDT", 0.9)])
