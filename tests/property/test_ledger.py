"""The ledger against an oracle that knows only trades, in whole units as fractions, and the engine's cost rule."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from papertape.core.errors import DataError, IntegrityError
from papertape.core.instruments import Instrument, InstrumentKind
from papertape.paper_trading.ledger import Fill, Ledger, LedgerState, Transaction

UNIT = Fraction(1, 10**8)


def instrument(kind: InstrumentKind, base: str, quote: str, scales: tuple[int, int], contract_size: int) -> Instrument:
    return Instrument(
        venue="test",
        symbol=base + quote,
        kind=kind,
        base=base,
        quote=quote,
        settle=quote,
        price_scale=scales[0],
        size_scale=scales[1],
        tick=1,
        lot=1,
        contract_size=contract_size,
    )


SPOT, PERPETUAL = InstrumentKind.CRYPTO_SPOT, InstrumentKind.LINEAR_PERPETUAL
PERPETUALS = (instrument(PERPETUAL, "BTC", "USDT", (1, 3), 1), instrument(PERPETUAL, "SHIB", "USDT", (7, 5), 1000))
INSTRUMENTS = (
    *PERPETUALS,
    instrument(SPOT, "BTC", "USDT", (2, 5), 1),
    instrument(SPOT, "SHIB", "USDT", (8, 0), 1),
    instrument(SPOT, "ETH", "BTC", (5, 8), 1),  # what is a holding elsewhere is the money here
)


class Deposit(NamedTuple):
    account: str
    currency: str
    amount: int


class Trade(NamedTuple):
    account: str
    instrument: Instrument
    side: int
    price: int
    size: int
    rate: int


accounts = st.sampled_from(("alice", "bob"))
deposits = st.builds(Deposit, accounts, st.sampled_from(("USDT", "BTC")), st.integers(1, 10**20))


def trades_of(instruments: tuple[Instrument, ...], names: st.SearchStrategy[str]) -> st.SearchStrategy[Trade]:
    prices, sizes, rates = st.integers(1, 10**9), st.integers(1, 10**6), st.integers(-(10**5), 10**6)
    return st.builds(Trade, names, st.sampled_from(instruments), st.sampled_from((1, -1)), prices, sizes, rates)


trades = trades_of(INSTRUMENTS, accounts)
histories = st.lists(deposits | trades, max_size=30)


def rounded(value: Fraction) -> Fraction:
    """Half to even, to the unit of money: how Python rounds a fraction."""
    return round(value / UNIT) * UNIT


class Position:
    """Size and cost of a perpetual at average cost, both with the sign of the side."""

    def __init__(self) -> None:
        self.size = self.cost = Fraction()

    def trade(self, size: Fraction, value: Fraction) -> Fraction:
        """What a fill realises; `size` and `value` have the sign of its side."""
        closed = min(abs(self.size), abs(size)) if self.size * size < 0 else Fraction()
        part = rounded(self.cost * closed / abs(self.size)) if closed else Fraction()
        against = rounded(value * closed / abs(size))
        self.size += size
        self.cost += value - against - part
        return -against - part


class Oracle:
    """Every balance, in whole units, and the fill that a trade makes."""

    def __init__(self) -> None:
        self.balances: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
        self.positions: dict[tuple[str, str], Position] = defaultdict(Position)
        self.traded = self.exact = self.realised = self.fees = Fraction()
        self.count = 0

    def deposit(self, step: Deposit) -> None:
        self.count += 1
        self.balances[f"{step.account}:cash", step.currency] += step.amount * UNIT
        self.balances["equity", step.currency] -= step.amount * UNIT

    def trade(self, step: Trade) -> Fill:
        self.count += 1
        name, listed = step.account, step.instrument
        size = Fraction(step.side * step.size, 10**listed.size_scale) * listed.contract_size
        exact = Fraction(step.price, 10**listed.price_scale) * size
        value = rounded(exact)
        fee = rounded(abs(value) * Fraction(step.rate, 10**8))
        realised = Fraction()
        if listed.kind is SPOT:
            self.balances[f"{name}:cash", listed.quote] -= value
            self.balances["venue", listed.quote] += value
            self.balances[f"{name}:{listed.base}", listed.base] += size
            self.balances["venue", listed.base] -= size
        else:
            realised = self.positions[name, listed.symbol].trade(size, value)
            self.balances[f"{name}:cash", listed.quote] += realised
            self.balances["pnl", listed.quote] -= realised
        self.balances[f"{name}:cash", listed.quote] -= fee
        self.balances["fees", listed.quote] += fee
        self.traded, self.exact = self.traded + value, self.exact + exact
        self.realised, self.fees = self.realised + realised, self.fees + fee
        notional, paid, profit = (int(one / UNIT) for one in (abs(value), fee, realised))
        return Fill(
            account=name,
            instrument=listed,
            side=step.side,
            size=step.size,
            notional=notional,
            fee=paid,
            realised=profit,
        )

    def play(self, ledger: Ledger, step: Deposit | Trade) -> Transaction:
        """One step in both."""
        if isinstance(step, Deposit):
            self.deposit(step)
            return ledger.deposit(self.count, *step)
        return ledger.post_fill(self.count, 7 * self.count, self.trade(step))


def played(history: Iterable[Deposit | Trade], ledger: Ledger, oracle: Oracle) -> list[Transaction]:
    return [oracle.play(ledger, step) for step in history]


def whole(balances: dict[tuple[str, str], int]) -> dict[tuple[str, str], Fraction]:
    """Balances in whole units, without those of 0."""
    return {key: amount * UNIT for key, amount in balances.items() if amount}


def copied(ledger: Ledger) -> Ledger:
    """The ledger through the text of a checkpoint."""
    return Ledger.restore(msgspec.json.decode(msgspec.json.encode(ledger.state()), type=LedgerState))


def check(ledger: Ledger, oracle: Oracle) -> None:
    assert whole(ledger.balances()) == {key: amount for key, amount in oracle.balances.items() if amount}
    assert not any(ledger.trial_balance().values())
    assert ledger.transactions == oracle.count


@given(histories)
def test_any_history_balances_and_agrees_with_the_oracle(history: list[Deposit | Trade]) -> None:
    ledger, oracle = Ledger(), Oracle()
    totals: dict[tuple[str, str], int] = defaultdict(int)
    for number, transaction in enumerate(played(history, ledger, oracle), 1):
        by_currency: dict[str, int] = defaultdict(int)
        for posting in transaction.postings:
            by_currency[posting.currency] += posting.amount
            totals[posting.account, posting.currency] += posting.amount
        assert not any(by_currency.values())
        assert transaction.number == number
    assert totals == ledger.balances()  # the transactions alone tell the balances
    check(ledger, oracle)


@given(histories, st.integers(0, 30))
def test_a_replay_ends_alike_also_through_a_checkpoint(history: list[Deposit | Trade], cut: int) -> None:
    ledger, again = Ledger(), Ledger()
    first = played(history, ledger, Oracle())
    oracle = Oracle()
    second = played(history[:cut], again, oracle)
    again = copied(again)
    assert second + played(history[cut:], again, oracle) == first
    assert again.state() == ledger.state()


@given(st.lists(trades_of(PERPETUALS[:1], st.just("alice")), min_size=1, max_size=30))
def test_the_profit_of_a_perpetual_is_exact(history: list[Trade]) -> None:
    ledger, oracle = Ledger(), Oracle()
    ledger.deposit(0, "alice", "USDT", 10**13)

    def gain() -> Fraction:
        return ledger.balance("alice:cash", "USDT") * UNIT - 10**5

    for step in history:
        ledger.post_fill(0, 0, oracle.trade(step))
        (position,) = oracle.positions.values()
        assert gain() == oracle.realised - oracle.fees
        assert gain() == position.cost - oracle.traded - oracle.fees  # from the trades alone
    if position.size:
        rest = int(abs(position.size) * 1000)
        ledger.post_fill(0, 0, oracle.trade(history[-1]._replace(side=-1 if position.size > 0 else 1, size=rest)))
    assert (position.size, position.cost) == (0, 0)
    assert gain() == -oracle.traded - oracle.fees  # flat: what came in less what went out
    assert abs(oracle.traded - oracle.exact) <= UNIT / 2 * (len(history) + 1)


class LedgerMachine(RuleBasedStateMachine):
    """Books, refuses and restores in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger, self.oracle = Ledger(), Oracle()
        self.history: list[Deposit | Trade] = []

    @rule(step=deposits | trades)
    def books(self, step: Deposit | Trade) -> None:
        self.history.append(step)
        word = self.ledger.word
        self.oracle.play(self.ledger, step)
        assert self.ledger.word != word

    @rule(step=trades, change=st.sampled_from([{"fee": 0.5}, {"account": "a:b"}, {"side": 0}, {"size": 0}]))
    def refuses(self, step: Trade, change: dict[str, Any]) -> None:
        fill = msgspec.structs.replace(Oracle().trade(step), **change)
        self._changes_nothing(lambda: self.ledger.post_fill(0, 0, fill))

    @rule(step=deposits, amount=st.integers(max_value=0))
    def refuses_a_deposit(self, step: Deposit, amount: int) -> None:
        self._changes_nothing(lambda: self.ledger.deposit(0, step.account, step.currency, amount))

    @rule()
    def restores(self) -> None:
        self.ledger = copied(self.ledger)

    @invariant()
    def agrees(self) -> None:
        check(self.ledger, self.oracle)

    def teardown(self) -> None:
        again = Ledger()
        played(self.history, again, Oracle())
        assert again.state() == self.ledger.state()

    def _changes_nothing(self, call: Callable[[], object]) -> None:
        before = self.ledger.state()
        with pytest.raises((DataError, IntegrityError)):
            call()
        assert self.ledger.state() == before


TestLedgerMachine = LedgerMachine.TestCase
