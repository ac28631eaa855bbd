"""The double-entry ledger: balances that only balanced transactions change."""

from typing import Self

import msgspec

from papertape.core.errors import DataError, IntegrityError
from papertape.paper_trading.ledger.fills import Fill, fill_postings
from papertape.paper_trading.ledger.postings import (
    EQUITY,
    WORD_START,
    Posting,
    Transaction,
    TransactionKind,
    cash_account,
    checked_name,
    next_word,
    sums,
    transfer,
)


class LedgerState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that a ledger is, for a checkpoint; its size grows with the accounts, not with the transactions."""

    transactions: int
    word: str
    balances: tuple[Posting, ...]
    """As the postings that bring an empty ledger to them."""


class Ledger:
    """Keeps balances, a count and a running hash, not the transactions.

    Each method that books returns its transaction, for the caller to write down as a fact. When it raises, nothing
    has changed.
    """

    def __init__(self) -> None:
        self._transactions = 0
        self._word = WORD_START
        self._balances: dict[tuple[str, str], int] = {}

    @classmethod
    def restore(cls, state: LedgerState) -> Self:
        """The ledger that `state` was taken of. Raises IntegrityError when its balances do not sum to zero."""
        _check_zero("a restored ledger", state.balances)
        ledger = cls()
        ledger._transactions = state.transactions
        ledger._word = state.word
        ledger._balances = {(one.account, one.currency): one.amount for one in state.balances}
        return ledger

    def state(self) -> LedgerState:
        """What `restore` takes."""
        return LedgerState(self._transactions, self._word, self._rows())

    @property
    def transactions(self) -> int:
        """How many there have been; also the number of the latest."""
        return self._transactions

    @property
    def word(self) -> str:
        """The running hash over all transactions: two ledgers with the same one have the same history."""
        return self._word

    def balance(self, account: str, currency: str) -> int:
        """What an account has of a currency, at MONEY_SCALE decimals; 0 for an account that nothing was posted to."""
        return self._balances.get((account, currency), 0)

    def balances(self) -> dict[tuple[str, str], int]:
        """Every balance by account and currency, in the order of their first posting."""
        return dict(self._balances)

    def trial_balance(self) -> dict[str, int]:
        """The sum of all balances in each currency: 0, always."""
        return sums(self._rows())

    def deposit(self, ts_ns: int, account: str, currency: str, amount: int) -> Transaction:
        """Give the trading account `account` cash. Raises DataError when the amount is not above 0 or a name cannot be one."""
        if amount <= 0:
            raise DataError(f"expected a deposit above 0, was {amount}")
        postings = transfer(EQUITY, cash_account(account), checked_name("currency", currency), amount)
        return self._book(ts_ns, TransactionKind.DEPOSIT, 0, postings)

    def post_fill(self, ts_ns: int, reference: int, fill: Fill) -> Transaction:
        """Book a fill; `reference` is the number of its event. Raises what `fill_postings` raises."""
        return self._book(ts_ns, TransactionKind.FILL, reference, fill_postings(fill))

    def _book(self, ts_ns: int, kind: TransactionKind, reference: int, postings: tuple[Posting, ...]) -> Transaction:
        transaction = Transaction(self._transactions + 1, ts_ns, kind, reference, postings)
        _check_zero(f"transaction {transaction.number}", postings)
        word = next_word(self._word, transaction)
        changed: dict[tuple[str, str], int] = {}
        for posting in postings:
            key = (posting.account, posting.currency)
            changed[key] = changed.get(key, self._balances.get(key, 0)) + posting.amount
        # Nothing has changed so far, and nothing below can fail.
        self._balances.update(changed)
        self._transactions, self._word = transaction.number, word
        return transaction

    def _rows(self) -> tuple[Posting, ...]:
        return tuple(Posting(*key, amount) for key, amount in self._balances.items())


def _check_zero(what: str, postings: tuple[Posting, ...]) -> None:
    for currency, total in sums(postings).items():
        if total:
            raise IntegrityError(f"{what} does not balance: expected postings in {currency} to sum to 0, was {total}")
