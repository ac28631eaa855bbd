from typing import Any

import pytest

from papertape.core.errors import DecodeError
from papertape.core.records import NO_ID, WHOLE, Flag, Kind, RecordBuffer, Verdict, as_records
from papertape.data.quality.gate import Gate
from papertape.data.wire.listed import Listed
from papertape.data.wire.normalise import normalise, unwrapped
from tests.made_source import crypto, fx

MS = 1_000_000


def of(raw: dict[str, Any], instrument: Any = None) -> list[tuple[int, ...]]:
    listed = Listed(instrument or crypto("BTCUSDT"), 3, Gate(RecordBuffer()))
    normalise(unwrapped(raw)[0], listed, 9_000)
    return as_records(listed.gate.buffer.take()).tolist()  # type: ignore[no-any-return]


TRADE = {"e": "trade", "E": 5, "s": "BTCUSDT", "t": 12, "p": "100.01", "q": "0.5", "T": 4, "m": True}
AGG = TRADE | {"e": "aggTrade", "a": 8, "f": 12, "l": 14, "m": False}
QUOTE = {"u": 77, "s": "BTCUSDT", "b": "99.9", "B": "1", "a": "100", "A": "2"}
DEPTH = {"e": "depthUpdate", "E": 5, "s": "BTCUSDT", "U": 10, "u": 12, "b": [["1", "2"]], "a": [["3", "0"]]}
ASK, FIRST, LAST = int(Flag.ASK), int(Flag.FIRST), int(Flag.LAST)


@pytest.mark.parametrize(
    ("raw", "record"),
    [
        (TRADE, (4 * MS, 9_000, Kind.PRINT, WHOLE | ASK, 3, 0, 10_001, 500, 0, 0, 12)),
        (
            {"stream": "btcusdt@trade", "data": TRADE},
            (4 * MS, 9_000, Kind.PRINT, WHOLE | ASK, 3, 0, 10_001, 500, 0, 0, 12),
        ),
        (AGG, (4 * MS, 9_000, Kind.AGG_PRINT, WHOLE, 3, 0, 10_001, 500, 12, 14, 8)),
        (QUOTE, (0, 9_000, Kind.QUOTE, WHOLE, 3, 0, 9_990, 1_000, 10_000, 2_000, 77)),
        (
            QUOTE | {"e": "bookTicker", "T": 6},
            (6 * MS, 9_000, Kind.QUOTE, WHOLE, 3, 0, 9_990, 1_000, 10_000, 2_000, 77),
        ),
        (
            {"symbol": "BTC/USDT", "bid": "99.9", "ask": 100, "bidVolume": "1", "askVolume": None, "timestamp": 7},
            (7 * MS, 9_000, Kind.QUOTE, WHOLE, 3, 0, 9_990, 1_000, 10_000, 0, NO_ID),
        ),
        (
            {"symbol": "BTC/USDT", "price": 100.01, "amount": 0.5, "side": "sell", "id": "12", "timestamp": 7},
            (7 * MS, 9_000, Kind.PRINT, WHOLE | ASK, 3, 0, 10_001, 500, 0, 0, 12),
        ),
        (
            {"symbol": "BTC/USDT", "price": "1", "amount": "2", "side": None, "id": "a-b", "timestamp": None},
            (0, 9_000, Kind.PRINT, WHOLE, 3, 0, 100, 2_000, 0, 0, NO_ID),
        ),
        (
            {"symbol": "X", "time_msc": 7, "bid": 1.1, "ask": 1.2, "last": 0.0, "volume": 0, "flags": 6},
            (7 * MS, 9_000, Kind.QUOTE, WHOLE, 3, 0, 110, 0, 120, 0, NO_ID),
        ),
        (
            {"symbol": "X", "time_msc": 7, "bid": 1.1, "ask": 1.2, "last": 1.15, "volume_real": 2.5, "flags": 24},
            (7 * MS, 9_000, Kind.PRINT, WHOLE, 3, 0, 115, 2_500, 0, 0, NO_ID),
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_one_payload_is_one_record(raw: dict[str, Any], record: tuple[int, ...]) -> None:
    assert of(raw) == [record]


def test_books_are_one_event_of_a_record_per_level() -> None:
    delta = (5 * MS, 9_000, Kind.DEPTH_DELTA)
    assert of(DEPTH) == [
        (*delta, FIRST, 3, 0, 100, 2_000, 10, NO_ID, 12),
        (*delta, LAST | ASK, 3, 0, 300, 0, 10, NO_ID, 12),
    ]
    partial = {"lastUpdateId": 4, "bids": [["1", "2"]], "asks": []}
    assert of({"stream": "btcusdt@depth5", "data": partial})[0][2:] == (
        Kind.DEPTH_PARTIAL,
        WHOLE,
        3,
        0,
        100,
        2_000,
        0,
        0,
        4,
    )
    ccxt = {"symbol": "BTC/USDT", "bids": [[1.5, 2.0]], "asks": [[1.6, 1.0, 4]], "nonce": None, "timestamp": 3}
    assert [one[6:8] for one in of(ccxt)] == [(150, 2_000), (160, 1_000)]


def test_values_are_judged() -> None:
    assert of(QUOTE | {"b": "101"})[0][5] == Verdict.CROSSED
    assert of(TRADE | {"p": "0"})[0][5] == Verdict.NON_POSITIVE


def test_quotes_without_an_id_are_in_order_and_those_with_one_are_followed() -> None:
    listed = Listed(fx("EURUSD"), 0, Gate(RecordBuffer()))
    tick = {"symbol": "EURUSD", "time_msc": 7, "bid": 1.1, "ask": 1.2}
    for _ in range(2):
        normalise(tick, listed, 9_000)
    for _ in range(2):
        normalise(QUOTE, listed, 9_000)
    assert as_records(listed.gate.buffer.take())["verdict"].tolist() == [0, 0, 0, Verdict.DUPLICATE]


def test_a_trade_told_again_is_a_duplicate() -> None:
    listed = Listed(crypto("BTCUSDT"), 0, Gate(RecordBuffer()))
    for ident in (12, 13, 12):
        normalise(TRADE | {"t": ident}, listed, 9_000)
    assert as_records(listed.gate.buffer.take())["verdict"].tolist() == [0, 0, Verdict.DUPLICATE]


def test_an_epoch_stands_before_the_record_that_needed_it() -> None:
    kinds = [one[2] for one in of(TRADE | {"p": "100.001"})]
    assert kinds == [Kind.INSTRUMENT] * (len(kinds) - 1) + [Kind.PRINT]


@pytest.mark.parametrize(
    "raw",
    [
        TRADE | {"e": "unheard of"},
        {"symbol": "X"},
        {key: value for key, value in TRADE.items() if key != "p"},
        TRADE | {"p": "abc"},
        TRADE | {"p": None},
        TRADE | {"T": -1},
        TRADE | {"T": "soon"},
        TRADE | {"T": 10**14},
        DEPTH | {"b": [["1"]]},
        DEPTH | {"b": None},
        DEPTH | {"b": [["1", "1"]] * 65_537},
        {"symbol": "X", "bid": None, "ask": 1},
        {"symbol": "X", "time_msc": 7, "bid": float("nan"), "ask": 1.0},
    ],
    ids=lambda raw: str(raw)[:40],
)
def test_what_cannot_be_read_is_told(raw: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        of(raw)


@pytest.mark.parametrize("raw", [{}, {"s": 5}, {"stream": "a@b", "data": 3}])
def test_a_payload_without_a_symbol_is_told(raw: dict[str, Any]) -> None:
    with pytest.raises(DecodeError, match="names its symbol"):
        unwrapped(raw)
