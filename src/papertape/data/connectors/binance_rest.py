"""REST questions of one session: a few at a time, within the weight that the whole machine shares."""

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from papertape.core.errors import RateLimited, StoreError
from papertape.data.connectors.ports import Answer, HttpClient
from papertape.data.connectors.weights import WeightGovernor
from papertape.data.wire.binance.rules import Rules
from papertape.data.wire.binance.weights import weight_of

AT_ONCE_MAX = 4
WAIT_MAX_S = 60.0
"""Limits are counted by the minute. A longer wait is a ban: who asks is told of it, and does not wait."""
RESTRICTED = 451
"""The host does not serve the place that we ask from, and never will."""
_BANNED_UNTIL = re.compile(rb"banned until (\d{13})")


def rest_bases(rules: Rules, url: str) -> tuple[str, ...]:
    """The hosts to ask: `url`, and the venue's other ones where it is the venue's own."""
    url = url.rstrip("/")
    backups = rules.rest_backups if url == rules.rest_url else ()
    return tuple(f"{base}{rules.rest_prefix}" for base in (url, *backups))


def budget_name(rules: Rules, url: str) -> str:
    """Whose weight a question to `url` counts against: the venue's, or that of another server, such as one on loopback."""
    url = url.rstrip("/")
    return rules.venue if url in (rules.rest_url, *rules.rest_backups) else urlsplit(url).netloc.replace(":", "_")


class BinanceRest:
    """Asks routes below the first of `bases` that serves us. 429 and 418 hold back everybody who shares `weights`."""

    def __init__(self, http: HttpClient, bases: Sequence[str], rules: Rules, weights: WeightGovernor) -> None:
        self._http = http
        self._bases = list(bases)
        self._rules = rules
        self.weights = weights
        self._places = asyncio.Semaphore(AT_ONCE_MAX)
        # What is shared goes by wall clock, which may be stepped forward; this session waits by the loop's as well.
        self._not_before_s = 0.0

    async def get(self, route: str, query: dict[str, str]) -> Answer:
        """The venue's answer. Raises ConnectFailed without one, RateLimited when it asks to wait or has banned us."""
        async with self._places:
            while True:
                base = self._bases[0]
                answer = await self._ask(base, route, query)
                if answer.status != RESTRICTED or len(self._bases) == 1:
                    break
                if self._bases[0] == base:
                    self._bases.pop(0)
        if answer.status not in (418, 429):
            return answer
        said = (answer.retry_after_s, _banned_until_ms(answer.body))
        wait_s = await self._counted(self.weights.refused, answer.status == 418, *said)
        self._not_before_s = max(self._not_before_s, asyncio.get_running_loop().time() + wait_s)
        raise RateLimited(f"{base}/{route} asks to wait {wait_s:g} s", wait_s)

    async def _ask(self, base: str, route: str, query: dict[str, str]) -> Answer:
        weight = weight_of(self._rules, route, query)
        while (reserved := await self._counted(self.weights.reserve, weight)).wait_ns:
            wait_s = reserved.wait_ns / 1e9
            if wait_s > WAIT_MAX_S:
                raise RateLimited(f"{base} has banned us for {wait_s:.0f} s more: {route} was not asked", wait_s)
            await asyncio.sleep(wait_s)
        now_s = asyncio.get_running_loop().time
        while (wait_s := self._not_before_s - now_s()) > 0:  # noqa: ASYNC110 - meanwhile another may be told to wait longer
            await asyncio.sleep(wait_s)
        used = None
        try:
            asked_ns = self.weights.now_ns()
            answer = await self._http.get(f"{base}/{route}", query)
            answered_ns = self.weights.now_ns()
            used = answer.used_weight or 0  # a server that tells none counts none
        finally:
            await self._counted(self.weights.answered, reserved, used)
        return answer._replace(asked_ns=asked_ns, answered_ns=answered_ns)

    async def set_weight_limit(self, limit: int) -> None:
        """The venue says what weight a minute has."""
        await self._counted(self.weights.set_limit, limit)

    async def _counted(self, change: Callable[..., Any], *arguments: object) -> Any:
        """Change the count, in a thread if it waits for other processes.

        Where it cannot be kept nothing is asked, and it is tried again like any refusal.
        """
        if not self.weights.is_shared:
            return change(*arguments)
        try:
            return await asyncio.to_thread(change, *arguments)
        except StoreError as error:
            raise RateLimited(f"the weight of REST questions cannot be counted: {error}") from error


def _banned_until_ms(body: bytes) -> int | None:
    """When a ban ends, by the text of error -1003."""
    found = _BANNED_UNTIL.search(body)
    return int(found[1]) if found else None


def answer_text(answer: Answer) -> str:
    """An answer that is no good, for people."""
    return f"HTTP {answer.status} {answer.body[:120].decode(errors='replace')}"
