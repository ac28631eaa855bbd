"""Which taker stands behind which name."""

import pytest

from papertape.data.wire.binance.routing import bare_taker, stream_takers
from tests.binance_frames import TS, machine


@pytest.mark.parametrize(
    "name",
    ["trade", "aggTrade", "bookTicker", "depth", "depth@0ms", "depth@100ms", "depth@500ms", "depth5", "depth20@100ms"],
)
def test_handled_streams_have_a_taker(name: str) -> None:
    feed = machine().feeds["ETHUSDT"]
    assert f"ethusdt@{name}".encode() in stream_takers(feed)


@pytest.mark.parametrize("name", ["kline_2m", "avgPrice", "rpiDepth@500ms", "depth7", "depth50", "miniticker", "Trade"])
def test_other_streams_have_none(name: str) -> None:
    assert f"ethusdt@{name}".encode() not in stream_takers(machine().feeds["ETHUSDT"])


def test_bare_payloads_are_told_by_their_event_type() -> None:
    one = machine()
    feed = one.feeds["ETHUSDT"]
    for kind in ("avgPrice", ""):
        assert bare_taker(feed, kind) is None
    for kind in ("trade", "aggTrade", "depthUpdate", "bookTicker", "kline", "markPriceUpdate", "24hrTicker"):
        assert bare_taker(feed, kind) is not None
    spot_ticker = bare_taker(feed, None)
    assert spot_ticker is not None
    spot_ticker(TS, b'{"u":5,"s":"ETHUSDT","b":"1","B":"1","a":"2","A":"1"}')
    assert one.gate.buffer.count == 1
