"""What the box derives from its prints and books, through the real recorder: each value again from the prints and quotes
of the same tape, by formulas of this file's own."""

import asyncio
from bisect import bisect_left
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest

from papertape.core.records import Flag, Kind
from papertape.core.values import INTERVALS, Field, format_decimal, read_values
from papertape.tape.market_reader import MarketReader
from papertape.venue.rules import VenueName
from papertape.venue.server import running_market
from tests.integration.commands import DEADLINE_S, here, record

SYMBOL = "BTCUSDT"
PRICE, SIZE = Fraction(1, 100), Fraction(1, 100_000)
"""What a mantissa of this symbol is worth."""
MS = 1_000_000
SECONDS = 130
STREAMS = {
    "binance-spot": "trade,bookTicker,kline_1s,kline_1m,ticker,miniTicker",
    "binance-usdm": "trade,bookTicker,kline_1m,markPrice@1s,forceOrder,ticker,miniTicker",
}


class Print(NamedTuple):
    """A print of the tape."""

    ts_ns: int
    price: Fraction
    size: Fraction
    id: int
    sold: bool


class Event(msgspec.Struct):
    """An event of values: when, its flags, and the values as exact numbers, or as two integers below 16."""

    ts_ns: int
    flags: int
    values: dict[Field, Any]

    def __getitem__(self, field: Field) -> Any:
        return self.values[field]


class Tape:
    """What was recorded."""

    def __init__(self, folder: Path, quote_places: int) -> None:
        """`quote_places` are the decimals that the box writes quote volumes with."""
        self._quote_places = quote_places
        records = np.concatenate([batch.records for batch in MarketReader.open(folder).blocks()])
        self._records = records
        self.prints = [
            Print(int(one["ts_event_ns"]), int(one["price"]) * PRICE, int(one["size"]) * SIZE, int(one["id"]), sold)
            for one in records[records["kind"] == Kind.PRINT]
            for sold in (bool(one["flags"] & Flag.ASK),)
        ]
        self._times = [one.ts_ns for one in self.prints]
        quotes = records[records["kind"] == Kind.QUOTE]
        self._quote_times = quotes["ts_event_ns"].tolist()
        self._mids = [(int(one["price"]) + int(one["x"])) * PRICE / 2 for one in quotes]

    def events(self, kind: Kind) -> Iterator[Event]:
        """All events of a kind."""
        records = self._records[self._records["kind"] == kind]
        first = np.flatnonzero(records["flags"] & Flag.FIRST)
        for rows in np.split(records, first[1:]):
            values = {
                field: Fraction(format_decimal(pair)) if field >= 16 else pair
                for field, pair in read_values(rows).items()
            }
            yield Event(int(rows[0]["ts_event_ns"]), int(rows[0]["flags"]), values)

    def bar(self, first_ns: int, end_ns: int) -> dict[Field, Any]:
        """The bar of the prints from a time to before another, by its definition; nothing without a print."""
        prints = self.prints[bisect_left(self._times, first_ns) : bisect_left(self._times, end_ns)]
        if not prints:
            return {}
        bought = [one for one in prints if not one.sold]
        prices = [one.price for one in prints]
        return {
            Field.TRADE_IDS: (prints[0].id, prints[-1].id),
            Field.TRADES: (len(prints), 0),
            Field.OPEN: prices[0],
            Field.HIGH: max(prices),
            Field.LOW: min(prices),
            Field.CLOSE: prices[-1],
            Field.VOLUME: sum(one.size for one in prints),
            Field.QUOTE_VOLUME: self._quote(prints),
            Field.TAKER_VOLUME: sum(one.size for one in bought),
            Field.TAKER_QUOTE_VOLUME: self._quote(bought),
        }

    def _quote(self, prints: list[Print]) -> Fraction:
        return round(sum((one.price * one.size for one in prints), Fraction(0)), self._quote_places)

    def mid(self, before_ns: int) -> Fraction:
        """Between the best prices just before a time."""
        return self._mids[bisect_left(self._quote_times, before_ns) - 1]


async def recorded(folder: Path, venue: VenueName, capsys: pytest.CaptureFixture[str]) -> Tape:
    async with (
        asyncio.timeout(DEADLINE_S),
        running_market(7, (SYMBOL,), venue, seconds=SECONDS, speed=0) as box,
    ):
        urls = ("--ws-url", box.ws_url, "--rest-url", box.rest_url)
        recorder = await record(folder, venue, urls, "--symbols", SYMBOL, "--streams", STREAMS[venue])
        await box.done.wait()
        # What was sent last may be on its way still, and is then not on the tape: a little less to compare.
        said = (await recorder.stopped()).json
    assert (said["ignored"], said["malformed"], said["verdicts"]) == (0, 0, {})
    assert here(capsys, "verify", str(folder / "tape")).json["ok"]
    # On USD-M the box writes them like prices, rounded half-even.
    return Tape(folder / "tape", quote_places=8 if venue == "binance-spot" else 2)


def check_klines(tape: Tape, interval: str) -> int:
    """Each closed kline is the bar of its prints, and each open one that of those so far; how many were closed."""
    closed = 0
    for event in tape.events(Kind.KLINE):
        number, is_closed = event[Field.STATE]
        if number != INTERVALS[interval]:
            continue
        first_ns, last_ns = event[Field.SPAN]
        bar = tape.bar(first_ns, last_ns + MS if is_closed else event.ts_ns)
        if not bar:
            assert event[Field.TRADES] == (0, 0)
            continue
        told = {field: value for field, value in event.values.items() if field not in (Field.SPAN, Field.STATE)}
        assert told == bar, (interval, event)
        closed += is_closed
    return closed


def check_tickers(tape: Tape) -> int:
    """24 hours, of which the box has lived two minutes: all prints so far."""
    count = 0
    for kind in (Kind.TICKER, Kind.MINI_TICKER):
        for event in tape.events(kind):
            bar = tape.bar(0, event.ts_ns)
            for field in (Field.OPEN, Field.HIGH, Field.LOW, Field.CLOSE, Field.VOLUME, Field.QUOTE_VOLUME):
                assert event[field] == bar[field], (kind, field)
            if kind is Kind.TICKER:
                assert (event[Field.TRADES], event[Field.TRADE_IDS]) == (bar[Field.TRADES], bar[Field.TRADE_IDS])
                assert event[Field.CHANGE] == bar[Field.CLOSE] - bar[Field.OPEN]
            count += 1
    return count


async def test_spot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tape = await recorded(tmp_path, "binance-spot", capsys)
    assert check_klines(tape, "1m") >= 2
    assert check_klines(tape, "1s") > SECONDS * 3 // 4
    assert check_tickers(tape) > SECONDS


async def test_usdm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tape = await recorded(tmp_path, "binance-usdm", capsys)
    assert check_klines(tape, "1m") >= 2
    assert check_tickers(tape) > SECONDS // 2
    marks = list(tape.events(Kind.MARK_PRICE))
    assert len(marks) >= SECONDS - 2
    for event in marks:
        mid = tape.mid(event.ts_ns)
        last = tape.bar(0, event.ts_ns).get(Field.CLOSE, mid)
        # The mark price is the median of index, middle and last price (the venue's rule, whose averages the box leaves out).
        expected = sorted((event[Field.INDEX], mid, last))[1]
        assert event[Field.MARK] == expected
        assert event[Field.FUNDING_RATE] == Fraction(Decimal("0.0001"))
        assert event[Field.FUNDING_TIME][0] % (8 * 3_600_000 * MS) == 0 < event[Field.FUNDING_TIME][0] - event.ts_ns
    liquidations = list(tape.events(Kind.LIQUIDATION))
    assert liquidations
    told = {(one.ts_ns, one.price, one.size, one.sold) for one in tape.prints}
    for event in liquidations:
        assert event.flags & Flag.SAMPLE
        assert (event.ts_ns, event[Field.PRICE], event[Field.SIZE], bool(event.flags & Flag.ASK)) in told
