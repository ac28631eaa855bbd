"""A strategy that does something random, but the same every time, whenever it is woken."""

from typing import Any

from papertape.core.draws import draw_below, purpose_id
from papertape.paper_trading.strategy import Context, Strategy

_DICE = purpose_id("tests.dice")
LIVE_MAX = 20


class Dice(Strategy):
    """`seed` decides; orders are of every kind, right and wrong."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.thrown = 0
        self.told: list[int] = []

    def below(self, bound: int) -> int:
        self.thrown += 1
        return draw_below(bound, self.seed, _DICE, 0, self.thrown)

    def on_start(self, ctx: Context) -> None:
        for symbol in ctx.symbols:
            ctx.subscribe_quotes(symbol, every=1 + self.below(5))
            ctx.subscribe_prints(symbol, every=1 + self.below(5))
            ctx.subscribe_book(symbol, every=1 + self.below(5))
            ctx.subscribe_bars(symbol, "1s", source=("mid", "bid", "ask", "prints")[self.below(4)])
        ctx.set_timer("tick", "300ms")

    def act(self, ctx: Context) -> None:
        what = self.below(10)
        live = ctx.orders()
        if what < 3:
            return
        symbol = ctx.symbols[self.below(len(ctx.symbols))]
        quote, one = ctx.quote(symbol), ctx.instrument(symbol)
        if (what < 8 and len(live) < LIVE_MAX) or not live:
            if quote is None:
                return
            price = max(quote.bid_units, one.tick) + (self.below(9) - 4) * one.tick
            size = ctx.instrument(symbol).lot * (1 + self.below(2_000))
            side = ctx.buy if self.below(2) else ctx.sell
            tif = ("gtc", "gtc", "ioc", "fok", "post_only")[self.below(5)]
            unit = 10**one.price_scale
            kind = self.below(4)
            amount = f"{size / 10**one.size_scale:.{one.size_scale}f}"
            text = f"{price / unit:.{one.price_scale}f}"
            if kind == 0:
                side(symbol, amount)
            elif kind == 1:
                side(symbol, amount, stop=text)
            else:
                side(symbol, amount, text, tif=tif)
        elif what != 9:
            ctx.cancel(live[self.below(len(live))].id)
        else:
            order = live[self.below(len(live))]
            if order.price:
                ctx.amend(order.id, size=order.size * (1 + self.below(2)))

    def on_quote(self, ctx: Context, quote: Any) -> None:
        self.act(ctx)

    def on_print(self, ctx: Context, trade: Any) -> None:
        self.act(ctx)

    def on_book(self, ctx: Context, symbol: str) -> None:
        self.act(ctx)

    def on_bar(self, ctx: Context, bar: Any) -> None:
        self.act(ctx)

    def on_timer(self, ctx: Context, name: str) -> None:
        self.act(ctx)
        ctx.set_timer("tick", "300ms")

    def on_fill(self, ctx: Context, fill: Any) -> None:
        self.told = [*self.told[-50:], fill.order]
        # A fill may come of each: often enough to matter, seldom enough to end.
        if self.below(32) == 0:
            self.act(ctx)
