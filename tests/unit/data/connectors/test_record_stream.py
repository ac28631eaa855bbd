import pytest

from papertape.core.errors import SessionClosed
from papertape.core.records import RECORD_BYTES
from papertape.data.connectors.record_stream import OrderBookStream, Policy, WebSocketStream
from tests.binance_frames import TS, depth, instrument, machine, snapshot


def block(byte: int, records: int = 4) -> bytes:
    return bytes([byte]) * RECORD_BYTES * records


async def test_lossless_ends_and_says_so_but_gives_what_it_has() -> None:
    closed: list[bool] = []
    stream = WebSocketStream(Policy.LOSSLESS, capacity=10)
    stream.feed(lambda: closed.append(True))
    for byte in (1, 2, 3, 4):
        stream.put(block(byte))
    assert closed == [True]
    assert [int((await anext(stream))["kind"][0]) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(SessionClosed, match="more than 10 records"):
        await anext(stream)


async def test_shed_lets_the_oldest_go_and_counts() -> None:
    stream = WebSocketStream(Policy.SHED_WITH_COUNT, capacity=10)
    for byte in (1, 2, 3, 4):
        stream.put(block(byte))
    stream.end(None)
    assert [int(records["kind"][0]) async for records in stream] == [3, 4]
    assert stream.shed == 8


async def test_a_stream_that_is_left_ends() -> None:
    stream = WebSocketStream(Policy.LOSSLESS)
    stream.put(block(1))
    await stream.aclose()
    stream.put(block(2))
    assert [int(records["kind"][0]) async for records in stream] == [1]


async def test_a_book_is_shown_when_it_has_changed_and_only_the_latest() -> None:
    one, stream = machine(), OrderBookStream(2)
    one.list_instrument(instrument(), TS)
    one.take(TS, depth(6, 7, [["9", "1"], ["8", "1"], ["7", "1"]]))
    one.take_snapshot(TS, "ETHUSDT", snapshot(6, [["10", "1"]], [["11", "2"]]))
    stream.put(one.gate.buffer.take())
    book = await anext(stream)
    assert (book.symbol, book.update_id, book.price_scale) == ("ETHUSDT", 7, 2)
    assert book.bids == [(1000, 1000), (900, 1000)]
    assert book.asks == [(1100, 2000)]
    for update in (8, 9):
        one.take(TS, depth(update, update, [["10", str(update)]]))
        stream.put(one.gate.buffer.take())
    assert (await anext(stream)).bids[0] == (1000, 9000)
    one.lose(TS, ["ETHUSDT"])
    stream.put(one.gate.buffer.take())
    stream.end(SessionClosed("gone"))
    with pytest.raises(SessionClosed):
        await anext(stream)
