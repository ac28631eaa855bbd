"""Who is let in, and what a REST request costs: attempts, strikes, bans, weights. Times are real, as the venue's own."""

import math
import time
from collections.abc import Callable

from papertape.venue.bans import Bans
from papertape.venue.breaking import Breaker, banned
from papertape.venue.fanout import Client
from papertape.venue.log import VenueLog
from papertape.venue.parameters import RestError
from papertape.venue.rest import WeightAccount
from papertape.venue.rules import VenueRules


class VenueGate:
    """The limits of a venue and the faults on command, for handshakes and requests."""

    def __init__(
        self, rules: VenueRules, breaker: Breaker, log: VenueLog, now_s: Callable[[], float] = time.time
    ) -> None:
        self._rules = rules
        self._breaker = breaker
        self._log = log
        self._now_s = now_s
        self._weights = WeightAccount(rules.weight_per_minute_max)
        self._rest = Bans(rules.attempts_max, rules.attempts_window_s, rules.rest_strikes_max)
        self._sockets = Bans(rules.attempts_max, rules.attempts_window_s, rules.strikes_max)

    def admit(self, address: str) -> None:
        """As `Gate.admit`."""
        self._breaker.refuse_all()
        now_s = self._now_s()
        if left_s := max(self._rest.left_s(address, now_s), self._sockets.left_s(address, now_s)):
            self._log.rate_violations["bans"] += 1
            raise banned(left_s)
        if not self._sockets.attempt(address, now_s):
            self._log.rate_violations["attempts"] += 1
            self._sockets.strike(address, now_s)
            raise RestError(-1034, "Too many connections attempted.", 429, math.ceil(self._rules.attempts_window_s))

    def too_many(self, address: str) -> None:
        """As `Gate.too_many`."""
        self._log.rate_violations["messages"] += 1
        self._sockets.strike(address, self._now_s())

    def greet(self, client: Client) -> None:
        """As `Gate.greet`."""
        self._breaker.greet(client)

    def read_pause_s(self, client: Client) -> float:
        """As `Gate.read_pause_s`."""
        return self._breaker.read_pause_s(client)

    async def charge(self, address: str, route: str, weight: int, headers: dict[str, str]) -> None:
        """Let a request pass or not; `headers` get the weight used. Raises RestError."""
        now_s = self._now_s()
        used, wait_s = self._weights.charge(address, weight, now_s)
        headers["X-MBX-USED-WEIGHT-1M"] = str(used)
        minute = self._log.minute(int(now_s // 60))
        minute.requests += 1
        minute.weight += weight
        if left_s := self._rest.left_s(address, now_s):
            self._log.rate_violations["bans"] += 1
            minute.over_limit += 1
            self._rest.strike(address, now_s)
            raise banned(self._rest.left_s(address, now_s) or left_s)
        if wait_s:
            self._log.rate_violations["weight"] += 1
            minute.over_limit += 1
            if self._rest.strike(address, now_s):
                raise banned(self._rest.left_s(address, now_s))
            limit = self._rules.weight_per_minute_max
            message = f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
            raise RestError(-1003, message + "Please use WebSocket Streams for live updates.", 429, wait_s)
        await self._breaker.refuse_rest(route)
