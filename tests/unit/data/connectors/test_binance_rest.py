import asyncio

import pytest

from papertape.core.errors import RateLimited
from papertape.data.connectors.binance_rest import AT_ONCE_MAX, BinanceRest, answer_text
from papertape.data.connectors.ports import Answer


class Server:
    """Answers in the order given, and notes when it was asked and how many asked at once."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.asked_s: list[float] = []
        self.at_once = self.at_once_max = 0

    async def get(self, url: str, query: dict[str, str]) -> Answer:
        self.asked_s.append(asyncio.get_running_loop().time())
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        await asyncio.sleep(0.01)
        self.at_once -= 1
        return self._answers.pop(0) if self._answers else Answer(200, b"{}", None)


async def test_one_refusal_holds_back_everybody_for_as_long_as_the_venue_says():
    server = Server(Answer(429, b"", 0.4))
    rest = BinanceRest(server, "http://venue/api/v3")
    with pytest.raises(RateLimited, match="0.4 s"):
        await rest.get("depth", {})
    answers = await asyncio.gather(rest.get("depth", {}), rest.get("trades", {}))
    assert [answer.status for answer in answers] == [200, 200]
    assert min(server.asked_s[1:]) - server.asked_s[0] >= 0.4


async def test_refusals_that_do_not_say_how_long_double_and_are_forgotten():
    server = Server(Answer(418, b"", None), Answer(429, b"", None), Answer(200, b"", None), Answer(429, b"", None))
    rest = BinanceRest(server, "http://venue")
    waits = []
    for _ in range(4):
        try:
            await rest.get("depth", {})
        except RateLimited as error:
            waits.append(error.retry_after_s)
    assert waits == [1.0, 2.0, 1.0]


async def test_only_a_few_ask_at_once():
    server = Server()
    rest = BinanceRest(server, "http://venue")
    await asyncio.gather(*(rest.get("depth", {}) for _ in range(20)))
    assert server.at_once_max == AT_ONCE_MAX
    assert answer_text(Answer(404, b"\xff gone", None)) == "HTTP 404 \ufffd gone"


async def test_who_waits_waits_longer_when_another_is_told_so_meanwhile():
    server = Server(Answer(429, b"", 0.2), Answer(429, b"", 0.4))
    rest = BinanceRest(server, "http://venue")

    async def refused(after_s: float) -> float:
        await asyncio.sleep(after_s)
        with pytest.raises(RateLimited) as caught:
            await rest.get("depth", {})
        return asyncio.get_running_loop().time() + caught.value.retry_after_s

    async def third() -> None:
        await asyncio.sleep(0.015)  # after the first refusal, before the second
        await rest.get("depth", {})

    first, second, _ = await asyncio.gather(refused(0.0), refused(0.008), third())
    assert first < second - 0.1
    assert server.asked_s[2] >= second - 0.001
