"""The two strategies that the demo trades: small, quick to act, and made to be watched, not to earn."""

from papertape.core.instruments import Instrument
from papertape.paper_trading.strategy import BarUpdate, Context, OrderUpdate, Quote, Side, Strategy

FAST, SLOW = 3, 9
"""Seconds over which the two averages look back."""
SHARE = 10
"""One position is worth at most one in so many parts of the money that an account began with."""
MONEY = 100_000
QUOTED = 2
"""How many symbols are quoted."""
QUOTE_SHARE = 50


def size_for(instrument: Instrument, price_units: int, share: int) -> int:
    """A whole number of lots worth one in `share` parts of the beginning money at this price."""
    units: int = MONEY * 10 ** (instrument.price_scale + instrument.size_scale) // (share * max(price_units, 1))
    return units - units % instrument.lot


class Trend(Strategy):
    """Holds a symbol while the quick average of its one-second closes is above the slow one."""

    def __init__(self) -> None:
        self.averages: dict[str, list[float]] = {}

    def on_start(self, ctx: Context) -> None:
        for symbol in ctx.symbols:
            ctx.subscribe_bars(symbol, "1s")

    def on_bar(self, ctx: Context, bar: BarUpdate) -> None:
        symbol = bar.instrument.symbol
        fast, slow = self.averages.setdefault(symbol, [float(bar.close_units)] * 2)
        fast += (bar.close_units - fast) * 2 / (FAST + 1)
        slow += (bar.close_units - slow) * 2 / (SLOW + 1)
        self.averages[symbol] = [fast, slow]
        if ctx.orders(symbol):
            return
        held = ctx.position_units(symbol)
        if fast > slow and not held:
            ctx.submit_units(symbol, Side.BUY, size_for(bar.instrument, bar.close_units // 2, SHARE))
        elif fast < slow and held:
            ctx.submit_units(symbol, Side.SELL, held)


class Quoter(Strategy):
    """Rests an order at the best bid, and at the best ask one for what it holds; moves them when the price moves."""

    def __init__(self) -> None:
        self.resting: dict[str, list[int]] = {}

    def on_start(self, ctx: Context) -> None:
        for symbol in list(ctx.symbols)[:QUOTED]:
            ctx.subscribe_quotes(symbol, every=5)

    def on_quote(self, ctx: Context, quote: Quote) -> None:
        symbol, prices = quote.instrument.symbol, [quote.bid_units, quote.ask_units]
        live = ctx.orders(symbol)
        if live and self.resting.get(symbol) == prices:
            return
        if live:
            for order in live:
                ctx.cancel(order.id)
            return
        self.resting[symbol] = prices
        size = size_for(quote.instrument, quote.bid_units, QUOTE_SHARE)
        held = ctx.position_units(symbol)
        if held < 4 * size:
            ctx.submit_units(symbol, Side.BUY, size, quote.bid_units, "post_only")
        if held >= size:
            ctx.submit_units(symbol, Side.SELL, size, quote.ask_units, "post_only")

    def on_fill(self, ctx: Context, fill: OrderUpdate) -> None:
        if fill.instrument is not None:
            self.resting.pop(fill.instrument.symbol, None)
