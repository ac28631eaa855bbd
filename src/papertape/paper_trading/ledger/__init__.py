"""The double-entry ledger of paper trading: `docs/explanation/the-ledger.md`. Margin, financing and risk come with road step 5. PURE."""

from papertape.paper_trading.ledger.fills import Fill, check_postable
from papertape.paper_trading.ledger.ledger import Ledger, LedgerState
from papertape.paper_trading.ledger.postings import (
    Posting,
    Transaction,
    TransactionKind,
    cash_account,
    holding_account,
)

__all__ = [
    "Fill",
    "Ledger",
    "LedgerState",
    "Posting",
    "Transaction",
    "TransactionKind",
    "cash_account",
    "check_postable",
    "holding_account",
]
