"""The strategies that `bench replay` measures: as little of their own as can be, so that the engine is what is timed."""

from typing import Any

from papertape.core.jit import njit
from papertape.core.records import Kind
from papertape.paper_trading.engine.kernels.desk import cancel, submit
from papertape.paper_trading.engine.kernels.orders import find
from papertape.paper_trading.engine.rows import NONE, OrderType, Side, TimeInForce
from papertape.paper_trading.strategy import BarUpdate, Context, OrderUpdate, Quote, Strategy

SYMBOL = "ETHUSDT"
REQUOTE_EVERY = 100
AWAY = 5
"""Ticks from the best bid at which a resting order is placed."""
_QUOTE, _BUY = int(Kind.QUOTE), int(Side.BUY)
_NONE = NONE
_LIMIT, _POST_ONLY = int(OrderType.LIMIT), int(TimeInForce.POST_ONLY)


class OnBars(Strategy):
    """Trades the trend of one-minute bars."""

    def __init__(self) -> None:
        self.bars = self.last = 0

    def on_start(self, ctx: Context) -> None:
        ctx.subscribe_bars(SYMBOL, "1m")

    def on_bar(self, ctx: Context, bar: BarUpdate) -> None:
        self.bars += 1
        held = ctx.position_units(SYMBOL)
        if self.last and bar.close_units > self.last and not held:
            ctx.submit_units(SYMBOL, Side.BUY, 1)
        elif bar.close_units < self.last and held:
            ctx.submit_units(SYMBOL, Side.SELL, held)
        self.last = bar.close_units


class OnQuotes(Strategy):
    """Counts quotes, one Python call for each."""

    def __init__(self) -> None:
        self.quotes = 0

    def on_start(self, ctx: Context) -> None:
        ctx.subscribe_quotes(SYMBOL)

    def on_quote(self, ctx: Context, quote: Quote) -> None:
        self.quotes += 1


class Requoting(Strategy):
    """Cancels and places an order anew at every hundredth quote."""

    def __init__(self) -> None:
        self.order = 0

    def on_start(self, ctx: Context) -> None:
        ctx.subscribe_quotes(SYMBOL, every=REQUOTE_EVERY)

    def on_quote(self, ctx: Context, quote: Quote) -> None:
        if self.order:
            ctx.cancel(self.order)
        self.order = ctx.submit_units(SYMBOL, Side.BUY, 1, quote.bid_units - AWAY, "post_only")

    def on_fill(self, ctx: Context, fill: OrderUpdate) -> None:
        self.order = 0


@njit
def count(state: Any, account: int, record: Any) -> None:
    """Look at every quote."""
    if record["kind"] == _QUOTE:
        state.memory[account, 0] += record["x"] > record["price"]


@njit
def requote(state: Any, account: int, record: Any) -> None:
    """As `Requoting`, inside the kernel."""
    if record["kind"] != _QUOTE:
        return
    state.memory[account, 0] += 1
    if state.memory[account, 0] % REQUOTE_EVERY == 0:
        number = state.memory[account, 1]
        if number != 0 and find(state, account, number) != _NONE:
            cancel(state, account, number)
        price = record["price"] - AWAY
        state.memory[account, 1] = submit(state, account, 0, _BUY, _LIMIT, _POST_ONLY, price, 1)


class Counting(Strategy):
    """`count` as a strategy."""

    compiled = staticmethod(count)


class CompiledRequoting(Strategy):
    """`requote` as a strategy."""

    compiled = staticmethod(requote)
