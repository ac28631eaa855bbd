"""Who is kept out: addresses that tried too often or went on after a refusal, for longer each time."""

from collections import deque

import msgspec

BAN_FIRST_S = 120
BAN_MAX_S = 259_200
"""The venue bans for two minutes at first and for three days at most."""


class _Address(msgspec.Struct):
    until_s: float = 0
    next_ban_s: int = BAN_FIRST_S
    strikes: int = 0
    attempts: deque[float] = msgspec.field(default_factory=deque)


class Bans:
    """Times are seconds of any clock. Only loopback addresses come here, so there are few."""

    def __init__(self, attempts_max: int, attempts_window_s: float, strikes_max: int) -> None:
        self._attempts_max = attempts_max
        self._window_s = attempts_window_s
        self._strikes_max = strikes_max
        self._addresses: dict[str, _Address] = {}

    def left_s(self, address: str, now_s: float) -> float:
        """Seconds until the ban ends; 0 without one."""
        known = self._addresses.get(address)
        return max(0.0, known.until_s - now_s) if known else 0.0

    def attempt(self, address: str, now_s: float) -> bool:
        """Count an attempt to connect; False when it is one too many."""
        attempts = self._known(address).attempts
        while attempts and now_s - attempts[0] >= self._window_s:
            attempts.popleft()
        if len(attempts) >= self._attempts_max:
            return False
        attempts.append(now_s)
        return True

    def strike(self, address: str, now_s: float) -> bool:
        """Count a breach; True when that bans the address, for twice as long as the time before."""
        known = self._known(address)
        known.strikes += 1
        if known.strikes < self._strikes_max:
            return False
        known.strikes = 0
        known.until_s = now_s + known.next_ban_s
        known.next_ban_s = min(2 * known.next_ban_s, BAN_MAX_S)
        return True

    def _known(self, address: str) -> _Address:
        return self._addresses.setdefault(address, _Address())
