"""Errors planted into the code that records: the oracle of a world must see each of them."""

import pytest

from papertape.core.book.rows import Book
from papertape.core.records import Kind
from papertape.data.connectors.binance_rest import BinanceRest
from papertape.data.connectors.weights import WeightGovernor
from papertape.data.wire.binance.book_sync import BookSync, Fate
from papertape.data.wire.binance.feed import SymbolFeed
from papertape.data.wire.binance.trade_ids import Arrival, TradeIds
from papertape.runtime.recorder import Recorder
from papertape.testing.world import run_world

SEEDS = (3, 28, 39, 4, 9, 11)


def all_follow(self, event):
    """Depth events are applied though some are missing."""
    if not self.synced:
        self._hold(event)
        return Fate.HOLD
    self.last_id = event.u
    return Fate.APPLY


def never_a_duplicate(self, trade_id):
    """Repeated prints count as new ones."""
    arrival = arrive(self, trade_id)
    return Arrival.NEXT if arrival is Arrival.DUPLICATE else arrival


def no_gap(self, ts_recv_ns, cause, kind, missing):
    """Holes are not told."""


def no_gap_of_prints(self, ts_recv_ns, cause, kind, missing):
    """Holes in the prints are not told."""
    if kind != Kind.PRINT:
        gap(self, ts_recv_ns, cause, kind, missing)


def forget_some(self, ts_recv_ns, trade):
    """Every 50th print is dropped."""
    if trade.t % 50:
        take_trade(self, ts_recv_ns, trade)


def wrong_side(self, ts_recv_ns, trade):
    """The aggressor is mixed up."""
    trade.m = not trade.m
    take_trade(self, ts_recv_ns, trade)


def swallow(self, payload, is_last):
    """The recorder loses what comes at some times."""
    if self._intake.now_ns() // 1_000_000 % 40:
        frame(self, payload, is_last)


def forget_levels(self, kind, flags, price, size, update_id):
    """The book does not take some sizes."""
    take_level(self, kind, flags, price, size if price % 3 else 0, update_id)


async def hammer(self, route, query):
    """Nobody waits when the venue asks to."""
    self._not_before_s = 0.0
    self.weights = WeightGovernor(None, 10**9, self.weights.now_ns)
    return await get(self, route, query)


gap, arrive, take_trade, frame, get = (
    SymbolFeed._gap,
    TradeIds.arrive,
    SymbolFeed.take_trade,
    Recorder.frame,
    BinanceRest.get,
)
take_level = Book._take_level


@pytest.mark.parametrize(
    ("owner", "name", "planted", "finding"),
    [
        (BookSync, "take_event", all_follow, "is not the venue's"),
        (TradeIds, "arrive", never_a_duplicate, "more than once"),
        (SymbolFeed, "_gap", no_gap, "without a Gap before it"),
        (SymbolFeed, "_gap", no_gap_of_prints, "are missing without a Gap"),
        (SymbolFeed, "take_trade", forget_some, "not on the tape"),
        (SymbolFeed, "take_trade", wrong_side, "stands on the tape as"),
        (Recorder, "frame", swallow, "not on the tape"),
        (BinanceRest, "get", hammer, "as told"),
        (Book, "_take_level", forget_levels, "is not the venue's"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_planted_errors_are_found(monkeypatch, tmp_path, owner, name, planted, finding):
    monkeypatch.setattr(owner, name, planted)
    found = []
    for seed in SEEDS:
        found += run_world(seed, tmp_path / str(seed)).findings
        if any(finding in one for one in found):
            return
    pytest.fail(f"{planted.__doc__} {found}")
