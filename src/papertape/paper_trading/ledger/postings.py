"""What a ledger is made of: accounts, postings, and transactions whose postings sum to zero.

Amounts are integers of 10**-MONEY_SCALE of their currency, in which holdings are counted as well. Accounts are text:
each trading account has `<name>:cash` and one `<name>:<BASE>` per spot holding; against them stand the counter accounts
below. `rounding` is kept for what conversions between currencies will leave over.
"""

import hashlib
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache

import msgspec

from papertape.core.errors import DataError, IntegrityError

EQUITY = "equity"
"""Where deposits come from."""
VENUE = "venue"
"""What was exchanged with the market."""
FEES = "fees"
"""Fees paid, less rebates."""
PNL = "pnl"
"""The other side of realised profit and loss of perpetuals."""

WORD_START = "0" * 32
_NAMES_KEPT = 1_024


class TransactionKind(StrEnum):
    """What a transaction books."""

    DEPOSIT = "deposit"
    FILL = "fill"


class Posting(msgspec.Struct, frozen=True):
    """`amount` of one currency into an account; out of it when negative."""

    account: str
    currency: str
    amount: int


class Transaction(msgspec.Struct, frozen=True):
    """What is posted together or not at all; the postings sum to zero in every currency.

    Transactions are numbered from 1. `reference` is the number of the event that is booked, 0 for none. A fill that
    moves nothing, an opening of a perpetual without a fee, has no postings.
    """

    number: int
    ts_ns: int
    kind: TransactionKind
    reference: int
    postings: tuple[Posting, ...]


@lru_cache(_NAMES_KEPT)
def cash_account(name: str) -> str:
    """The cash of a trading account. Raises DataError when `name` cannot be one."""
    return f"{checked_name('account', name)}:cash"


@lru_cache(_NAMES_KEPT)
def holding_account(name: str, base: str) -> str:
    """What a trading account holds of the currency `base`. Raises DataError when either cannot be a name."""
    return f"{checked_name('account', name)}:{checked_name('currency', base)}"


def checked_name(what: str, name: str) -> str:
    """`name`, if it can be one: not empty, no white space, no colon. Raises DataError."""
    if name.split() != [name] or ":" in name:
        raise DataError(f"expected a name of {what} without white space and colons, was {name!r}; choose another")
    return name


def transfer(giver: str, taker: str, currency: str, amount: int) -> tuple[Posting, ...]:
    """The two postings that move `amount` from one account to another, the other way when negative; none for 0.

    Raises IntegrityError when the amount is not a plain integer: numpy's wrap around, and floats round.
    """
    if type(amount) is not int:
        raise IntegrityError(f"expected an amount of type int, was {amount!r} of {type(amount).__name__}")
    if not amount:
        return ()
    return Posting(giver, currency, -amount), Posting(taker, currency, amount)


def sums(postings: Iterable[Posting]) -> dict[str, int]:
    """The sum of the postings in each currency, in the order of first appearance."""
    totals: dict[str, int] = {}
    for posting in postings:
        totals[posting.currency] = totals.get(posting.currency, 0) + posting.amount
    return totals


def next_word(word: str, transaction: Transaction) -> str:
    """The running hash over all transactions, after `transaction`: 32 hexadecimal digits."""
    text = f"{word} {transaction.number} {transaction.ts_ns} {transaction.kind} {transaction.reference}"
    for posting in transaction.postings:
        text += f" {posting.account} {posting.currency} {posting.amount}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
