"""What a WebSocket URL asks for."""

import pytest
from aiohttp.test_utils import make_mocked_request

from papertape.venue.rules import Category
from papertape.venue.sockets import asked_for


@pytest.mark.parametrize(
    ("url", "category", "expected"),
    [
        ("/ws", "unrouted", (False, [], "")),
        ("/ws/a@trade/a@depth@100ms", "unrouted", (False, ["a@trade", "a@depth@100ms"], "")),
        ("/public/ws/a@trade", "public", (False, ["a@trade"], "")),
        ("/stream", "unrouted", (True, [], "")),
        ("/stream?streams=a@trade/b@trade", "unrouted", (True, ["a@trade", "b@trade"], "")),
        ("/market/stream?streams=a@trade", "market", (True, ["a@trade"], "")),
        ("/stream?streams=a%40trade%2Fb%40trade", "unrouted", (True, ["a@trade", "b@trade"], "")),
        ("/stream?streams=a@kline_1d@+08:00", "unrouted", (True, ["a@kline_1d@+08:00"], "")),
        ("/ws/a%40trade?timeUnit=microsecond", "unrouted", (False, ["a@trade"], "microsecond")),
        ("/stream?timeUnit=MILLISECOND&streams=a@trade", "unrouted", (True, ["a@trade"], "MILLISECOND")),
        ("/private/ws/KEY", "private", (False, ["KEY"], "")),
        ("/private/ws?listenKey=KEY", "private", (False, ["KEY"], "")),
        ("/private/stream?listenKey=KEY&events=A/B", "private", (True, ["KEY@A", "KEY@B"], "")),
        ("/public/ws?listenKey=KEY", "public", (False, [], "")),
        ("/ws/%E5%B8%81usdt@trade", "unrouted", (False, ["币usdt@trade"], "")),
    ],
)
def test_urls(url: str, category: Category, expected: tuple[bool, list[str], str]) -> None:
    assert asked_for(make_mocked_request("GET", url), category) == expected
