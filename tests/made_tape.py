"""Tapes of the synthetic market, and strategies in files: what the tests of runs share."""

from pathlib import Path

from papertape.core.records import RecordBuffer
from papertape.data.connectors.reel_connector import ReelConnector
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import SPOT, Rules
from papertape.tape.market_writer import MarketWriter
from papertape.venue.synthetic.reels import write_synthetic_reel

SYMBOL = "ETHUSDT"

ROUND = '''
"""Buys, and sells what it holds, in turn."""
from papertape.paper_trading.strategy import Strategy


class Round(Strategy):
    def __init__(self, every=20, size="0.5"):
        self.every, self.size = every, str(size)

    def on_start(self, ctx):
        for symbol in ctx.symbols:
            ctx.subscribe_quotes(symbol, every=self.every)

    def on_quote(self, ctx, quote):
        symbol = quote.instrument.symbol
        held = ctx.position_units(symbol)
        if held:
            ctx.sell(symbol, ctx.position(symbol))
        else:
            ctx.buy(symbol, self.size)


class Wrong(Round):
    def on_fill(self, ctx, fill):
        raise ValueError("the sky is falling")
'''


def strategy_file(folder: Path, text: str = ROUND, name: str = "round_trip.py") -> Path:
    """A file of strategies; `ROUND` holds `Round`, and `Wrong`, which raises at its first fill."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def tape_of_reels(tape: Path, reels: list[Path], symbol: str = SYMBOL, rules: Rules = SPOT) -> Path:
    """Make a tape of reels of one symbol, as a replay reads them."""
    machine = BinanceMachine(rules, {symbol: 0}, Gate(RecordBuffer()))
    with MarketWriter.open(tape) as writer:
        for data in ReelConnector(machine, [str(reel) for reel in reels]).batches():
            writer.append(data)
    return tape


def made_market(folder: Path, seconds: float = 5, seed: int = 7) -> Path:
    """Make `folder`/made.reel, so many seconds of `SYMBOL`, and the tape of it; returns the tape."""
    write_synthetic_reel(folder / "made.reel", seed, SYMBOL, seconds)
    return tape_of_reels(folder / "tape", [folder / "made.reel"])
