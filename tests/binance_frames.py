"""Frames of Binance as text, and a machine that takes them: what the tests of the decoding path share."""

import json
from typing import Any

import numpy as np

from papertape.core.instruments import Instrument, InstrumentKind
from papertape.core.records import FIRST_MARKET_KIND, RecordBuffer, as_records
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.numbers import Numbers
from papertape.data.wire.binance.rules import SPOT, Rules

TS = 1_723_000_000_000_000_000
Levels = list[list[str]]
Records = np.ndarray[Any, np.dtype[Any]]


def instrument(symbol: str = "ETHUSDT", price_scale: int = 2, size_scale: int = 3, **more: Any) -> Instrument:
    return Instrument(
        **{
            "venue": "binance-spot",
            "symbol": symbol,
            "kind": InstrumentKind.CRYPTO_SPOT,
            "base": "ETH",
            "quote": "USDT",
            "settle": "USDT",
            "price_scale": price_scale,
            "size_scale": size_scale,
            "tick": 1,
            "lot": 1,
            **more,
        }
    )


def machine(*symbols: str, rules: Rules = SPOT, **more: Any) -> BinanceMachine:
    """A machine whose symbols (ETHUSDT unless named) are listed; its buffer is empty."""
    names = symbols or ("ETHUSDT",)
    made = BinanceMachine(rules, {name: index for index, name in enumerate(names)}, Gate(RecordBuffer()))
    for name in names:
        made.list_instrument(instrument(name, **more), TS)
    made.gate.buffer.take()
    return made


def taken(one: BinanceMachine) -> Records:
    """The market records that gathered in the machine's buffer."""
    records = as_records(one.gate.buffer.take())
    return records[records["kind"] >= FIRST_MARKET_KIND]


def combined(stream: str, data: dict[str, Any]) -> bytes:
    return json.dumps({"stream": stream, "data": data}, separators=(",", ":")).encode()


def trade(t: int, p: str = "10.5", q: str = "1", symbol: str = "ETHUSDT", **more: Any) -> bytes:
    data = {"e": "trade", "E": 1000 + t, "s": symbol, "t": t, "p": p, "q": q, "T": 1000 + t, "m": False, **more}
    return combined(f"{symbol.lower()}@trade", data)


def ticker(u: int, b: str = "10", a: str = "11", symbol: str = "ETHUSDT", **more: Any) -> bytes:
    return combined(f"{symbol.lower()}@bookTicker", {"u": u, "s": symbol, "b": b, "B": "1", "a": a, "A": "2", **more})


def depth(
    first: int, final: int, bids: Levels | None = None, asks: Levels | None = None, symbol: str = "ETHUSDT", **more: Any
) -> bytes:
    data = {
        "e": "depthUpdate",
        "E": 1000 + final,
        "s": symbol,
        "U": first,
        "u": final,
        "b": bids or [],
        "a": asks or [],
    }
    return combined(f"{symbol.lower()}@depth@100ms", data | more)


def snapshot(last_id: int, bids: Levels | None = None, asks: Levels | None = None) -> bytes:
    body = {"lastUpdateId": last_id, "bids": bids or [["10", "1"]], "asks": asks or [["11", "2"]]}
    return json.dumps(body).encode()


def numbers(scale: int, *seen: str) -> Numbers:
    """Numbers at a scale that have read some texts."""
    one = Numbers("ETHUSDT")
    one.set_scale(scale)
    for text in seen:
        one[text]
    return one
