"""The state of the market as the reel moves on."""

from pathlib import Path

import pytest

from papertape.core.errors import InputError
from papertape.tape.reels import Frame
from papertape.venue.lines import parsed
from papertape.venue.market import Market
from papertape.venue.rules import SPOT
from papertape.venue.scan import Grid, ReelFacts


def play(market: Market, ts_recv_ms: int, payload: bytes) -> bytes:
    [(frame, line)] = parsed([Frame(ts_recv_ms * 1_000_000, payload, "a.reel", 3)])
    return market.play(frame, line)


@pytest.fixture
def market() -> Market:
    facts = ReelFacts(
        files=(Path("a.reel"),),
        symbol="ABCUSDT",
        first_offset_ns=-50_000_000,
        diff_streams={"ABCUSDT": "abcusdt@depth"},
        grids={"ABCUSDT": Grid()},
    )
    return Market(facts, SPOT)


def test_the_bare_payload_comes_back_byte_for_byte(market: Market) -> None:
    data = b'{ "e" :"kline","E":1,"k":{"t":1.50}}'
    assert play(market, 5, b'{"stream":"abcusdt@kline_1m","data":' + data + b"}") == data
    assert play(market, 5, b'{"stream":"!ticker@arr","data":[{"E":9}]}') == b'[{"E":9}]'
    assert play(market, 5, b'{"papertape":{"link":"up"}}') == b""


def test_the_offset_is_the_running_maximum(market: Market) -> None:
    seen = []
    for ts_recv_ms, event_ms in ((1000, 900), (1000, 980), (1000, 960), (1000, 1200)):
        play(market, ts_recv_ms, b'{"stream":"abcusdt@kline_1m","data":{"E":%d}}' % event_ms)
        seen.append(market.offset_ns // 1_000_000)
    assert seen == [-50, -20, -20, 200]


def test_no_partial_depth_while_the_book_is_not_whole(market: Market) -> None:
    depth = b'{"stream":"abcusdt@depth","data":{"U":%d,"u":%d,"b":[["1","2"]],"a":[]}}'
    play(market, 1, depth % (5, 6))
    assert market.partial_depth("ABCUSDT", 5) == b""
    play(market, 2, b'{"lastUpdateId":6,"bids":[],"asks":[]}')
    assert market.partial_depth("ABCUSDT", 5) == b""
    play(market, 3, depth % (7, 8))
    assert market.partial_depth("ABCUSDT", 5) == b'{"lastUpdateId":8,"bids":[["1","2"]],"asks":[]}'


def test_a_frame_that_is_not_what_its_name_says_is_named(market: Market) -> None:
    with pytest.raises(InputError, match=r"a\.reel, line 3"):
        play(market, 1, b'{"stream":"abcusdt@depth","data":{"U":1}}')
