import hashlib

import msgspec
import numpy as np
import pytest

from papertape.core.errors import DataError, IntegrityError
from papertape.paper_trading.ledger.postings import (
    WORD_START,
    Posting,
    Transaction,
    TransactionKind,
    cash_account,
    holding_account,
    next_word,
    sums,
    transfer,
)

DEPOSIT = Transaction(1, 5, TransactionKind.DEPOSIT, 0, transfer("equity", "alice:cash", "USDT", 700))


def test_accounts_are_named_by_their_owner() -> None:
    assert cash_account("alice") == "alice:cash"
    assert holding_account("alice", "BTC") == "alice:BTC"


@pytest.mark.parametrize("name", ["", " ", "a b", "a\n", "a:b", ":"])
def test_a_name_that_would_make_two_things_read_alike_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="choose another"):
        cash_account(name)
    with pytest.raises(DataError, match="name of currency"):
        holding_account("alice", name)


def test_a_transfer_is_two_postings_and_none_for_nothing() -> None:
    assert transfer("a", "b", "USDT", 3) == (Posting("a", "USDT", -3), Posting("b", "USDT", 3))
    assert transfer("a", "b", "USDT", -3) == (Posting("a", "USDT", 3), Posting("b", "USDT", -3))
    assert transfer("a", "b", "USDT", 0) == ()


@pytest.mark.parametrize("amount", [1.0, np.int64(1), True], ids=repr)
def test_only_a_plain_integer_is_an_amount(amount: object) -> None:
    with pytest.raises(IntegrityError, match="expected an amount of type int"):
        transfer("a", "b", "USDT", amount)


def test_sums_are_kept_apart_by_currency() -> None:
    assert sums([]) == {}
    assert sums([Posting("a", "BTC", 2), Posting("b", "USDT", -1), Posting("c", "BTC", 3)]) == {"BTC": 5, "USDT": -1}


def test_the_running_hash_is_pinned() -> None:
    """Runs that were recorded hold such words: a change of the text that is hashed is a change of format."""
    text = b"00000000000000000000000000000000 1 5 deposit 0 equity USDT -700 alice:cash USDT 700"
    word = next_word(WORD_START, DEPOSIT)
    assert word == hashlib.blake2b(text, digest_size=16).hexdigest() == "797c1977efed8c3a9dc23736840bde5a"
    assert next_word(word, DEPOSIT) != word


@pytest.mark.parametrize(
    "change",
    [
        {"number": 2},
        {"ts_ns": 6},
        {"kind": TransactionKind.FILL},
        {"reference": 1},
        {"postings": transfer("equity", "alice:cash", "USDT", 701)},
        {"postings": transfer("equity", "alice:cash", "USDC", 700)},
        {"postings": transfer("equity", "bob:cash", "USDT", 700)},
        {"postings": DEPOSIT.postings[::-1]},
    ],
    ids=str,
)
def test_the_running_hash_sees_every_field(change: dict[str, object]) -> None:
    assert next_word(WORD_START, msgspec.structs.replace(DEPOSIT, **change)) != next_word(WORD_START, DEPOSIT)


def test_a_transaction_survives_the_control_track() -> None:
    large = msgspec.structs.replace(DEPOSIT, postings=transfer("venue", "a:SHIB", "SHIB", 10**30))
    assert msgspec.json.decode(msgspec.json.encode(large), type=Transaction) == large
