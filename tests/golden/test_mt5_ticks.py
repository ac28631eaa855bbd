"""Recorded ticks come through a gateway bit for bit, and the bars made of what came are those of the source."""

import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from papertape.core.bars.rows import Bar, BarMaker, BarSource
from papertape.core.clock import ManualClock
from papertape.core.fixed import parse_fixed
from papertape.core.records import Kind, RecordBuffer, as_records
from papertape.data.connectors.mt5_connector import MT5Connector
from papertape.data.connectors.mt5_remote import GatewayTerminal
from papertape.data.quality.gate import Gate
from papertape.data.wire.mt5.broker_time import BrokerTime
from papertape.data.wire.mt5.machine import Mt5Machine, TickBatch
from papertape.data.wire.mt5.symbol_info import read_symbol_info
from papertape.data.wire.mt5.ticks import TickCursor
from papertape.runtime.mt5_tick_files import load_ticks
from papertape.venue.mt5_terminal import Mt5TerminalDouble
from papertape.venue.mt5_types import TICK_DTYPE, TICK_FLAG_ASK, TICK_FLAG_BID, fx_pair
from tests.conftest import ROOT
from tests.mt5_world import TOKEN, served, take

FOLDER = ROOT.parent / "shared" / "data" / "strategytester5"
OFFSET_NS = 3 * 3_600_000_000_000
MINUTE_NS = 60_000_000_000
FILES = [("GBPUSD", "2025-09"), ("EURUSD", "2025-12-01")]
OANDA_DAYS = ("20140501", "20140502", "20140504", "20140505")
EQUAL_MIN = 0.9999
"""Share of M1 bars that must be those of the export, as the recordings' own description says."""


def recorded(symbol: str, period: str) -> np.ndarray[Any, np.dtype[Any]]:
    pytest.importorskip("pyarrow", reason="recorded ticks are Parquet: install pyarrow")
    file = FOLDER / f"ticks_{symbol}_{period}.parquet"
    if not file.exists():
        pytest.skip(f"recordings are absent: no {file}")
    return load_ticks(file)


async def through_a_gateway(symbol: str, rows: np.ndarray[Any, np.dtype[Any]]) -> list[TickBatch]:
    clock = ManualClock(int(rows["time_msc"][-1]) * 1_000_000)
    double = Mt5TerminalDouble({symbol: fx_pair(symbol)}, {symbol: rows}, clock)
    async with served(double, clock) as url:
        connector = MT5Connector(GatewayTerminal(url, TOKEN, clock), clock, lambda *_, **__: None)
        await connector.initialize_mt5_connection()
        stream = connector.resume_tick_data({symbol: TickCursor()})
        items = await take(stream, len(rows))
        await stream.close()
        await connector.close()
    return items


def quotes_of(symbol: str, batches: list[TickBatch]) -> np.ndarray[Any, np.dtype[Any]]:
    machine = Mt5Machine({symbol: 0}, Gate(RecordBuffer()), BrokerTime(OFFSET_NS))
    info = fx_pair(symbol)._asdict()
    machine.list_instrument(read_symbol_info(info, leverage=500, deposit_currency="USD").instrument, 0)
    for batch in batches:
        machine.take(batch)
    found = as_records(machine.gate.buffer.take())
    quotes: np.ndarray[Any, np.dtype[Any]] = found[found["kind"] == Kind.QUOTE]
    return quotes


def bars_of(quotes: np.ndarray[Any, np.dtype[Any]], source: BarSource = BarSource.BID) -> list[Bar]:
    maker = BarMaker(0, source, MINUTE_NS)
    closed = [bar for record in quotes.tolist() if (bar := maker.add(record)) is not None]
    return [*closed, maker.bar] if maker.bar is not None else closed


def expected_bars(rows: np.ndarray[Any, np.dtype[Any]]) -> dict[int, tuple[int, int, int, int]]:
    """Open, high, low, close of the bids by minute of the broker's clock, in points: what a terminal exports."""
    minutes = rows["time_msc"] // 60_000
    bids = np.rint(rows["bid"] * 1e5).astype(np.int64)
    starts = np.flatnonzero(np.diff(minutes, prepend=-1)).tolist()
    bars = {}
    for start, stop in zip(starts, [*starts[1:], len(rows)], strict=True):
        some = bids[start:stop].tolist()
        bars[int(minutes[start])] = (some[0], max(some), min(some), some[-1])
    return bars


@pytest.mark.recordings
@pytest.mark.parametrize(("symbol", "period"), FILES)
async def test_every_tick_in_order_bit_for_bit_and_the_bars_of_it(symbol: str, period: str) -> None:
    rows = recorded(symbol, period)
    batches = await through_a_gateway(symbol, rows)
    assert np.concatenate([batch.rows for batch in batches]).tobytes() == rows.tobytes()
    quotes = quotes_of(symbol, batches)
    assert len(quotes) == len(rows)
    assert (quotes["ts_event_ns"] + OFFSET_NS == rows["time_msc"] * 1_000_000).all()
    assert (np.diff(quotes["id"]) > 0).all()
    assert not (np.abs(quotes["price"] / 1e5 - rows["bid"]) > 1e-9).any()
    assert not (np.abs(quotes["x"] / 1e5 - rows["ask"]) > 1e-9).any()
    made = {
        (bar.start_ns + OFFSET_NS) // MINUTE_NS: (bar.open, bar.high, bar.low, bar.close) for bar in bars_of(quotes)
    }
    assert made == expected_bars(rows)


@pytest.mark.recordings
@pytest.mark.parametrize(("symbol", "period"), FILES)
def test_bars_equal_what_the_terminal_exported(symbol: str, period: str) -> None:
    """Where a terminal's own bars are there for the time of its ticks; the recordings at hand have them for none."""
    made = expected_bars(recorded(symbol, period))
    first, last = min(made), max(made)  # a recording may begin and end within a minute
    parquet = pytest.importorskip("pyarrow.parquet", reason="exported bars are Parquet: install pyarrow")
    exported: dict[int, tuple[int, ...]] = {}
    for file in (FOLDER / "bars").glob(f"{symbol}_M1_*.parquet"):
        table = parquet.read_table(file).to_pydict()
        columns = (table[name] for name in ("time", "open", "high", "low", "close"))
        for time, *values in zip(*columns, strict=True):
            exported[int(time.timestamp()) // 60] = tuple(round(value * 1e5) for value in values)
    common = [minute for minute in made if first < minute < last and minute in exported]
    if not common:
        pytest.skip(f"recordings are absent: no exported M1 bars of {symbol} in {period}")
    assert sum(made[minute] == exported[minute] for minute in common) / len(common) >= EQUAL_MIN


def oanda(kind: str) -> Iterator[tuple[int, list[int]]]:
    """Rows of EURUSD as a venue that is not ours exported them: ms since 1970, UTC, and prices in points."""
    folder = ROOT.parent / "shared" / "data" / "lean" / "forex" / "oanda" / kind / "eurusd"
    for day in OANDA_DAYS:
        file = folder / f"{day}_quote.zip"
        if not file.exists():
            pytest.skip(f"recordings are absent: no {file}")
        midnight_ms = int(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).timestamp()) * 1000
        with zipfile.ZipFile(file) as packed:
            for line in packed.read(packed.namelist()[0]).decode().splitlines():
                ms, *prices = line.split(",")
                yield midnight_ms + int(ms), [parse_fixed(price, 5) for price in prices]


@pytest.mark.recordings
async def test_bars_of_ticks_from_a_gateway_equal_those_that_the_venue_exported() -> None:
    ticks = list(oanda("tick"))
    rows = np.zeros(len(ticks), TICK_DTYPE)
    # As a broker stamps them whose clock is three hours ahead.
    rows["time_msc"] = np.array([ms for ms, _ in ticks]) + OFFSET_NS // 1_000_000
    rows["time"] = rows["time_msc"] // 1000
    rows["bid"], rows["ask"] = np.array([prices for _, prices in ticks]).T / 1e5
    rows["flags"] = TICK_FLAG_BID | TICK_FLAG_ASK
    quotes = quotes_of("EURUSD", await through_a_gateway("EURUSD", rows))
    assert len(quotes) == len(ticks)
    exported = {ms * 1_000_000: prices for ms, prices in oanda("minute")}
    for source, columns in ((BarSource.BID, slice(0, 4)), (BarSource.ASK, slice(5, 9))):
        made = {bar.start_ns: [bar.open, bar.high, bar.low, bar.close] for bar in bars_of(quotes, source)}
        assert made.keys() == exported.keys()
        equal = sum(made[start_ns] == prices[columns] for start_ns, prices in exported.items())
        assert equal / len(exported) >= EQUAL_MIN
