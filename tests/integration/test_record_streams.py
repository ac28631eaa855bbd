"""`record --streams` over real sockets: what is asked for, on which path, and what stands on the tape and in the reel."""

from pathlib import Path
from typing import Any

import numpy as np

from papertape.core.records import Flag, Kind
from papertape.core.values import Field, read_values
from papertape.tape.market_reader import MarketReader
from tests.binance_frames import Records, combined
from tests.integration.commands import here, record
from tests.integration.hostile import TEXT, answer, hostile_venue, until, ws_frame

MINUTE_MS = 60_000
STREAMS = "kline_1m,markPrice@1s,forceOrder,miniTicker,depth5,bookTicker"


def kline(minute: int) -> bytes:
    start = minute * MINUTE_MS
    bar = {"t": start, "T": start + MINUTE_MS - 1, "i": "1m", "o": "1", "c": "1", "h": "1", "l": "1", "v": "1", "n": 1}
    data = {"e": "kline", "E": start, "s": "ABCUSDT", "k": bar | {"x": True, "q": "1", "V": "1", "Q": "1"}}
    return combined("abcusdt@kline_1m", data)


def rest_klines(query: dict[str, str]) -> Any:
    start = int(query["startTime"])
    assert (query["symbol"], query["interval"]) == ("ABCUSDT", "1m")
    return answer([[start, "2", "2", "2", "2", "1", start + MINUTE_MS - 1, "1", 1, "1", "1", "0"]])


MARK = {"e": "markPriceUpdate", "E": 5, "s": "ABCUSDT", "p": "10.123456789", "r": "0.0001", "T": 9}
ORDER = {"s": "ABCUSDT", "S": "SELL", "q": "1", "p": "10", "ap": "10", "l": "1", "z": "1", "T": 5}
FRAMES = (
    kline(1),
    kline(3),
    combined("abcusdt@markPrice@1s", MARK),
    combined("abcusdt@forceOrder", {"e": "forceOrder", "E": 5, "o": ORDER}),
)


def on_tape(folder: Path) -> Records:
    return np.concatenate([batch.records for batch in MarketReader.open(folder / "tape").blocks()])


def back_filled(folder: Path) -> Records:
    records: Records = on_tape(folder)
    healed: Records = records[(records["flags"] & Flag.BACKFILL) != 0]
    return healed


async def test_streams_go_to_their_path_and_onto_the_tape(tmp_path: Path, capsys: Any) -> None:
    async with hostile_venue(usdm=True) as venue:
        venue.rest["klines"] = rest_klines
        recorder = await record(
            tmp_path, "binance-usdm", venue.urls, "--streams", STREAMS, "--reel-out", str(tmp_path / "reels")
        )
        await until(lambda: len(venue.live) == 2, "two connections")
        by_path = {one.path: one for one in venue.live}
        market = by_path["/market/stream"]
        assert by_path["/public/stream"].streams == {"abcusdt@depth5", "abcusdt@bookTicker"}
        assert market.streams == {
            f"abcusdt@{name}" for name in ("kline_1m", "markPrice@1s", "forceOrder", "miniTicker")
        }
        market.send(*(ws_frame(TEXT, frame) for frame in FRAMES))
        await until(lambda: len(back_filled(tmp_path)) > 0, "the kline that is missing")
        await venue.still()
        summary = (await recorder.stopped()).json
    assert (summary["ignored"], summary["malformed"]) == (0, 0)
    records = on_tape(tmp_path)
    klines = records[records["kind"] == Kind.KLINE]
    assert len(klines) == 3 * 12
    assert read_values(back_filled(tmp_path))[Field.SPAN][0] == 2 * MINUTE_MS * 1_000_000
    assert read_values(records[records["kind"] == Kind.MARK_PRICE])[Field.MARK] == (10, 123_456_789_000_000_000)
    assert all(records[records["kind"] == Kind.LIQUIDATION]["flags"] & Flag.SAMPLE)
    assert here(capsys, "verify", str(tmp_path / "tape")).json["ok"]
    again = here(capsys, "replay", str(tmp_path / "tape")).json
    (reel,) = (tmp_path / "reels").rglob("*.gz")
    options = ("--venue", "binance-usdm", "--symbol", "ABCUSDT", "--reel", str(reel))
    assert here(capsys, "replay", *options).json["state_hash"] == again["state_hash"]


async def test_a_stream_that_the_market_lacks_ends_with_what_there_is(tmp_path: Path) -> None:
    said = await (await record(tmp_path, "binance-spot", [], "--streams", "trade,markPrice")).ended()
    assert said.code == 3
    assert "'markPrice'" in said.error
    assert "kline_1m" in said.error
