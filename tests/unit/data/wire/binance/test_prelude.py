"""What the first frames of a stream say of its instrument."""

import json

import pytest
from tests.binance_frames import combined, depth, snapshot, ticker, trade

from papertape.core.errors import DecodeError, UnknownInstrument
from papertape.data.wire.binance.prelude import FRAMES_BEFORE_GUESS, Prelude
from papertape.data.wire.binance.rules import SPOT

INFO = b'{"serverTime":1,"symbols":[{"symbol":"ETHUSDT","baseAsset":"ETH","quoteAsset":"USDT","filters":[{"filterType":"PRICE_FILTER","tickSize":"0.001"}]}]}'


def test_a_snapshot_tells_the_scales_by_its_trimmed_decimals() -> None:
    prelude = Prelude()
    assert not prelude.look(trade(1, "10.12345"))
    assert prelude.look(snapshot(5, [["10.2500", "1.500"]]))
    one = prelude.instrument(SPOT, "ETHUSDT")
    assert (one.price_scale, one.size_scale) == (2, 1)


def test_exchange_info_goes_before_a_snapshot() -> None:
    prelude = Prelude()
    assert prelude.look(INFO)
    assert prelude.instrument(SPOT, "ETHUSDT").price_scale == 3
    with pytest.raises(UnknownInstrument, match="BTCUSDT"):
        prelude.instrument(SPOT, "BTCUSDT")


def test_without_either_a_thousand_frames_tell() -> None:
    prelude = Prelude()
    looked = [prelude.look(trade(number, "10.5")) for number in range(FRAMES_BEFORE_GUESS)]
    assert looked == [False] * (FRAMES_BEFORE_GUESS - 1) + [True]
    assert FRAMES_BEFORE_GUESS == 1_000
    assert prelude.instrument(SPOT, "ETHUSDT").price_scale == 1


@pytest.mark.parametrize(
    ("frame", "scales"),
    [
        (trade(1, "1.23", "0.5"), (2, 1)),
        (ticker(1, "1.234", "1.23"), (3, 0)),
        (depth(1, 2, [["1.1", "0.001"]], [["1.2345", "1"]]), (4, 3)),
        (trade(1, "1.23", symbol="BTCUSDT"), (0, 0)),
        (combined("ethusdt@kline_1m", {"k": {"o": "1.5"}}), (0, 0)),
        (b'{"stream":"ethusdt@trade","data":{"zz":' + b"[" * 50_000 + b"]" * 50_000 + b"}}", (0, 0)),
        (b'{"stream":"ethusdt@trade","data":{"p":7}}', (0, 0)),
    ],
    ids=["trade", "ticker", "depth", "other symbol", "other stream", "deep", "no text"],
)
def test_frames_of_the_symbol_tell_their_decimals(frame: bytes, scales: tuple[int, int]) -> None:
    prelude = Prelude()
    prelude.look(frame)
    one = prelude.instrument(SPOT, "ETHUSDT")
    assert (one.price_scale, one.size_scale) == scales


def test_text_that_is_not_json_is_refused() -> None:
    with pytest.raises(DecodeError, match="JSON of the venue"):
        Prelude().look(b"{broken")


def test_other_texts_tell_nothing() -> None:
    prelude = Prelude()
    for text in (
        b"[]",
        json.dumps({"result": None, "id": 1}).encode(),
        b'{"serverTime":5}',
        b'{"papertape":{"link":"down"}}',
    ):
        assert not prelude.look(text)
