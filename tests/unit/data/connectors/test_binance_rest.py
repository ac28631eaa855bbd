import asyncio
from pathlib import Path

import pytest

from papertape.core.errors import ConnectFailed, RateLimited
from papertape.data.connectors.binance_rest import AT_ONCE_MAX, BinanceRest, answer_text, budget_name, rest_bases
from papertape.data.connectors.ports import Answer
from papertape.data.connectors.weights import WeightGovernor
from papertape.data.wire.binance.rules import SPOT, USDM
from papertape.runtime.clocks import UtcClock


class Server:
    """Answers in the order given, and notes when and where it was asked and how many asked at once."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.asked_s: list[float] = []
        self.urls: list[str] = []
        self.at_once = self.at_once_max = 0

    async def get(self, url: str, query: dict[str, str]) -> Answer:
        self.asked_s.append(asyncio.get_running_loop().time())
        self.urls.append(url)
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        await asyncio.sleep(0.01)
        self.at_once -= 1
        return self._answers.pop(0) if self._answers else Answer(200, b"{}", None)


def rest_of(server: Server, *bases: str, file: Path | None = None) -> BinanceRest:
    weights = WeightGovernor(file, 6000, UtcClock().now_ns)
    return BinanceRest(server, bases or ("http://venue/api/v3",), SPOT, weights)


async def test_one_refusal_holds_back_everybody_for_as_long_as_the_venue_says():
    server = Server(Answer(429, b"", 0.4))
    rest = rest_of(server)
    with pytest.raises(RateLimited, match=r"0\.4 s"):
        await rest.get("depth", {})
    answers = await asyncio.gather(rest.get("depth", {}), rest.get("trades", {}))
    assert [answer.status for answer in answers] == [200, 200]
    assert min(server.asked_s[1:]) - server.asked_s[0] >= 0.4


async def test_a_ban_is_told_without_asking_again_and_by_another_process_too(tmp_path: Path):
    body = b'{"code":-1003,"msg":"Way too many requests; IP banned until 99999999999999."}'
    server = Server(Answer(418, body, None))
    rest = rest_of(server, file=tmp_path / "w.json")
    with pytest.raises(RateLimited):
        await rest.get("depth", {})
    for one in (rest, rest_of(server, file=tmp_path / "w.json")):
        with pytest.raises(RateLimited, match="banned us"):
            await one.get("time", {})
    assert len(server.asked_s) == 1


async def test_the_used_weight_of_the_answer_counts():
    server = Server(Answer(200, b"", None, 77))
    rest = rest_of(server)
    await rest.get("depth", {"limit": "5000"})
    assert rest.weights.state().used == 77


async def test_a_host_that_does_not_serve_our_place_is_left_for_good():
    server = Server(Answer(451, b"", None), Answer(200, b"a", None), Answer(200, b"b", None), Answer(451, b"", None))
    rest = rest_of(server, "http://one", "http://two")
    assert [(await rest.get("time", {})).body for _ in range(2)] == [b"a", b"b"]
    assert server.urls == ["http://one/time", "http://two/time", "http://two/time"]
    assert (await rest.get("time", {})).status == 451, "there is no other"


async def test_a_count_that_cannot_be_kept_is_a_refusal_that_says_why(tmp_path: Path):
    server = Server()
    rest = rest_of(server, file=tmp_path / "w.json")
    (tmp_path / "w.json").write_text("no weights")
    with pytest.raises(RateLimited, match="cannot be counted"):
        await rest.get("time", {})
    assert server.urls == []


async def test_only_a_few_ask_at_once():
    server = Server()
    rest = rest_of(server)
    await asyncio.gather(*(rest.get("depth", {}) for _ in range(20)))
    assert server.at_once_max == AT_ONCE_MAX
    assert answer_text(Answer(404, b"\xff gone", None)) == "HTTP 404 \ufffd gone"


def test_the_venues_own_host_has_others_behind_it_and_they_share_a_budget():
    assert rest_bases(SPOT, SPOT.rest_url + "/")[:2] == (
        "https://data-api.binance.vision/api/v3",
        "https://api.binance.com/api/v3",
    )
    assert rest_bases(USDM, "http://127.0.0.1:9/") == ("http://127.0.0.1:9/fapi/v1",)
    assert budget_name(SPOT, "https://api.binance.com") == "binance-spot"
    assert budget_name(SPOT, "http://127.0.0.1:9870") == "127.0.0.1_9870"


async def test_a_server_that_tells_no_weight_counts_none_but_a_lost_question_may_have_been_counted():
    server = Server(Answer(200, b"", None))
    rest = rest_of(server)
    await rest.get("depth", {"limit": "5000"})
    assert rest.weights.state().used == 0

    async def lost(url: str, query: dict[str, str]) -> Answer:
        raise ConnectFailed("gone")

    server.get = lost  # type: ignore[method-assign]
    with pytest.raises(ConnectFailed):
        await rest.get("depth", {"limit": "5000"})
    assert rest.weights.state().used == 250
