import msgspec
import numpy as np
import pytest

from papertape.core.errors import DataError, IntegrityError
from papertape.core.instruments import Instrument, InstrumentKind
from papertape.paper_trading.ledger import Fill, Ledger, LedgerState, Posting, Transaction, TransactionKind
from papertape.paper_trading.ledger.postings import WORD_START

COIN = Instrument(
    venue="binance-spot",
    symbol="ETHUSDT",
    kind=InstrumentKind.CRYPTO_SPOT,
    base="ETH",
    quote="USDT",
    settle="USDT",
    price_scale=2,
    size_scale=4,
    tick=1,
    lot=1,
)
BUY = Fill(account="alice", instrument=COIN, side=1, size=5, notional=1500, fee=2, realised=0)


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger()
    ledger.deposit(10, "alice", "USDT", 10_000)
    ledger.post_fill(20, 3, BUY)
    return ledger


def test_a_new_ledger_is_empty() -> None:
    ledger = Ledger()
    assert (ledger.transactions, ledger.word, ledger.balances(), ledger.trial_balance()) == (0, WORD_START, {}, {})
    assert ledger.balance("alice:cash", "USDT") == 0


def test_what_books_returns_its_transaction() -> None:
    ledger = Ledger()
    assert ledger.deposit(10, "alice", "USDT", 700) == Transaction(
        1, 10, TransactionKind.DEPOSIT, 0, (Posting("equity", "USDT", -700), Posting("alice:cash", "USDT", 700))
    )
    booked = ledger.post_fill(20, 3, BUY)
    assert (booked.number, booked.ts_ns, booked.kind, booked.reference) == (2, 20, TransactionKind.FILL, 3)
    assert len(booked.postings) == 6


def test_balances_follow_the_postings(ledger: Ledger) -> None:
    assert ledger.balances() == {
        ("equity", "USDT"): -10_000,
        ("alice:cash", "USDT"): 8498,
        ("venue", "USDT"): 1500,
        ("venue", "ETH"): -50_000,
        ("alice:ETH", "ETH"): 50_000,
        ("fees", "USDT"): 2,
    }
    assert ledger.balance("alice:cash", "USDT") == 8498
    assert ledger.trial_balance() == {"USDT": 0, "ETH": 0}
    assert ledger.transactions == 2


def test_balances_are_a_copy(ledger: Ledger) -> None:
    ledger.balances()["alice:cash", "USDT"] = 1
    assert ledger.balance("alice:cash", "USDT") == 8498


@pytest.mark.parametrize("amount", [0, -1])
def test_a_deposit_is_above_zero(ledger: Ledger, amount: int) -> None:
    with pytest.raises(DataError, match="expected a deposit above 0"):
        ledger.deposit(30, "alice", "USDT", amount)


def test_what_is_refused_changes_nothing(ledger: Ledger) -> None:
    before = ledger.state()
    finer = msgspec.structs.replace(COIN, size_scale=9)
    with pytest.raises(DataError, match="cannot be posted"):
        ledger.post_fill(30, 4, msgspec.structs.replace(BUY, instrument=finer))
    # The fee is the last to be posted: what stands before it must not be in the books.
    with pytest.raises(IntegrityError, match="type int"):
        ledger.post_fill(30, 4, msgspec.structs.replace(BUY, fee=np.int64(2)))
    with pytest.raises(DataError, match="name of currency"):
        ledger.deposit(30, "alice", "US DT", 5)
    assert ledger.state() == before


def test_postings_that_do_not_balance_are_an_integrity_error(ledger: Ledger) -> None:
    before = ledger.state()
    lopsided = (Posting("a", "USDT", 5), Posting("b", "USDT", -4), Posting("b", "ETH", -1))
    with pytest.raises(IntegrityError, match="transaction 3 does not balance: expected postings in USDT .* was 1"):
        ledger._book(30, TransactionKind.FILL, 0, lopsided)
    assert ledger.state() == before


def test_a_restored_ledger_goes_on_alike(ledger: Ledger) -> None:
    text = msgspec.json.encode(ledger.state())
    restored = Ledger.restore(msgspec.json.decode(text, type=LedgerState))
    assert restored.post_fill(30, 4, BUY) == ledger.post_fill(30, 4, BUY)
    assert restored.state() == ledger.state()
    assert (restored.transactions, restored.word) == (3, ledger.word)


def test_a_state_that_does_not_balance_is_not_restored(ledger: Ledger) -> None:
    state = ledger.state()
    with pytest.raises(IntegrityError, match="a restored ledger does not balance"):
        Ledger.restore(msgspec.structs.replace(state, balances=state.balances[1:]))


def test_the_word_tells_histories_apart_that_end_alike(ledger: Ledger) -> None:
    other = Ledger()
    other.deposit(10, "alice", "USDT", 4_000)
    other.deposit(10, "alice", "USDT", 6_000)
    other.post_fill(20, 3, BUY)
    assert other.balances() == ledger.balances()
    assert other.word != ledger.word
