from urllib.parse import parse_qs, urlsplit

import msgspec

from papertape.data.wire.binance.control import Control
from papertape.data.wire.binance.dialect import URL_BYTES_MAX, BinanceDialect
from papertape.data.wire.binance.rules import SPOT, USDM


def test_few_streams_stand_in_the_url_and_spot_is_asked_for_its_finer_times() -> None:
    paths, count = BinanceDialect(SPOT, Control(), SPOT.time_unit).paths("", ["a@trade", "b@trade"])
    assert (paths, count) == (["/stream?streams=a@trade/b@trade&timeUnit=MICROSECOND"], 2)


def test_many_are_left_for_frames() -> None:
    for names in ([f"s{number}usdt@trade" for number in range(500)], ["x" * 300] * 50):
        (path,), count = BinanceDialect(SPOT, Control(), SPOT.time_unit).paths("", names)
        assert 0 < count <= 100
        assert len(path) <= URL_BYTES_MAX + len("/stream?streams=&timeUnit=MICROSECOND")
        assert parse_qs(urlsplit(path).query)["streams"][0].split("/") == names[:count]


def test_usdm_routes_come_first_and_are_left_out_where_they_are_unknown() -> None:
    paths, _ = BinanceDialect(USDM, Control()).paths("/market", ["a@trade"])
    assert paths == ["/market/stream?streams=a@trade", "/stream?streams=a@trade"]


def test_requests_are_numbered_by_the_market() -> None:
    dialect = BinanceDialect(SPOT, Control())
    frames = [msgspec.json.decode(one) for one in [*dialect.subscribe(["a"]), *dialect.unsubscribe(["a"])]]
    assert [(one["method"], one["params"], one["id"]) for one in frames] == [
        ("SUBSCRIBE", ["a"], 1),
        ("UNSUBSCRIBE", ["a"], 2),
    ]


def test_bases_are_taken_as_people_write_them() -> None:
    dialect = BinanceDialect(SPOT, Control())
    for url in ("ws://x:1", "ws://x:1/", "ws://x:1/ws", "ws://x:1/stream/"):
        assert dialect.base(url) == "ws://x:1"
    assert (dialect.requests_per_s, dialect.streams_max) == (4, 1024)
