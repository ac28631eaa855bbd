import asyncio
import json
from typing import Any

import msgspec

from papertape.core.records import Flag, Kind, as_records
from papertape.core.values import Field, read_values
from papertape.data.connectors.binance_backfill import Backfill
from papertape.data.connectors.ports import Answer
from tests.binance_frames import combined, machine
from tests.rest_doubles import Notes, RestServer, Taken, until

MINUTE_MS = 60_000


def aggregate(number: int) -> dict[str, Any]:
    return {"e": "aggTrade", "s": "ETHUSDT", "a": number, "p": "10", "q": "1", "f": 1, "l": 2, "T": number, "m": True}


def kline(minute: int) -> bytes:
    start = minute * MINUTE_MS
    bar = {"t": start, "T": start + MINUTE_MS - 1, "i": "1m", "o": "1", "c": "1", "h": "1", "l": "1", "v": "1", "n": 1}
    data = {"e": "kline", "E": start, "s": "ETHUSDT", "k": bar | {"x": True, "q": "1", "V": "1", "Q": "1"}}
    return combined("ethusdt@kline_1m", data)


async def healed(backfill: Backfill) -> None:
    async with asyncio.TaskGroup() as group:
        backfill.begin(group)
        backfill.begin(group)


async def test_missing_aggregates_come_flagged() -> None:
    one, server = machine(), RestServer()
    server.answers["aggTrades"] = lambda query: Answer(
        200, json.dumps([aggregate(number) for number in range(int(query["fromId"]), 8)]).encode(), None
    )
    backfill = Backfill(one, Taken(one), server.rest(), Notes())
    for number in (3, 7):
        one.take(1, combined("ethusdt@aggTrade", aggregate(number)))
    assert backfill.wanted()
    await healed(backfill)
    assert not backfill.wanted()
    assert server.asked == [("aggTrades", {"symbol": "ETHUSDT", "fromId": "4", "limit": "1000"})]
    records = as_records(one.gate.buffer.take())
    assert records[records["kind"] == Kind.GAP][["x", "y", "id"]].tolist() == [(4, 6, Kind.AGG_PRINT)]
    back = records[(records["flags"] & Flag.BACKFILL) != 0]
    assert back[["kind", "id"]].tolist() == [(Kind.AGG_PRINT, number) for number in (4, 5, 6)]


async def test_missing_klines_come_flagged_after_a_refusal() -> None:
    one, server, notes = machine(), RestServer(), Notes()
    refusals = [Answer(503, b"", None)]

    def klines(query: dict[str, str]) -> Answer:
        start = int(query["startTime"])
        assert query["interval"] == "1m"
        assert int(query["endTime"]) == start + 2 * MINUTE_MS - 1
        rows = [
            [at, "1", "1", "1", "7", "1", at + MINUTE_MS - 1, "1", 1, "1", "1", "0"]
            for at in (start, start + MINUTE_MS, start + 2 * MINUTE_MS)
        ]
        return refusals.pop() if refusals else Answer(200, msgspec.json.encode(rows), None)

    server.answers["klines"] = klines
    backfill = Backfill(one, Taken(one), server.rest(), notes)
    for minute in (10, 13):
        one.take(1, kline(minute))
    await healed(backfill)
    assert notes.texts == ["klines not healed"]
    assert not backfill.wanted()
    records = as_records(one.gate.buffer.take())
    back = records[(records["flags"] & Flag.BACKFILL) != 0]
    assert len(back) == 2 * 12
    assert read_values(back[:12])[Field.CLOSE] == (7, 0)


async def test_what_never_comes_is_given_up_and_said(monkeypatch: Any) -> None:
    one, server, notes = machine(), RestServer(), Notes()
    monkeypatch.setattr("papertape.data.connectors.binance_backfill.TRIES", 1)
    server.answers["aggTrades"] = lambda query: Answer(200, b"[]", None)
    backfill = Backfill(one, Taken(one), server.rest(), notes)
    for number in (3, 7):
        one.take(1, combined("ethusdt@aggTrade", aggregate(number)))
    for minute in (10, 13):
        one.take(1, kline(minute))
    await healed(backfill)
    await until(lambda: not backfill.wanted())
    assert {"aggregates stay missing", "klines stay missing"} <= set(notes.texts)
