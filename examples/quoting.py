"""Quotes both sides of a market. A sample of how orders are kept in order, not of how money is earned: who quotes
without knowing more than the market is filled when the market turns against him.

    papertape replay TAPE --strategy "examples/quoting.py:TwoSidedQuoter?distance=2&size=5"
"""

from papertape.core.instruments import Instrument, InstrumentKind
from papertape.paper_trading.strategy import Context, KnownOrder, OrderUpdate, Quote, Side, Strategy

TIMER = "look again"


class TwoSidedQuoter(Strategy):
    """A post-only bid and ask around the middle, one of each per symbol, moved when the wanted price is `move` ticks off.

    `distance` is from the middle in ticks, `size` in smallest orders, `inventory` the most that is held in such sizes. What is held
    shifts both prices by up to `skew` ticks, so that it is sold sooner. On spot it starts by buying half of `inventory`, since an ask
    needs something to sell, and quotes around that. It looks at the market every `every`, and after each fill.
    """

    def __init__(
        self, distance: int = 1, size: int = 2, inventory: int = 4, skew: int = 2, move: int = 1, every: str = "1s"
    ) -> None:
        if min(distance, size, inventory, move) < 1 or skew < 0:
            raise ValueError("expected distance, size, inventory and move of 1 or more, and a skew of 0 or more")
        self.distance, self.size, self.inventory = distance, size, inventory
        self.skew, self.move, self.every = skew, move, every
        self.cancelling: list[int] = []
        """Orders whose cancel is on its way."""

    def on_start(self, ctx: Context) -> None:
        for symbol in ctx.symbols:
            ctx.subscribe_quotes(symbol)
        ctx.set_timer(TIMER, self.every)

    def on_timer(self, ctx: Context, name: str) -> None:
        for symbol in ctx.symbols:
            self._look(ctx, symbol)
        ctx.set_timer(TIMER, self.every)

    def on_quote(self, ctx: Context, quote: Quote) -> None:
        self._requote(ctx, quote.instrument.symbol)

    def on_fill(self, ctx: Context, fill: OrderUpdate) -> None:
        if fill.instrument is not None:
            self._look(ctx, fill.instrument.symbol)

    def on_order(self, ctx: Context, update: OrderUpdate) -> None:
        # Nothing is sent from here: an order that is refused now would be refused again at once.
        if update.order in self.cancelling:
            self.cancelling.remove(update.order)

    def _requote(self, ctx: Context, symbol: str) -> None:
        """Cancel what stands at a price that is no longer wanted; the timer, or the next fill, brings the new one."""
        prices = self._prices(ctx, symbol)
        for order in ctx.orders(symbol):
            if (
                prices is None
                or abs(_price_units(ctx, order) - prices[order.side]) >= self.move * ctx.instrument(symbol).tick
            ):
                self._cancel(ctx, order)

    def _look(self, ctx: Context, symbol: str) -> None:
        self._requote(ctx, symbol)
        prices = self._prices(ctx, symbol)
        if prices is None:
            return
        orders = ctx.orders(symbol)
        unit = self._unit(ctx.instrument(symbol), prices[Side.BUY])
        held, most = ctx.position_units(symbol), self.inventory * unit
        least = 0 if _is_spot(ctx.instrument(symbol)) else -most
        if _is_spot(ctx.instrument(symbol)) and not held and not orders:
            ctx.submit_units(symbol, Side.BUY, max(self.inventory // 2, 1) * unit)
            return
        for side, room in ((Side.BUY, most - held), (Side.SELL, held - least)):
            # An order that is on its way, or being cancelled, still may trade: its side waits until it has ended.
            if room >= unit and not any(one.side == side for one in orders):
                ctx.submit_units(symbol, side, unit, prices[side], "post_only")

    def _prices(self, ctx: Context, symbol: str) -> dict[int, int] | None:
        """The wanted price of each side; None while the market has no two sides."""
        quote, one = ctx.quote(symbol), ctx.instrument(symbol)
        if quote is None or not 0 < quote.bid_units < quote.ask_units:
            return None
        most = self.inventory * self._unit(one, quote.bid_units)
        held = ctx.position_units(symbol) - (most // 2 if _is_spot(one) else 0)
        shift = -self.skew * one.tick * held // most
        middle = (quote.bid_units + quote.ask_units) // 2 + shift
        # Never inside the opposite side, where a post-only order would be refused.
        bid = min(middle - self.distance * one.tick, quote.ask_units - one.tick)
        ask = max(middle + self.distance * one.tick, quote.bid_units + one.tick)
        return {Side.BUY: bid - bid % one.tick, Side.SELL: ask + -ask % one.tick}

    def _unit(self, one: Instrument, price_units: int) -> int:
        """The size of one order: `size` times the smallest that the venue takes."""
        least = max(one.min_size, -(-one.min_notional // price_units), one.lot)
        units = self.size * least
        return units + -units % one.lot

    def _cancel(self, ctx: Context, order: KnownOrder) -> None:
        if order.id not in self.cancelling:
            self.cancelling.append(order.id)
            ctx.cancel(order.id)


def _is_spot(one: Instrument) -> bool:
    return one.kind is InstrumentKind.CRYPTO_SPOT


def _price_units(ctx: Context, order: KnownOrder) -> int:
    return int(order.price.scaleb(ctx.instrument(order.symbol).price_scale))
