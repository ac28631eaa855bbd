import msgspec
import numpy as np
import pytest

from papertape.paper_trading.engine.again import apply_again
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.facts import KeptFacts
from papertape.paper_trading.engine.run import Run
from papertape.paper_trading.engine.terms import Terms
from papertape.paper_trading.strategy import Strategy
from papertape.runtime.bench.market_stream import listing, quotes
from tests.dice import Dice
from tests.differential.order_flow import scenario
from tests.small_market import events, small_market

TERMS = Terms(taker_rate=50_000, latency_out_ns=7_000_000, latency_jitter_ns=9_000_000, latency_back_ns=11_000_000)


class Good(Strategy):
    def __init__(self) -> None:
        self.quotes = 0

    def on_start(self, ctx):
        ctx.subscribe_quotes("ETHUSDT")

    def on_quote(self, ctx, quote):
        self.quotes += 1


class Bad(Good):
    def __init__(self, act):
        super().__init__()
        self.act = act

    def on_quote(self, ctx, quote):
        self.act(ctx)

    def on_order(self, ctx, update):
        self.act(ctx)


def endless(ctx):
    while True:
        ctx.buy("ETHUSDT", "0.001")


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda ctx: 1 / 0, "ZeroDivisionError"),
        (lambda ctx: ctx.buy("NOPE", "1"), "expected one of the symbols ETHUSDT"),
        (lambda ctx: ctx.buy("ETHUSDT", float("nan")), "finite"),
        (lambda ctx: ctx.buy("ETHUSDT", "much"), "decimal number"),
        (lambda ctx: ctx.buy("ETHUSDT", "0.0000001"), "StrategyLoops"),
        (endless, "StrategyLoops"),
    ],
)
def test_a_bad_strategy_is_stopped_with_the_reason_and_the_rest_runs_on(act, says):
    run = Run(Engine(lambda _: Terms(), 0), lambda _: Terms())
    good = Good()
    run.open_account("bad", 10**13, strategy=Bad(act))
    run.open_account("good", 10**13, strategy=good)
    run.take(0, listing())
    run.take(len(listing()), quotes(1_000))
    assert says in run.stopped[0]
    assert 1 not in run.stopped
    assert good.quotes == 1_000
    assert set(run.ledger.trial_balance().values()) == {0}


def dice_run(batch: int, told: KeptFacts) -> Run:
    records = scenario(4).records
    run = Run(Engine(lambda _: TERMS, 4), lambda _: TERMS, told)
    for number in range(2):
        run.open_account(f"dice-{number}", 10**14, leverage=5, strategy=Dice(number))
    ends = np.flatnonzero(records["flags"] & 2) + 1
    start = 0
    for end in [*ends[batch - 1 :: batch].tolist(), len(records)]:
        if end > start:
            run.take(start, records[start:end])
            start = end
    return run


def test_batches_change_nothing():
    hashes = {dice_run(batch, KeptFacts()).state_hash() for batch in (1, 7, 10_000)}
    assert len(hashes) == 1


def flat(told: KeptFacts) -> dict[str, list[object]]:
    """Facts by kind, one by one: how many stand in one record depends on the batches."""
    found: dict[str, list[object]] = {}
    for _, kind, body in told.records:
        found.setdefault(kind, []).extend(body if kind in ("events", "postings") else [body])
    return found


def test_batches_change_no_fact():
    told = [KeptFacts() for _ in range(3)]
    for batch, one in zip((1, 7, 10_000), told, strict=True):
        dice_run(batch, one)
    assert flat(told[0]) == flat(told[1]) == flat(told[2])
    assert len(flat(told[0])["events"]) > 100
    cursors = [[(cursor, body) for cursor, kind, body in one.records if kind == "command"] for one in told]
    assert cursors[0] == cursors[1] == cursors[2]


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_a_run_that_stops_and_goes_on_ends_as_one_that_did_not(seed):
    """With orders and reports on their way, timers, bars half made and feeds half counted."""
    records = scenario(seed).records
    whole, cut = KeptFacts(), KeptFacts()

    def opened(told: KeptFacts) -> Run:
        run = Run(Engine(lambda _: TERMS, seed), lambda _: TERMS, told)
        for number in range(2):
            run.open_account(f"dice-{number}", 10**14, leverage=5, strategy=Dice(number))
        return run

    run, again = opened(whole), opened(cut)
    for place, (first_seq, batch) in enumerate(events(records, 13)):
        run.take(first_seq, batch)
        if place % 9 == 5:
            saved = msgspec.msgpack.decode(msgspec.msgpack.encode(again.export()))
            again = opened(KeptFacts())
            again._sink = cut
            again.restore(saved)
        again.take(first_seq, batch)
    assert again.state_hash() == run.state_hash()
    assert flat(cut) == flat(whole)
    assert again.export() == run.export()


class Trader(Strategy):
    """Buys and sells a little, with every kind of call; `bad` says where it goes wrong, and how."""

    def __init__(self, bad: str = "", after: int = 20) -> None:
        self.bad, self.after = bad, after
        self.calls = 0
        self.stopped_at = 0

    def at(self, where: str, ctx) -> None:
        self.calls += 1
        if where == self.bad and self.calls > self.after:
            self.stopped_at = self.calls
            raise ValueError(f"wrong in {where}")

    def on_start(self, ctx):
        for symbol in ctx.symbols:
            ctx.subscribe_quotes(symbol)
            ctx.subscribe_prints(symbol)
            ctx.subscribe_bars(symbol, "1s")
        ctx.set_timer("t", "1s")
        self.at("on_start", ctx)

    def on_quote(self, ctx, quote):
        self.at("on_quote", ctx)
        symbol = quote.instrument.symbol
        if not ctx.orders(symbol):
            side = ctx.sell if ctx.position(symbol) else ctx.buy
            side(symbol, "1", quote.bid if self.calls % 3 else quote.ask)

    def on_print(self, ctx, trade):
        self.at("on_print", ctx)

    def on_bar(self, ctx, bar):
        self.at("on_bar", ctx)
        for order in ctx.orders():
            ctx.cancel(order.id)

    def on_fill(self, ctx, fill):
        self.at("on_fill", ctx)

    def on_order(self, ctx, update):
        self.at("on_order", ctx)

    def on_timer(self, ctx, name):
        self.at("on_timer", ctx)
        ctx.set_timer("t", "1s")

    def on_stop(self, ctx):
        self.at("on_stop", ctx)


def traded(*strategies: Strategy, steps: int = 400) -> Run:
    run = Run(Engine(lambda _: TERMS, 4), lambda _: TERMS, KeptFacts())
    for number, strategy in enumerate(strategies):
        run.open_account(f"account-{number}", 10**12, leverage=3, strategy=strategy)
    for first_seq, records in events(small_market(steps), 17):
        run.take(first_seq, records)
    run.finish()
    return run


def account(run: Run, number: int) -> object:
    view = run.engine.view()
    of = [one for one in view.positions if one.account == number]
    told = [event[1:3] + event[4:] for event in flat(run._sink)["events"] if event[4] == number]
    return view.accounts[number], of, told


WHERE = ["on_start", "on_quote", "on_print", "on_bar", "on_fill", "on_order", "on_timer", "on_stop"]


@pytest.mark.parametrize("where", WHERE)
def test_an_error_anywhere_stops_its_strategy_and_no_other(where):
    bad = Trader(where, 0 if where == "on_start" else 20)
    run = traded(bad, Trader())
    assert run.stopped == {0: f"ValueError: wrong in {where}"}
    assert bad.calls == bad.stopped_at, "it is not called again"
    assert set(run.ledger.trial_balance().values()) == {0}
    if where != "on_stop":
        assert [order for order in run.engine.view().orders if order.account == 0] == []
    # Latencies are drawn by number, so a neighbour moves them; without jitter nothing of the other would change.
    assert account(run, 1)[1]


def test_the_others_are_as_they_would_be_beside_an_idle_one(monkeypatch):
    monkeypatch.setattr(f"{__name__}.TERMS", msgspec.structs.replace(TERMS, latency_jitter_ns=0))
    beside_bad, beside_idle = traded(Trader("on_fill"), Trader()), traded(Strategy(), Trader())
    assert beside_bad.stopped
    assert account(beside_bad, 1) == account(beside_idle, 1)


def test_a_stopped_strategy_leaves_what_it_did_before():
    """The recorded commands and the stop alone bring the same state."""
    bad = traded(Trader("on_bar"), Trader())
    twin = Run(Engine(lambda _: TERMS, 4), lambda _: TERMS)
    for number in range(2):
        twin.open_account(f"account-{number}", 10**12, leverage=3)
    inputs = [one for one in bad._sink.records if one[1] in ("command", "stopped")]
    apply_again(twin, inputs, events(small_market(400), 29))
    assert twin.state_hash() == bad.state_hash()


class Hostile(Strategy):
    """Asks for the end of every order there may be, and of impossible ones."""

    def on_start(self, ctx):
        ctx.subscribe_quotes(ctx.symbols[0], every=3)

    def on_quote(self, ctx, quote):
        for order in range(1, 60):
            ctx.cancel(order)


def test_orders_of_others_cannot_be_cancelled(monkeypatch):
    monkeypatch.setattr(f"{__name__}.TERMS", msgspec.structs.replace(TERMS, latency_jitter_ns=0))
    beside, alone = traded(Hostile(), Trader()), traded(Strategy(), Trader())
    assert beside.stopped == {}
    assert account(beside, 1) == account(alone, 1)


class Greedy(Strategy):
    """Sends without end in its very first moments."""

    def on_start(self, ctx):
        ctx.subscribe_quotes(ctx.symbols[0])

    def on_quote(self, ctx, quote):
        while True:
            ctx.buy(quote.instrument.symbol, 1, "90.00")


def test_a_neighbour_may_act_at_the_moment_at_which_another_runs_in_circles():
    run = traded(Greedy(), Trader(), steps=50)
    assert list(run.stopped) == [0]
    assert run.stopped[0].startswith("StrategyLoops: expected at most 1000 commands")
    assert run.engine.view().orders_made > 1_000
    assert account(run, 1)[2]


class Untold(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def test_an_error_that_cannot_be_told_stops_all_the_same():
    class Mute(Trader):
        def at(self, where, ctx):
            raise Untold("\ud800")

    run = traded(Mute(), Trader(), steps=50)
    assert run.stopped == {0: "Untold: ?"}
    msgspec.msgpack.encode([body for _, _, body in run._sink.records])
