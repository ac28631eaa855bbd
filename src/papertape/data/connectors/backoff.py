"""How long to wait before trying again."""

import random

FIRST_S = 0.25
CAP_S = 10.0


class Backoff:
    """Exponential with full jitter above a floor: tries n = 0, 1, 2 … wait between 0.25 s and 0.5 s * 2**n, 10 s at most."""

    def __init__(self) -> None:
        self._tries = 0

    def next_s(self) -> float:
        """Seconds to wait before the next try."""
        ceiling = min(CAP_S, 2 * FIRST_S * 2**self._tries)
        self._tries = min(self._tries + 1, 16)
        return random.uniform(FIRST_S, ceiling)

    def reset(self) -> None:
        """The last try brought healthy data."""
        self._tries = 0
