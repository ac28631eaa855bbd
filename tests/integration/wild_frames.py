"""Frames that cannot be read, each for a reason of its own."""

from typing import Any

from tests.integration.hostile import combined


def wild_price(price: str) -> bytes:
    return combined("abcusdt@bookTicker", {"u": 1, "s": "ABCUSDT", "b": price, "B": "1", "a": "2", "A": "1"})


def wild_depth(**fields: Any) -> bytes:
    event = {"e": "depthUpdate", "E": 1, "s": "ABCUSDT", "U": 1, "u": 2, "b": [], "a": []}
    return combined("abcusdt@depth@100ms", event | fields)


MALFORMED = {
    "no JSON": b"{this is not json",
    "no UTF-8": b'{"stream":"abcusdt@trade","data":{"s":"\xff\xfe"}}',
    "nothing": b"",
    "a wrong type": combined("abcusdt@trade", {"t": "one", "p": 1, "q": None, "T": [], "m": 0}),
    "an id beyond 64 bits": combined("abcusdt@trade", {"t": 1 << 70, "p": "1", "q": "1", "T": 1, "m": True}),
    "a time beyond 64 bits": combined("abcusdt@trade", {"t": 1, "p": "1", "q": "1", "T": 1 << 62, "m": True}),
    "a price of 1e30": wild_price("1e30"),
    "a huge price": wild_price("9" * 40),
    "a price that is no number": wild_price("NaN"),
    "a level of 1e30": wild_depth(b=[["1e30", "1"]]),
    "an absurdly fine price": wild_price("0." + "0" * 30 + "1"),
    "a level that is no pair": wild_depth(b=[["1", "2", "3"]]),
    "deep nesting in what is not read": b'{"stream":"abcusdt@trade","data":{"x":'
    + b"[" * 100_000
    + b"]" * 100_000
    + b"}}",
    "deep nesting elsewhere": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a depth event larger than a block": wild_depth(b=[["1.0", "1.0"]] * 70_000),
}
