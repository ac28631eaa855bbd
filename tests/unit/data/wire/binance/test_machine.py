"""Routing: every form in which a text can come, and what it does to the machine."""

import json

import pytest

from papertape.core.errors import DecodeError, UnknownInstrument
from papertape.core.records import Flag, Kind, RecordBuffer
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.book_sync import HELD_BYTES_MAX
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import SPOT, USDM
from tests.binance_frames import TS, combined, depth, machine, snapshot, taken, ticker, trade

LISTING = json.dumps(
    {
        "timezone": "UTC",
        "serverTime": 5,
        "symbols": [
            {
                "symbol": "ETHUSDT",
                "baseAsset": "ETH",
                "quoteAsset": "USDT",
                "filters": [{"filterType": "PRICE_FILTER", "tickSize": "0.01"}],
            }
        ],
    }
).encode()


@pytest.mark.parametrize(
    "frame",
    [
        trade(7),
        json.dumps(json.loads(trade(7)), indent=1).encode(),
        json.dumps(dict(reversed(json.loads(trade(7)).items()))).encode(),
        b" " + trade(7),
        json.dumps(json.loads(trade(7))["data"]).encode(),
        trade(7).replace(b'"t":7', b'"t":1,"t":7'),
        trade(7, unknown={"deep": [1, 2]}, st=1, ps="ETHUSDT"),
    ],
    ids=["as sent", "white space", "data first", "leading space", "bare", "key twice", "unknown keys"],
)
def test_a_trade_in_any_form_is_the_same_print(frame: bytes) -> None:
    one, expected = machine(), machine()
    one.take(TS, frame)
    expected.take(TS, trade(7))
    assert taken(one).tobytes() == taken(expected).tobytes()
    assert (one.frames, one.ignored, one.malformed) == (1, 0, 0)


def test_bare_payloads_of_every_kind_are_taken() -> None:
    one, frames = machine(), [ticker(5), ticker(6, e="bookTicker"), depth(1, 2), trade(1)]
    for frame in frames:
        one.take(TS, json.dumps(json.loads(frame)["data"]).encode())
    aggregate = {"e": "aggTrade", "s": "ETHUSDT", "a": 1, "p": "1", "q": "1", "f": 1, "l": 1, "T": 1, "m": True}
    one.take(TS, json.dumps(aggregate).encode())
    kinds = [Kind.QUOTE, Kind.QUOTE, Kind.DEPTH_DELTA, Kind.PRINT, Kind.AGG_PRINT]
    assert taken(one)["kind"].tolist() == kinds


@pytest.mark.parametrize(
    "frame",
    [
        combined("ethusdt@avgPrice", {"e": "avgPrice"}),
        combined("btcusdt@trade", {"anything": 1}),
        combined("ethusdt@depth7", {}),
        combined("!contractInfo", {}),
        b'{"data":{},"stream":"ethusdt@rpiDepth@500ms"}',
        b'[{"e":"markPriceUpdate","s":"ETHUSDT"}]',
        b'{"e":"avgPrice","E":1,"s":"ETHUSDT","w":"1"}',
        b'{"e":"trade","s":"BTCUSDT","t":1}',
        b'{"code":-1121,"msg":"Invalid symbol."}',
        b"{}",
    ],
)
def test_what_is_not_handled_is_counted_and_changes_nothing(frame: bytes) -> None:
    one = machine()
    one.take(TS, frame)
    assert (one.frames, one.ignored, one.malformed) == (1, 1, 0)
    assert len(taken(one)) == 0


@pytest.mark.parametrize(
    "frame", [LISTING, b'{"serverTime":1}', b'{"result":null,"id":1}', b'{"result":["a"],"id":"x"}']
)
def test_what_is_understood_and_changes_nothing_is_not_ignored(frame: bytes) -> None:
    one = machine()
    one.take(TS, frame)
    assert (one.frames, one.ignored, one.malformed) == (1, 0, 0)
    assert len(taken(one)) == 0


@pytest.mark.parametrize(
    "frame",
    [
        combined("!serverShutdown", {"e": "serverShutdown", "E": 1}),
        b'{"e":"serverShutdown","E":1}',
        b'{"event":{"e":"serverShutdown","E":1}}',
    ],
)
def test_a_shutdown_notice_is_heard_in_every_form(frame: bytes) -> None:
    one = machine()
    assert not one.shutdown_announced
    one.take(TS, frame)
    assert one.shutdown_announced


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"{",
        b'{"stream":"ethusdt@tra',
        trade(7)[:-5],
        trade(7) + b"}",
        trade(7, p=1),  # type: ignore[arg-type]
        trade(7, p="1e5"),
        trade(7, p="NaN"),
        trade(7, p="1" + "0" * 30),
        trade(1 << 63),
        trade(1 << 80),
        trade(-5),
        trade(7, T=1 << 62),
        trade(7).replace(b'"p":"10.5"', b'"p":NaN'),
        trade(7).replace(b"10.5", b"\xff\xfe"),
        trade(7, zz=0).replace(b'"zz":0', b'"zz":' + b"[" * 20_000 + b"]" * 20_000),
        b'[{"zz":' + b"[" * 20_000 + b"]" * 20_000 + b"}]",
        b'{"zz":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        depth(1, 2, [["1"]]),
        depth(1, 2, [["1", "2", "3"]]),
        b"[",
        b'"text"',
        b"null",
        b"7",
        b"\xff\xfe\x00",
    ],
)
def test_what_cannot_be_read_is_refused_and_leaves_no_trace(frame: bytes) -> None:
    one = machine()
    one.take(TS, snapshot(10))
    one.take(TS, depth(11, 12))
    one.take(TS, trade(6))
    one.gate.buffer.take()
    with pytest.raises(DecodeError, match=r"expected|fit in 64 bits"):
        one.take(TS, frame)
    assert one.gate.buffer.take() == b""
    assert one.malformed == 1
    feed = one.feeds["ETHUSDT"]
    assert (feed.sync.synced, feed.sync.last_id, feed.trade_ids.last) == (True, 12, 6)


def test_rest_bodies_stand_inline_in_a_stream() -> None:
    one = machine()
    one.take(TS, depth(9, 11, [["10", "3"]]))
    assert one.snapshot_wishes() == ["ETHUSDT"]
    one.take(TS, snapshot(10))
    assert one.snapshot_wishes() == []
    one.take(TS, trade(1))
    one.take(TS, trade(4))
    assert one.trade_wishes() == ["ETHUSDT"]
    rows = [
        {"id": t, "price": "1", "qty": "1", "time": t, "isBuyerMaker": True, "isBestMatch": True} for t in (1, 2, 3)
    ]
    one.take(TS, json.dumps(rows).encode())
    assert one.trade_wishes() == []
    records = taken(one)
    held, snap, repeated = records[:1], records[1:3], records[3:4]
    assert held["flags"][0] & Flag.HELD
    assert snap["kind"].tolist() == [Kind.DEPTH_SNAPSHOT] * 2
    assert repeated["flags"][0] & Flag.REPEAT
    backfilled = records[records["flags"] & Flag.BACKFILL != 0]
    assert backfilled["id"].tolist() == [2, 3]


def test_a_body_without_a_symbol_is_refused_where_there_are_two() -> None:
    one = machine("ETHUSDT", "BTCUSDT")
    for body in (snapshot(10), b"[]", b'{"papertape":{"trades_until":5}}'):
        with pytest.raises(DecodeError, match="names no symbol"):
            one.take(TS, body)


def test_notes_of_the_recorder_lose_the_book_and_tell_of_prints() -> None:
    one = machine()
    one.take(TS, snapshot(10))
    one.take(TS, depth(11, 11))
    one.take(TS, trade(1))
    one.take(TS, b'{"papertape":{"trades_until":5}}')
    assert one.feeds["ETHUSDT"].trade_ids.missing == 4
    one.take(TS, b'{"papertape":{"link":"down"}}')
    assert not one.feeds["ETHUSDT"].sync.synced


def test_each_symbol_goes_its_own_way() -> None:
    one = machine("ETHUSDT", "BTCUSDT")
    one.take_snapshot(TS, "ETHUSDT", snapshot(10))
    one.take_snapshot(TS, "BTCUSDT", snapshot(10))
    for symbol in ("ETHUSDT", "BTCUSDT"):
        one.take(TS, depth(11, 11, symbol=symbol))
    one.take(TS, depth(20, 21, symbol="BTCUSDT"))
    assert one.feeds["ETHUSDT"].sync.synced
    assert one.snapshot_wishes() == ["BTCUSDT"]
    one.take(TS, depth(12, 12))
    records = taken(one)
    assert records["instrument"][-1] == 0
    assert not records["flags"][-1] & Flag.HELD


def test_symbols_share_the_room_for_events_that_wait() -> None:
    made = BinanceMachine(SPOT, {"ETHUSDT": 0, "BTCUSDT": 1}, Gate(RecordBuffer()))
    assert sum(feed.sync.held_bytes_max for feed in made.feeds.values()) == HELD_BYTES_MAX


def test_partial_depth_is_told_by_the_name_alone() -> None:
    one = machine(rules=USDM)
    one.take(
        TS, combined("ethusdt@depth20@100ms", {"e": "depthUpdate", "U": 1, "u": 2, "pu": 0, "b": [["1", "1"]], "a": []})
    )
    one.take(TS, combined("ethusdt@depth5", {"lastUpdateId": 9, "bids": [["1", "1"]], "asks": [["2", "1"]]}))
    records = taken(one)
    assert records["kind"].tolist() == [Kind.DEPTH_PARTIAL] * 3
    assert records["id"].tolist() == [2, 9, 9]
    assert one.snapshot_wishes() == []


def test_listing_from_exchange_info_lists_all_or_none() -> None:
    one = BinanceMachine(SPOT, {"ETHUSDT": 0, "NOSUCH": 1}, Gate(RecordBuffer()))
    with pytest.raises(UnknownInstrument, match="does not list NOSUCH"):
        one.list_from_exchange_info(TS, LISTING)
    assert one.gate.buffer.count == 0
    two = BinanceMachine(SPOT, {"ETHUSDT": 0}, Gate(RecordBuffer()))
    two.list_from_exchange_info(TS, LISTING)
    listed = two.feeds["ETHUSDT"].instrument
    assert listed is not None
    assert (listed.price_scale, listed.tick) == (2, 1)
    with pytest.raises(DecodeError, match="exchangeInfo"):
        two.list_from_exchange_info(TS, b'{"symbols":7}')
