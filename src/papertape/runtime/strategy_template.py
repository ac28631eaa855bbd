"""A strategy to start from.

Try it on any tape, such as that of the demo:

    papertape replay TAPE --strategy strategy.py:MyStrategy
"""

from papertape.paper_trading.strategy import BarUpdate, Context, OrderUpdate, Strategy


class MyStrategy(Strategy):
    """Buys a symbol when a bar closes higher than the one before, and sells it when one closes lower."""

    def __init__(self) -> None:
        # What is kept here goes into checkpoints: keep it to numbers, text, lists and dicts.
        self.closes: dict[str, int] = {}

    def on_start(self, ctx: Context) -> None:
        # What you subscribe to is what wakes you: bars, quotes, prints, the book, timers.
        for symbol in ctx.symbols:
            ctx.subscribe_bars(symbol, "1s")

    def on_bar(self, ctx: Context, bar: BarUpdate) -> None:
        symbol = bar.instrument.symbol
        before = self.closes.get(symbol)
        self.closes[symbol] = bar.close_units
        # An order takes a while to arrive, and its fill a while to come back: one at a time.
        if before is None or ctx.orders(symbol):
            return
        held = ctx.position(symbol)
        if bar.close_units > before and not held:
            lots = int(1_000 / bar.close * 10**bar.instrument.size_scale) // bar.instrument.lot
            ctx.buy(symbol, lots * bar.instrument.lot / 10**bar.instrument.size_scale)
        elif bar.close_units < before and held:
            ctx.sell(symbol, held)

    def on_fill(self, ctx: Context, fill: OrderUpdate) -> None:
        ctx.note(f"filled {fill.size} at {fill.price}, fee {fill.fee}")

    def on_order(self, ctx: Context, update: OrderUpdate) -> None:
        # Refusals, expiries and cancels come here, each with its reason.
        ctx.note(f"order {update.order}: {update.kind.name.lower()} {update.reason.name.lower()}")
