"""papertape's side of strategies.py, run by its own Python: `papertape_side.py QUOTES.npy CASE`.

CASE is `bars`, `callback` or `requote`, in Python through the public strategy API, or the last two `-compiled`. The
quotes are records before the clock starts, which stands around `Run.take`: market, accounts, orders, ledger and the
running hash. No latency, no fees.
"""

import sys
import time
from typing import Any

import msgspec
import numpy as np
from side import QUOTE_DTYPE, REQUOTE_EVERY, TICKS_BELOW, answer

from papertape.core.instruments import InstrumentKind, instrument_event
from papertape.core.records import RECORD_DTYPE, WHOLE, Kind, as_records
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.run import Run
from papertape.paper_trading.engine.terms import Terms
from papertape.paper_trading.strategy import BarUpdate, Context, Quote, Side, Strategy
from papertape.runtime.bench import traders
from papertape.runtime.bench.market_stream import INSTRUMENT

ROUNDS = 3
CASH = 10**18
UNITS = 10**3
"""A tick times a lot, at the eight decimals of money."""
SPOT = msgspec.structs.replace(INSTRUMENT, kind=InstrumentKind.CRYPTO_SPOT)
"""On spot the cash of an account tells what was paid for every fill."""


class Bars(Strategy):
    """Buys a lot at market when a minute closes higher than the one before, sells it when one closes lower."""

    def __init__(self) -> None:
        self.bars: list[tuple[int, int, int, int]] = []

    def on_start(self, ctx: Context) -> None:
        ctx.subscribe_bars(SPOT.symbol, "1m", "bid")

    def on_bar(self, ctx: Context, bar: BarUpdate) -> None:
        self.bars.append((bar.open_units, bar.high_units, bar.low_units, bar.close_units))
        if len(self.bars) == 1:
            return
        before, held = self.bars[-2][3], ctx.position_units(SPOT.symbol)
        if bar.close_units > before and not held:
            ctx.submit_units(SPOT.symbol, Side.BUY, 1)
        elif bar.close_units < before and held:
            ctx.submit_units(SPOT.symbol, Side.SELL, 1)


class Callback(Strategy):
    """Counts the quotes."""

    def __init__(self) -> None:
        self.seen = 0

    def on_start(self, ctx: Context) -> None:
        ctx.subscribe_quotes(SPOT.symbol)

    def on_quote(self, ctx: Context, quote: Quote) -> None:
        self.seen += 1


class Requote(Strategy):
    """At every hundredth quote takes back what still rests of its buy order and places a new one below the best bid."""

    def __init__(self) -> None:
        self.seen = 0

    def on_start(self, ctx: Context) -> None:
        ctx.subscribe_quotes(SPOT.symbol, every=REQUOTE_EVERY)

    def on_quote(self, ctx: Context, quote: Quote) -> None:
        self.seen += REQUOTE_EVERY
        for order in ctx.orders():
            ctx.cancel(order.id)
        ctx.submit_units(SPOT.symbol, Side.BUY, 1, quote.bid_units - TICKS_BELOW, "post_only")


STRATEGIES: dict[str, type[Strategy]] = {
    "bars": Bars,
    "callback": Callback,
    "callback-compiled": traders.Counting,
    "requote": Requote,
    "requote-compiled": traders.CompiledRequoting,
}


def records_of(quotes: Any) -> Any:
    records = np.zeros(len(quotes), RECORD_DTYPE)
    for name, field in zip(QUOTE_DTYPE.names or (), ("ts_recv_ns", "price", "size", "x", "y"), strict=True):
        records[field] = quotes[name]
    records["kind"], records["flags"], records["id"] = int(Kind.QUOTE), int(WHOLE), np.arange(1, len(quotes) + 1)
    return records


def run(records: Any, case: str) -> tuple[float, Strategy, Run]:
    """Seconds; the strategy and the run after it."""
    terms, strategy = Terms(), STRATEGIES[case]()
    made = Run(Engine(lambda _: terms, 0), lambda _: terms)
    made.open_account("peer", CASH, strategy=strategy)
    listed = as_records(instrument_event(SPOT, 0, int(records["ts_recv_ns"][0])))
    made.take(0, listed)
    began = time.perf_counter()
    made.take(len(listed), records)
    return time.perf_counter() - began, strategy, made


def main() -> None:
    records, case = records_of(np.load(sys.argv[1], mmap_mode="r")), sys.argv[2]
    compiling, *_ = run(records[:1000], case)
    rounds = [run(records, case) for _ in range(ROUNDS)]
    _, strategy, made = rounds[-1]
    view = made.engine.view()
    positions = [one for one in view.positions if one.size or one.fills]
    answer(
        min(seconds for seconds, *_ in rounds),
        getattr(strategy, "bars", []),
        seen=getattr(strategy, "seen", 0) or int(made.engine.states[0]["memory"][0, 0]),
        orders=view.orders_made,
        fills=sum(one.fills for one in positions),
        position=sum(one.size for one in positions),
        cash=(view.accounts[0].cash - CASH) // UNITS,
        compile_seconds=compiling,
    )


main()
