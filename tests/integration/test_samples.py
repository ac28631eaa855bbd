"""The samples in examples/ behave: with latency, on spot and perpetual, through refusals and a restart."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from papertape.core.records import Kind
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.facts import KeptFacts
from papertape.paper_trading.engine.run import Run
from papertape.paper_trading.engine.terms import Terms
from papertape.runtime.strategies import load_strategy
from tests.small_market import PERPETUAL, SPOT, events, small_market

EXAMPLES = Path(__file__).parents[2] / "examples"
TREND = f"{EXAMPLES / 'trend.py'}:BarTrend?timeframe=5s&fast=3&slow=9"
QUOTER = f"{EXAMPLES / 'quoting.py'}:TwoSidedQuoter?size=3&inventory=6&every=700ms"
SLOW = Terms(
    maker_rate=10_000,
    taker_rate=50_000,
    latency_out_ns=350_000_000,
    latency_jitter_ns=200_000_000,
    latency_back_ns=300_000_000,
)
QUICK = Terms(maker_rate=10_000, taker_rate=50_000)


class Watching:
    """Keeps facts, and has the events among them one by one."""

    def __init__(self) -> None:
        self.kept = KeptFacts()

    def append(self, cursor_seq: int, kind: str, body: Any) -> None:
        self.kept.append(cursor_seq, kind, body)

    @property
    def events(self) -> list[Any]:
        return [event for _, kind, body in self.kept.records if kind == "events" for event in body]


def new_run(name: str, terms: Terms, cash: int, sink: Watching) -> Run:
    run = Run(Engine(lambda _: terms, 5), lambda _: terms, sink)
    run.open_account("sample", cash, leverage=3, strategy=load_strategy(name))
    return run


def most_live(told: list[Any], commands: list[Any]) -> int:
    """The most live orders of one instrument and side at any time, by what was sent and how it ended."""
    sent = {}
    steps = []
    for at_ns, _, _, operation, arguments in commands:
        if operation == "submit":
            sent[len(sent) + 1] = arguments
            steps.append((at_ns, len(sent), 0, 1))
    for event in told:
        ts_ns, kind, order, rest = event[1], event[2], event[3], event[9]
        if kind in (1, 5, 6) or (kind == 4 and rest == 0):
            steps.append((ts_ns, order, 1, -1))
    live: dict[tuple[int, int], int] = {}
    most = 0
    for _, order, _, step in sorted(steps):
        key = (sent[order][0], sent[order][1])
        live[key] = live.get(key, 0) + step
        most = max(most, live[key])
    return most


@pytest.mark.parametrize("terms", [QUICK, SLOW], ids=["quick", "slow"])
@pytest.mark.parametrize("name", [TREND, QUOTER], ids=["trend", "quoter"])
def test_a_sample_trades_sanely(name: str, terms: Terms) -> None:
    told = Watching()
    run = new_run(name, terms, 10**12, told)
    held: dict[int, list[int]] = {0: [], 1: []}
    for first_seq, records in events(small_market(6_000), 50):
        run.take(first_seq, records)
        for index, sizes in held.items():
            sizes.append(run.seats[0].holdings.get(index, (0, 0))[0])
    assert run.stopped == {}
    fills = [event for event in told.events if event[2] == 4]
    assert min(sum(event[5] == index for event in fills) for index in held) > 10, "both markets are traded"
    assert min(held[0]) >= 0
    assert min(held[1]) < 0 < max(held[1])
    commands = [body for _, kind, body in told.kept.records if kind == "command"]
    assert len(commands) < 40_000
    assert most_live(told.events, commands) == 1
    refused = [event for event in told.events if event[2] == 1]
    assert len(refused) <= len(commands) // 20, refused[:5]
    if name == QUOTER:
        assert max(map(abs, held[1])) <= 6 * 3 * PERPETUAL.min_size
        market = small_market(6_000)
        spot_prices = market["price"][(market["kind"] == Kind.QUOTE) & (market["instrument"] == 0)]
        lowest = int(spot_prices.min())
        assert max(held[0]) <= 6 * 3 * -(-SPOT.min_notional // lowest)


@pytest.mark.parametrize("name", [TREND, QUOTER], ids=["trend", "quoter"])
def test_a_sample_without_money_does_no_harm(name: str) -> None:
    told = Watching()
    run = new_run(name, SLOW, 10**8, told)
    run.take(0, small_market(2_000))
    assert run.stopped == {}
    assert len(told.events) < 12_000
    assert run.engine.view().accounts[0].cash >= 0


@pytest.mark.parametrize("name", [TREND, QUOTER], ids=["trend", "quoter"])
def test_a_sample_goes_on_from_a_checkpoint(name: str) -> None:
    batches = events(small_market(2_000), 40)
    whole, cut = Watching(), Watching()
    run = new_run(name, SLOW, 10**12, whole)
    for first_seq, records in batches:
        run.take(first_seq, records)
    half = new_run(name, SLOW, 10**12, cut)
    for at, (first_seq, records) in enumerate(batches):
        if at % 23 == 11:
            saved = msgspec.msgpack.decode(msgspec.msgpack.encode(half.export()))
            half = new_run(name, SLOW, 10**12, cut)
            half.restore(saved)
        half.take(first_seq, records)
    assert half.state_hash() == run.state_hash()
    assert cut.events == whole.events
    assert half.seats[0].strategy.save() == run.seats[0].strategy.save()
