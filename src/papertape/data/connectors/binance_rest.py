"""REST questions of one session: a few at a time, and all of them wait when the venue asks one to wait."""

import asyncio

from papertape.core.errors import RateLimited
from papertape.data.connectors.ports import Answer, HttpClient

AT_ONCE_MAX = 4
UNSAID_WAIT_MAX_S = 60.0
"""Limits are counted by the minute; a refusal that does not say how long to wait is over by then."""


class BinanceRest:
    """Asks routes below `base`. 429 and 418 hold back every later question for as long as the venue says."""

    def __init__(self, http: HttpClient, base: str) -> None:
        self._http = http
        self._base = base
        self._places = asyncio.Semaphore(AT_ONCE_MAX)
        self._not_before_s = 0.0
        self._unsaid_s = 1.0

    async def get(self, route: str, query: dict[str, str]) -> Answer:
        """The venue's answer. Raises ConnectFailed without one, RateLimited when it asks to wait."""
        now_s = asyncio.get_running_loop().time
        async with self._places:
            # Meanwhile another question may be told to wait longer.
            while (wait_s := self._not_before_s - now_s()) > 0:  # noqa: ASYNC110
                await asyncio.sleep(wait_s)
            answer = await self._http.get(f"{self._base}/{route}", query)
        if answer.status not in (418, 429):
            self._unsaid_s = 1.0
            return answer
        wait_s = answer.retry_after_s or self._unsaid_s
        if answer.retry_after_s is None:
            self._unsaid_s = min(2 * self._unsaid_s, UNSAID_WAIT_MAX_S)
        self._not_before_s = max(self._not_before_s, now_s() + wait_s)
        raise RateLimited(f"{self._base}/{route} asks to wait {wait_s:g} s", wait_s)


def answer_text(answer: Answer) -> str:
    """An answer that is no good, for people."""
    return f"HTTP {answer.status} {answer.body[:120].decode(errors='replace')}"
