"""What a run tells of itself: the commands that went in, and what came of them."""

from typing import Any, Protocol

COMMAND = "command"
"""Body: [engine time, arrivals before it, account, operation, arguments]. An input of the run."""
EVENTS = "events"
"""Body: a list of events as in `EventView`. A fact."""
POSTINGS = "postings"
"""Body: a list of transactions of the ledger. A fact."""
STOPPED = "stopped"
"""Body: [engine time, arrivals before it, account, why]. An input of the run."""
NOTE = "note"
"""Body: [engine time, account, text]."""

SUBMIT, CANCEL, AMEND = "submit", "cancel", "amend"


class Facts(Protocol):
    """Where a run's facts go: onto the control track, into a comparison, or nowhere."""

    def append(self, cursor_seq: int, kind: str, body: Any) -> None:
        """One record; `cursor_seq` is the market position that it belongs to: the Seq not yet read."""
        ...


class NoFacts:
    """Keeps nothing."""

    def append(self, cursor_seq: int, kind: str, body: Any) -> None:
        """Forget it."""


class KeptFacts:
    """Keeps everything in memory, for tests and comparisons."""

    def __init__(self) -> None:
        self.records: list[tuple[int, str, Any]] = []

    def append(self, cursor_seq: int, kind: str, body: Any) -> None:
        self.records.append((cursor_seq, kind, body))
