"""Frames as the venue sends them, and what stands on the tape for each."""

import json
from pathlib import Path
from typing import Any

import pytest

from papertape.core.book import rows
from papertape.core.errors import DecodeError
from papertape.core.records import WHOLE, Flag, Kind, Verdict, as_records
from papertape.core.values import Field, Interval, format_decimal, read_values
from papertape.data.wire.binance.rules import USDM
from tests.binance_frames import TS, Records, combined, machine, taken

RECORDED = Path(__file__).parents[6].parent / "shared" / "data" / "crypto-msg-parser" / "binance_raw_messages.jsonl"
MINUTE_MS = 60_000


def kline(minute: int, closed: bool, **more: Any) -> bytes:
    start = 1_653_818_760_000 + minute * MINUTE_MS
    bar = {"t": start, "T": start + MINUTE_MS - 1, "s": "ETHUSDT", "i": "1m", "f": 5, "L": 9, "o": "10.5", "c": "11"}
    bar |= {"h": "12.25", "l": "10", "v": "3.5", "n": 5, "x": closed, "q": "38.123", "V": "1", "Q": "11.5", "B": "0"}
    data = {"e": "kline", "E": start + 2_500, "s": "ETHUSDT", "k": bar | more}
    return combined("ethusdt@kline_1m", data)


def texts(records: Records) -> dict[Field, str]:
    return {field: format_decimal(pair) for field, pair in read_values(records).items() if field >= Field.OPEN}


def test_a_kline_is_one_event_of_values() -> None:
    one = machine()
    one.take(TS, kline(0, closed=True))
    records = taken(one)
    assert set(records["kind"]) == {Kind.KLINE}
    assert records["flags"].tolist() == [Flag.FIRST, *[0] * 10, Flag.LAST]
    assert set(records["ts_event_ns"]) == {1_653_818_762_500 * 1_000_000}
    values = read_values(records)
    assert values[Field.SPAN] == (1_653_818_760_000_000_000, 1_653_818_819_999_000_000)
    assert values[Field.STATE] == (Interval.M1, 1)
    assert values[Field.TRADE_IDS] == (5, 9)
    assert values[Field.TRADES] == (5, 0)
    assert texts(records) == {
        Field.OPEN: "10.5",
        Field.HIGH: "12.25",
        Field.LOW: "10",
        Field.CLOSE: "11",
        Field.VOLUME: "3.5",
        Field.QUOTE_VOLUME: "38.123",
        Field.TAKER_VOLUME: "1",
        Field.TAKER_QUOTE_VOLUME: "11.5",
    }


def test_a_closing_that_did_not_come_is_a_gap_and_healed_over_rest() -> None:
    one = machine()
    for frame in (kline(0, closed=True), kline(1, closed=False), kline(3, closed=False)):
        one.take(TS, frame)
    records = as_records(one.gate.buffer.take())
    gaps = records[records["kind"] == Kind.GAP]
    first, until = (1_653_818_760_000 + minute * MINUTE_MS for minute in (1, 3))
    assert gaps[["x", "y", "id"]].tolist() == [(first * 1_000_000, until * 1_000_000 - 1, Kind.KLINE)]
    assert one.kline_wishes() == ["ETHUSDT"]
    row = [first, "1", "2", "0.5", "1.5", "9", first + MINUTE_MS - 1, "10", 3, "4", "5", "0"]
    known = [first - MINUTE_MS, *row[1:]]
    one.take_klines(TS, "ETHUSDT", Interval.M1, json.dumps([known, row]).encode())
    healed = taken(one)
    assert len(healed) == 12
    assert all(healed["flags"] & Flag.BACKFILL)
    assert set(healed["verdict"]) == {Verdict.OUT_OF_ORDER}
    assert read_values(healed)[Field.STATE] == (Interval.M1, 1)
    assert texts(healed)[Field.CLOSE] == "1.5"


def test_times_in_microseconds_are_told_by_their_size() -> None:
    one = machine()
    start = 1_653_818_760_000_000
    one.take(TS, kline(0, closed=True, t=start, T=start + 59_999_999))
    assert read_values(taken(one))[Field.SPAN] == (start * 1_000, (start + 59_999_999) * 1_000)


def test_a_mark_price_has_its_funding_beside_it_and_opens_no_epoch() -> None:
    one = machine(rules=USDM)
    data: dict[str, Any] = {
        "e": "markPriceUpdate",
        "E": 1617308820003,
        "s": "ETHUSDT",
        "p": "58940.14924532",
        "ap": "58940.1",
    }
    data |= {"P": "58905.14663658", "i": "58857.26693664", "r": "-0.00058455", "T": 1617321600000, "st": 1}
    one.take(TS, combined("ethusdt@markPrice@1s", data))
    records = as_records(one.gate.buffer.take())
    assert set(records["kind"]) == {Kind.MARK_PRICE}, "no INSTRUMENT event"
    assert read_values(records)[Field.FUNDING_TIME] == (1617321600000 * 1_000_000, 0)
    assert texts(records) == {
        Field.MARK: "58940.14924532",
        Field.MARK_AVERAGE: "58940.1",
        Field.INDEX: "58857.26693664",
        Field.SETTLE: "58905.14663658",
        Field.FUNDING_RATE: "-0.00058455",
    }


def force_order(side: str = "SELL", **more: Any) -> bytes:
    order: dict[str, Any] = {
        "s": "ETHUSDT",
        "S": side,
        "o": "LIMIT",
        "f": "IOC",
        "q": "0.014",
        "p": "9910",
        "ap": "9910.5",
    }
    order |= {"X": "FILLED", "l": "0.014", "z": "0.014", "T": 1568014460893}
    return combined("ethusdt@forceOrder", {"e": "forceOrder", "E": 1568014460893, "o": order} | more)


def test_a_liquidation_is_marked_as_a_sample() -> None:
    one = machine(rules=USDM)
    one.take(TS, force_order())
    records = taken(one)
    assert set(records["kind"]) == {Kind.LIQUIDATION}
    assert all(records["flags"] & Flag.SAMPLE)
    assert all(records["flags"] & Flag.ASK)
    one.take(TS, force_order("BUY"))
    assert not any(taken(one)["flags"] & Flag.ASK)
    with pytest.raises(DecodeError, match="HOLD"):
        one.take(TS, force_order("HOLD"))


def test_streams_of_all_symbols_are_taken_where_they_are_ours_and_of_usdm() -> None:
    one = machine("ETHUSDT", "BTCUSDT", rules=USDM)

    def mark(symbol: str, **more: Any) -> dict[str, Any]:
        return {"e": "markPriceUpdate", "E": 5, "s": symbol, "p": "7"} | more

    frame = {"stream": "!markPrice@arr@1s", "data": [mark("ETHUSDT", st=2), mark("XRPUSDT"), mark("BTCUSDT", st=1)]}
    one.take(TS, json.dumps(frame, separators=(",", ":")).encode())
    one.take(TS, force_order().replace(b"ethusdt@forceOrder", b"!forceOrder@arr"))
    records = taken(one)
    assert records[["kind", "instrument"]].tolist()[:2] == [(Kind.MARK_PRICE, 1), (Kind.LIQUIDATION, 0)]


@pytest.mark.parametrize(
    ("change", "verdict"),
    [({"l": "0"}, Verdict.NON_POSITIVE), ({"o": "-1"}, Verdict.NON_POSITIVE), ({"v": "0"}, 0)],
)
def test_values_are_judged(change: dict[str, str], verdict: int) -> None:
    one = machine()
    one.take(TS, kline(0, closed=False, **change))
    assert set(taken(one)["verdict"]) == {verdict}


def test_values_count_in_the_markets_hash_whatever_the_scales() -> None:
    hashes = set()
    for scale, close in ((2, "11"), (5, "11"), (2, "11.5")):
        one = machine(price_scale=scale)
        one.list_instrument(one.feeds["ETHUSDT"].instrument, TS)
        market = rows.Market()
        one.take(TS, kline(0, closed=True, c=close))
        market.apply(one.gate.buffer.take())
        hashes.add(market.state_hash())
    assert len(hashes) == 2


@pytest.mark.skipif(not RECORDED.exists(), reason="needs the recordings in ../shared/data")
def test_recorded_frames_of_every_kind_are_taken() -> None:
    kinds = set()
    for line in RECORDED.read_text(encoding="utf-8").splitlines():
        message = json.loads(line)
        module, raw = message["module"], message["raw"]
        if module not in ("candlestick", "funding_rate", "ticker") or "all" in message["test"]:
            continue
        data = json.loads(raw)["data"]
        for each in data if isinstance(data, list) else [data]:
            symbol = each["s"]
            if each["e"] == "ticker_all":
                continue
            one = machine(symbol)
            one.take(TS, raw.encode())
            assert (one.ignored, one.malformed) == (0, 0), raw[:80]
            records = taken(one)
            assert len(records) or json.loads(raw).get("stream", "").startswith("!")
            kinds |= set(records["kind"].tolist())
            assert all(flags & ~WHOLE == 0 for flags in records["flags"].tolist())
    assert kinds == {Kind.KLINE, Kind.MARK_PRICE, Kind.TICKER}
