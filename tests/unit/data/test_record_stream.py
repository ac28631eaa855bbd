from collections.abc import Sequence

import msgspec
import pytest

from papertape.core.bars import BarSource
from papertape.core.errors import InputError
from papertape.core.instruments import Instrument, instrument_event
from papertape.core.records import WHOLE, Kind, RecordBuffer
from papertape.data.record_stream import Batch, CryptoStream, ForexStream, RecordStream, StreamPlan
from tests.made_source import fx

MINUTE = 60_000_000_000


async def unsubscribe(stream: RecordStream, symbols: Sequence[str]) -> None:
    for symbol in symbols:
        stream.symbols.pop(symbol)


async def subscribe(stream: RecordStream, symbols: Sequence[str]) -> None:
    for symbol in symbols:
        stream.symbols[symbol] = (len(stream.symbols),)


def made(kind: type[RecordStream], timeframes: tuple[str, ...] = (), source: BarSource = BarSource.BID) -> RecordStream:
    return kind(StreamPlan(timeframes, source, 1_000), subscribe, unsubscribe)


def listing(instrument: Instrument) -> bytes:
    return instrument_event(instrument, 0, 1)


def at(minute: int, price: int, kind: Kind = Kind.QUOTE) -> bytes:
    buffer = RecordBuffer()
    buffer.pack(minute * MINUTE, minute * MINUTE, kind, WHOLE, 0, 0, price, 1, price + 1, 1, -1)
    return buffer.take()


async def given(stream: RecordStream, *batches: bytes) -> list[Batch]:
    for data in batches:
        stream.queue.put(data)
    stream.queue.end()
    return [batch async for batch in stream]


async def test_batches_are_records_and_the_instruments_are_known() -> None:
    stream = made(ForexStream)
    (first, second) = await given(stream, listing(fx("EURUSD")), at(1, 5))
    assert (set(first.records["kind"].tolist()), first.bars, second.bars) == ({int(Kind.INSTRUMENT)}, (), ())
    assert stream.instruments == {0: fx("EURUSD")}


@pytest.mark.parametrize(
    ("kind", "source", "of"),
    [(ForexStream, BarSource.BID, Kind.QUOTE), (CryptoStream, BarSource.PRINT, Kind.PRINT)],
)
async def test_bars_of_every_timeframe_close_with_the_record_after_them(
    kind: type[RecordStream], source: BarSource, of: Kind
) -> None:
    stream = made(kind, ("M1", "5m"), source)
    prices = [at(minute, 100 + minute, of) for minute in range(6)]
    other = at(3, 999, Kind.PRINT if of is Kind.QUOTE else Kind.QUOTE)
    batches = await given(stream, listing(fx("EURUSD")) + prices[0], *prices[1:], other)
    bars = [one for batch in batches for one in batch.bars]
    minutes = [one.bar for one in bars if one.timeframe == "M1"]
    assert [(bar.start_ns // MINUTE, bar.open, bar.close) for bar in minutes] == [
        (n, 100 + n, 100 + n) for n in range(5)
    ]
    (five,) = [one.bar for one in bars if one.timeframe == "5m"]
    assert (five.open, five.high, five.low, five.close, five.records) == (100, 104, 100, 104, 5)


async def test_without_timeframes_no_bars_are_made() -> None:
    assert not any(batch.bars for batch in await given(made(ForexStream), listing(fx("EURUSD")), at(1, 5), at(2, 5)))


async def test_a_new_epoch_ends_the_open_bars_even_within_a_batch() -> None:
    finer = msgspec.structs.replace(fx("EURUSD", price_scale=6), epoch=1)
    stream = made(ForexStream, ("M1",))
    data = at(1, 110) + listing(finer) + at(1, 1_100) + at(2, 1_200)
    batches = await given(stream, listing(fx("EURUSD")), data, listing(finer), at(3, 1_300))
    closed = [one.bar for batch in batches for one in batch.bars]
    assert [(bar.open, bar.close, bar.records) for bar in closed] == [
        (110, 110, 1),
        (1_100, 1_100, 1),
        (1_200, 1_200, 1),
    ]


async def test_what_counts_for_a_symbol_follows_the_source_records_as_they_are_read() -> None:
    stream = made(ForexStream)
    stream.symbols["EURUSD"] = (0, 7)
    buffer = RecordBuffer()
    buffer.pack(0, 5, Kind.SOURCE, WHOLE, 0, 0, 0, 0, 7, 0, 1)
    stream.queue.put(at(1, 5))
    stream.queue.put(buffer.take())
    await anext(stream)
    assert stream.current("EURUSD") == 0
    await anext(stream)
    assert stream.current("EURUSD") == 7


async def test_symbols_come_and_go_and_the_close_ends_it() -> None:
    stream = made(ForexStream)
    await stream.subscribe(["A", "B"])
    await stream.unsubscribe(["A"])
    for call in (stream.unsubscribe(["A"]), stream.unsubscribe(["B", "C"])):
        with pytest.raises(InputError, match=r"expected a symbol of this stream \(B\)"):
            await call
    assert list(stream.symbols) == ["B"], "all or none"
    await stream.close()
    assert (stream.symbols, [batch async for batch in stream]) == ({}, [])
