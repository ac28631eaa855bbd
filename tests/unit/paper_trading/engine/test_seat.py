from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from papertape.core.errors import DataError
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.facts import KeptFacts
from papertape.paper_trading.engine.rows import EventKind, Reason, Side
from papertape.paper_trading.engine.run import Run
from papertape.paper_trading.engine.seat import NO_PRICE, parse_duration_ns, units_of
from papertape.paper_trading.engine.terms import Terms
from papertape.paper_trading.strategy import Context, OrderUpdate, Strategy
from tests.small_market import PERPETUAL, SPOT, STEP_NS, events, small_market

FEES = Terms(maker_rate=10_000, taker_rate=100_000)
LATE = Terms(latency_out_ns=450_000_000, latency_back_ns=350_000_000)


def test_times() -> None:
    assert [parse_duration_ns(text) for text in ("500ms", "1s", "5m")] == [500_000_000, 10**9, 300 * 10**9]
    for text in ("", "1", "s", "0s", "-1s", "1w", "99999d"):
        with pytest.raises(DataError, match="expected a time"):
            parse_duration_ns(text)


def test_numbers_are_exact_or_on_no_tick() -> None:
    assert [units_of(number, 2) for number in ("1.25", 1.25, Decimal("1.25"), 3)] == [125, 125, 125, 300]
    assert [units_of(number, 2) for number in (np.float64(1.25), np.int64(3))] == [125, 300]
    fine = f"1.25{'0' * 40}1"
    assert [units_of(number, 2) for number in ("1.255", 10**30, "1e999999", "1e-999999", fine)] == [NO_PRICE] * 5
    for number in ("x", "nan", float("inf"), None, [1]):
        with pytest.raises(DataError):
            units_of(number, 2)


class Script(Strategy):
    """Does one step at each quote of the spot market, in its order."""

    def __init__(self, *steps: Callable[[Context], Any]) -> None:
        self.steps = list(steps)
        self.answers: list[Any] = []
        self.told: list[OrderUpdate] = []

    def on_start(self, ctx: Context) -> None:
        ctx.subscribe_quotes(SPOT.symbol)

    def on_quote(self, ctx: Context, quote: Any) -> None:
        if self.steps:
            self.answers.append(self.steps.pop(0)(ctx))

    def on_fill(self, ctx: Context, fill: OrderUpdate) -> None:
        self.told.append(fill)

    def on_order(self, ctx: Context, update: OrderUpdate) -> None:
        self.told.append(update)


def played(script: Strategy, terms: Terms = FEES, cash: int = 1_000_000_000_000, count: int = 100) -> Run:
    run = Run(Engine(lambda _: terms, 2), lambda _: terms, KeptFacts())
    run.open_account("mine", cash, leverage=2, strategy=script)
    for first_seq, records in events(small_market(count), 1_000):
        run.take(first_seq, records)
    return run


def kinds(script: Script) -> list[tuple[EventKind, Reason]]:
    return [(one.kind, one.reason) for one in script.told]


def test_what_is_there_can_be_asked() -> None:
    script = Script(
        lambda ctx: (ctx.account, list(ctx.symbols), ctx.cash, ctx.equity),
        lambda ctx: (ctx.instrument("AAAUSDT"), ctx.instrument("BBBUSDT")),
        lambda ctx: (ctx.now_ns, ctx.quote("AAAUSDT"), ctx.levels("AAAUSDT", 5)),
    )
    played(script)
    money = Decimal("10000.00000000")
    assert script.answers[0] == ("mine", ["AAAUSDT", "BBBUSDT"], money, money)
    assert script.answers[1] == (SPOT, PERPETUAL)
    now_ns, quote, levels = script.answers[2]
    assert now_ns == 4 * STEP_NS
    assert quote.ask - quote.bid == Decimal("0.02")
    assert levels == ([], [])


def test_a_market_order_changes_what_is_known() -> None:
    def known(ctx: Context) -> Any:
        return ctx.orders(), ctx.position("AAAUSDT"), ctx.position_units("AAAUSDT"), ctx.cash

    script = Script(lambda ctx: (ctx.quote("AAAUSDT").ask, ctx.buy("AAAUSDT", 2)), known)
    run = played(script)
    ask, number = script.answers[0]
    fee = ask * 2 / 1000
    (fill,) = script.told
    assert (fill.kind, fill.order, fill.side, fill.is_maker) == (EventKind.FILL, number, Side.BUY, False)
    assert (fill.price, fill.size, fill.rest, fill.fee) == (ask, 2, 0, fee)
    assert script.answers[1] == ([], 2, 2_000, 10_000 - 2 * ask - fee)
    view = run.engine.view().accounts[0]
    assert run.seats[0].cash_units == view.cash
    assert run.seats[0].equity == Decimal(run.engine.equity(0)).scaleb(-8)


def test_a_perpetual_is_sold_and_turned() -> None:
    script = Script(str, lambda ctx: ctx.sell("BBBUSDT", "3"), lambda ctx: ctx.buy("BBBUSDT", "5"))
    run = played(script)
    assert [one.size for one in script.told] == [3, 5]
    assert run.seats[0].position("BBBUSDT") == 2
    assert run.seats[0].cash_units == run.engine.view().accounts[0].cash
    assert run.seats[0].equity == Decimal(run.engine.equity(0)).scaleb(-8)


def test_orders_are_known_from_their_sending_to_the_news_of_their_end() -> None:
    def live(ctx: Context) -> Any:
        return [(one.id, one.is_working, one.price, one.rest) for one in ctx.orders("AAAUSDT")]

    def place(ctx: Context) -> Any:
        return ctx.buy("AAAUSDT", 1, "90.00"), ctx.orders("BBBUSDT")

    steps = [place, *[live] * 5, lambda ctx: ctx.cancel(ctx.orders()[0].id), *[live] * 6]
    script = Script(*steps)
    played(script, LATE)
    number, others = script.answers[0]
    assert others == []
    # Quotes come every 200 ms, the way there and back takes 800 ms.
    on_its_way, working = (number, False, 90, 1), (number, True, 90, 1)
    assert script.answers[1:6] == [[on_its_way]] * 3 + [[working]] * 2
    assert script.answers[7:] == [[working]] * 3 + [[]] * 3
    assert kinds(script) == [(EventKind.ACCEPTED, Reason.NOTHING), (EventKind.CANCELLED, Reason.BY_REQUEST)]


def test_a_fill_is_told_and_counts_once_its_report_has_travelled_back() -> None:
    class Timed(Script):
        def on_fill(self, ctx: Context, fill: OrderUpdate) -> None:
            told.append((ctx.now_ns, fill.ts_ns, ctx.position("AAAUSDT"), ctx.orders()))

    told: list[Any] = []
    held = [lambda ctx: ctx.position("AAAUSDT")] * 5
    script = Timed(lambda ctx: (ctx.now_ns, ctx.buy("AAAUSDT", 1)), *held)
    played(script, LATE)
    sent_ns, _ = script.answers[0]
    filled_ns = sent_ns + LATE.latency_out_ns
    assert told == [(filled_ns + LATE.latency_back_ns, filled_ns, 1, [])]
    # Both ways take 800 ms, which is when the fourth quote after the order comes.
    assert script.answers[1:4] == [0, 0, 0]
    assert script.answers[5] == 1


def test_an_order_is_amended_and_a_stop_waits() -> None:
    def look(ctx: Context) -> Any:
        return [(one.price, one.size) for one in ctx.orders()]

    script = Script(
        lambda ctx: ctx.buy("AAAUSDT", 2, "90.00"),
        lambda ctx: ctx.amend(1, price="91.00"),
        look,
        lambda ctx: ctx.amend(1, size="3"),
        look,
        lambda ctx: ctx.sell("BBBUSDT", 1, stop="900"),
        look,
    )
    played(script)
    assert script.answers[2::2] == [[(91, 2)], [(91, 3)], [(91, 3), (900, 1)]]
    assert [kind for kind, _ in kinds(script)][:3] == [EventKind.ACCEPTED, EventKind.AMENDED, EventKind.ACCEPTED]


@pytest.mark.parametrize(
    ("send", "reason"),
    [
        (lambda ctx: ctx.buy("AAAUSDT", 1, "100.001"), Reason.NOT_ON_TICK),
        (lambda ctx: ctx.buy("BBBUSDT", 1, "100.1"), Reason.NOT_ON_TICK),
        (lambda ctx: ctx.buy("AAAUSDT", "0.0001"), Reason.NOT_ON_LOT),
        (lambda ctx: ctx.buy("AAAUSDT", -1), Reason.NOT_ON_LOT),
        (lambda ctx: ctx.buy("AAAUSDT", 0), Reason.NOT_ON_LOT),
        (lambda ctx: ctx.buy("AAAUSDT", 1, -5), Reason.NOT_ON_TICK),
        (lambda ctx: ctx.buy("AAAUSDT", 10**40), Reason.NOT_ON_LOT),
        (lambda ctx: ctx.buy("AAAUSDT", 1, "0.01"), Reason.BELOW_MIN_NOTIONAL),
        (lambda ctx: ctx.buy("AAAUSDT", 10**6), Reason.NO_BALANCE),
        (lambda ctx: ctx.buy("AAAUSDT", 10**14), Reason.TOO_LARGE),
        (lambda ctx: ctx.sell("AAAUSDT", 1), Reason.NO_HOLDING),
        (lambda ctx: ctx.buy("BBBUSDT", 10_000), Reason.NO_BALANCE),
        (lambda ctx: ctx.submit_units("AAAUSDT", Side.BUY, 10**30), Reason.NOT_ON_LOT),
        (lambda ctx: ctx.submit_units("AAAUSDT", Side.BUY, 1_000, 10**30), Reason.NOT_ON_TICK),
        (lambda ctx: ctx.buy("AAAUSDT", 1, tif="post_only"), Reason.BAD_REQUEST),
        (lambda ctx: ctx.cancel(10**30), Reason.UNKNOWN_ORDER),
        (lambda ctx: ctx.cancel(77), Reason.UNKNOWN_ORDER),
    ],
)
def test_refusals_are_told_and_nobody_is_stopped(send: Callable[[Context], Any], reason: Reason) -> None:
    script = Script(lambda ctx: "the perpetual has no quote yet", send, lambda ctx: ctx.orders())
    run = played(script)
    assert [one.reason for one in script.told] == [reason]
    assert script.told[0].kind in (EventKind.REJECTED, EventKind.REFUSED)
    assert script.answers[2] == []
    assert run.stopped == {}


@pytest.mark.parametrize(
    "ask",
    [
        lambda ctx: ctx.buy("NOPE", 1),
        lambda ctx: ctx.buy("AAAUSDT", "x"),
        lambda ctx: ctx.buy("AAAUSDT", None),
        lambda ctx: ctx.buy("AAAUSDT", 1, float("inf")),
        lambda ctx: ctx.buy("AAAUSDT", 1, 100, stop=100),
        lambda ctx: ctx.buy("AAAUSDT", 1, 100, tif="day"),
        lambda ctx: ctx.submit_units("AAAUSDT", 5, 1_000),
        lambda ctx: ctx.amend(77, price=1),
        lambda ctx: ctx.position("NOPE"),
        lambda ctx: ctx.orders("NOPE"),
        lambda ctx: ctx.quote("NOPE"),
        lambda ctx: ctx.levels("NOPE", 1),
        lambda ctx: ctx.instrument("NOPE"),
        lambda ctx: ctx.subscribe_quotes("NOPE"),
        lambda ctx: ctx.subscribe_quotes("AAAUSDT", every=0),
        lambda ctx: ctx.subscribe_bars("AAAUSDT", "1w"),
        lambda ctx: ctx.subscribe_bars("AAAUSDT", "1m", "last"),
        lambda ctx: ctx.set_timer("t", "0s"),
        lambda ctx: ctx.set_timer("t", "999999999d"),
        lambda ctx: ctx.set_timer(5, "1s"),
    ],
)
def test_what_cannot_be_meant_is_an_error_that_can_be_caught(ask: Callable[[Context], Any]) -> None:
    def tried(ctx: Context) -> str:
        with pytest.raises(DataError, match="expected"):
            ask(ctx)
        return "caught"

    script = Script(tried, lambda ctx: ctx.buy("AAAUSDT", 1))
    run = played(script)
    assert script.answers == ["caught", 1], run.stopped
    assert kinds(script) == [(EventKind.FILL, Reason.NOTHING)]


def test_timers_come_at_their_time_and_notes_are_kept() -> None:
    class Timed(Script):
        def on_timer(self, ctx: Context, name: str) -> None:
            ctx.note(f"{name} at {ctx.now_ns}")

    def set_both(ctx: Context) -> None:
        ctx.set_timer("late", "1s")
        ctx.set_timer("soon", "250ms")

    script = Timed(set_both)
    run = played(script)
    notes = [body for _, kind, body in run._sink.records if kind == "note"]
    began = 2 * STEP_NS
    assert notes == [
        [began + 250_000_000, 0, f"soon at {began + 250_000_000}"],
        [began + 10**9, 0, f"late at {began + 10**9}"],
    ]
