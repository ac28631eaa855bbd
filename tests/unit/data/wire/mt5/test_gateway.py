import pytest

from papertape.core.errors import DecodeError
from papertape.data.wire.mt5 import gateway
from papertape.data.wire.mt5.machine import TickBatch
from papertape.data.wire.mt5.ticks import TickCursor
from tests.mt5_world import ticks


@pytest.mark.parametrize(
    "message",
    [
        gateway.Hello(1),
        gateway.Ask("select", "EURUSD.raw"),
        gateway.Answer({"digits": 5, "point": 1e-5}),
        gateway.Failed(-10004, "No IPC connection", "copy_ticks_from", "EURUSD"),
        gateway.Stream({"EURUSD": TickCursor(17, 2), "GBPUSD": None}),
        gateway.Lost("EURUSD"),
    ],
    ids=lambda message: type(message).__name__,
)
def test_messages_come_back(message: gateway.Message) -> None:
    assert gateway.decode(gateway.encode(message)) == message


@pytest.mark.parametrize("symbol", ["GBPUSD", "Gold €", "X" * 255])
def test_ticks_come_back_bit_for_bit(symbol: str) -> None:
    rows = ticks(0, 1, 1)
    rows["bid"][0] = float("nan")
    rows["volume"] = 2**64 - 1
    sent = TickBatch(symbol, rows, 5, True, TickCursor(9, 2))
    came = gateway.decode_ticks(gateway.encode_ticks(sent), 8)
    assert came.rows.tobytes() == rows.tobytes()
    assert (came.symbol, came.ts_recv_ns, came.fresh, came.before) == (symbol, 8, True, (9, 2))


@pytest.mark.parametrize("text", [b"", b"{}", b'{"t":"order"}', b'{"t":"hello","protocol":"x"}', b"\xff", b"[" * 5000])
def test_other_texts_are_refused(text: bytes) -> None:
    with pytest.raises(DecodeError):
        gateway.decode(text)


@pytest.mark.parametrize("cut", [0, 5, 13, 17, 30, -1])
def test_cut_ticks_are_refused(cut: int) -> None:
    whole = gateway.encode_ticks(TickBatch("GBPUSD", ticks(0, 1), 0, False, TickCursor()))
    with pytest.raises(DecodeError):
        gateway.decode_ticks(whole[:cut], 0)
