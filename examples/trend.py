"""A trend follower on bars. A sample of how a strategy is written, not of how money is earned: its rule is in every
textbook, and fees alone can make it lose.

    papertape replay TAPE --strategy "examples/trend.py:BarTrend?timeframe=1m&fast=5&slow=20"
"""

from decimal import Decimal

from papertape.core.instruments import Instrument, InstrumentKind
from papertape.paper_trading.strategy import BarUpdate, Context, OrderUpdate, Side, Strategy


class BarTrend(Strategy):
    """Holds each symbol in the direction in which the fast exponential average of its closes lies from the slow one.

    Spot is bought and sold again, never sold short; perpetuals are held long or short. `share` of the equity is put
    into one symbol; one symbol has one market order on its way at most.
    """

    def __init__(self, timeframe: str = "1m", fast: int = 5, slow: int = 20, share: Decimal = Decimal("0.1")) -> None:
        if not 0 < fast < slow or not 0 < share <= 1:
            raise ValueError(f"expected 0 < fast < slow and 0 < share <= 1, was {fast}, {slow} and {share}")
        self.timeframe = timeframe
        self.fast, self.slow = fast, slow
        self.share = str(share)
        self.averages: dict[str, list[float]] = {}
        """By symbol: fast and slow average, and of how many bars."""
        self.refused: dict[str, int] = {}
        """By symbol: orders that the venue or the rules did not take."""

    def on_start(self, ctx: Context) -> None:
        for symbol in ctx.symbols:
            ctx.subscribe_bars(symbol, self.timeframe)

    def on_bar(self, ctx: Context, bar: BarUpdate) -> None:
        symbol, close = bar.instrument.symbol, float(bar.close)
        fast, slow, bars = self.averages.setdefault(symbol, [close, close, 0])
        fast += (close - fast) * 2 / (self.fast + 1)
        slow += (close - slow) * 2 / (self.slow + 1)
        self.averages[symbol] = [fast, slow, bars + 1]
        # Before so many bars the averages still remember their beginning; while an order lives, what is held may change.
        if bars + 1 < self.slow or ctx.orders(symbol):
            return
        direction = (fast > slow) - (fast < slow)
        if bar.instrument.kind is InstrumentKind.CRYPTO_SPOT:
            direction = max(direction, 0)
        held = ctx.position_units(symbol)
        if (held > 0) - (held < 0) == direction:
            return
        wanted = direction * self._size_units(ctx, bar.instrument, bar.close)
        self._trade(ctx, bar.instrument, wanted - held)

    def _size_units(self, ctx: Context, instrument: Instrument, price: Decimal) -> int:
        """What a share of the equity buys at this price, on the lot."""
        money = max(ctx.equity, Decimal(0)) * Decimal(self.share)
        units = int(money / (price * instrument.contract_size) * 10**instrument.size_scale)
        return units - units % instrument.lot

    def _trade(self, ctx: Context, instrument: Instrument, units: int) -> None:
        if units:
            ctx.submit_units(instrument.symbol, Side.BUY if units > 0 else Side.SELL, abs(units))

    def on_order(self, ctx: Context, update: OrderUpdate) -> None:
        # A refusal is no reason to try again at once: the next bar will.
        if update.instrument is not None:
            symbol = update.instrument.symbol
            self.refused[symbol] = self.refused.get(symbol, 0) + 1
