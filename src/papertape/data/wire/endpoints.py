"""Which of several servers to connect to: the first in the user's order that is in good health.

A score between 0 and 1 falls by half with every failure and comes back with time and with healthy data. A server
below `USABLE` is left for the next one, and preferred again once its score has recovered.
"""

import math
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

USABLE = 0.4
"""One failure leaves a server usable, two in a row do not."""
ONE_FAILURE_S = 0.2
"""Failures so close together are one: that of several connections to the same server at once."""
UNAVAILABLE_FOR_LEGAL_REASONS = 451


class EndpointHealth(msgspec.Struct, frozen=True):
    """One server: its URL, its score, and whether it has refused us for good."""

    url: str
    score: float
    barred: bool


class Endpoints:
    """Base URLs in the order of preference. `recovery_s` is how long half of what is lost takes to come back."""

    def __init__(self, urls: Sequence[str], recovery_s: float = 60.0) -> None:
        self._urls = tuple(dict.fromkeys(urls))
        self._recovery_s = recovery_s
        self._lost = dict.fromkeys(self._urls, 0.0)
        self._seen_s = dict.fromkeys(self._urls, 0.0)
        self._failed_s = dict.fromkeys(self._urls, -math.inf)
        self._barred_hosts: set[str | None] = set()

    @property
    def preferred(self) -> str:
        """The first URL, whatever its health."""
        return self._urls[0]

    def choose(self, now_s: float) -> str | None:
        """The URL to connect to; None when every host has refused for good."""
        open_to_us = [url for url in self._urls if not self._is_barred(url)]
        usable = [url for url in open_to_us if self.score(url, now_s) >= USABLE]
        if usable:
            return usable[0]
        return max(open_to_us, key=lambda url: self.score(url, now_s), default=None)

    def better_than(self, url: str, now_s: float) -> str | None:
        """A usable URL that is preferred to `url`, to return to; None while there is none."""
        chosen = self.choose(now_s)
        if chosen is None or url not in self._urls or self.score(chosen, now_s) < USABLE:
            return None
        return chosen if self._urls.index(chosen) < self._urls.index(url) else None

    def score(self, url: str, now_s: float) -> float:
        """Health of `url` now: 1 is perfect."""
        return 1.0 - self._lost[url] * math.exp2(-(now_s - self._seen_s[url]) / self._recovery_s)

    def failed(self, url: str, now_s: float, status: int | None = None) -> None:
        """No connection came to be, or one was lost. HTTP 451 bars the host for good: it refuses this place."""
        if url not in self._lost:
            return
        if status == UNAVAILABLE_FOR_LEGAL_REASONS:
            self._barred_hosts.add(urlsplit(url).hostname)
        if now_s - self._failed_s[url] >= ONE_FAILURE_S:
            self._failed_s[url] = now_s
            self._set(url, self.score(url, now_s) / 2, now_s)

    def succeeded(self, url: str, now_s: float) -> None:
        """A connection has brought healthy data for a while."""
        if url in self._lost:
            self._set(url, 1.0, now_s)

    def health(self, now_s: float) -> tuple[EndpointHealth, ...]:
        """All of them, in the order of preference."""
        return tuple(EndpointHealth(url, round(self.score(url, now_s), 3), self._is_barred(url)) for url in self._urls)

    def _is_barred(self, url: str) -> bool:
        return urlsplit(url).hostname in self._barred_hosts

    def _set(self, url: str, score: float, now_s: float) -> None:
        self._lost[url], self._seen_s[url] = 1.0 - score, now_s
