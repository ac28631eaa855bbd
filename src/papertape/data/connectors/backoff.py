"""How long to wait before trying again."""

import random

from papertape.data.wire.connection import BACKOFF_CAP_S as CAP_S
from papertape.data.wire.connection import BACKOFF_FIRST_S as FIRST_S
from papertape.data.wire.connection import backoff_s

__all__ = ["CAP_S", "FIRST_S", "Backoff", "chance"]


def chance() -> float:
    """A number between 0 and 1, for the jitter of waits that pure code decides."""
    return random.random()


class Backoff:
    """Exponential with full jitter above a floor: tries n = 0, 1, 2 … wait between 0.25 s and 0.5 s * 2**n, 10 s at most."""

    def __init__(self) -> None:
        self._tries = 0

    def next_s(self) -> float:
        """Seconds to wait before the next try."""
        self._tries += 1
        return backoff_s(self._tries - 1, chance())

    def reset(self) -> None:
        """The last try brought healthy data."""
        self._tries = 0
