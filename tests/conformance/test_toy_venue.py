"""The example of a venue plug-in against the conformance kit."""

import json
from pathlib import Path

import pytest

from papertape.core.records import Kind
from papertape.runtime.venues import load_venue
from papertape.testing.conformance import CHECKS, Script, Subject, Told

EXAMPLE = Path(__file__).parents[2] / "examples" / "toy_venue.py"
FROM_MS = 1_700_000_000_000


def script():
    frames, told = [], []

    def say(at_ms, **fields):
        frames.append((at_ms * 1_000_000, json.dumps(fields).encode()))

    say(FROM_MS, type="Listing", symbol="ABC", price_step="0.01", size_step="1")
    say(FROM_MS, type="Listing", symbol="XYZ", price_step="0.00001", size_step="0.001")
    for n in range(30):
        symbol, price, size = ("ABC", f"1{n % 10}.05", f"{n + 1}") if n % 3 else ("XYZ", f"0.0{n}", f"{n}.5")
        number, ms = n + 1, FROM_MS + n
        if n % 2:
            say(ms, type="Best", symbol=symbol, n=number, bid=price, bid_size=size, ask="99.5", ask_size="3")
            told.append(Told(symbol, Kind.QUOTE, number, (price, size, "99.5", "3")))
        else:
            number = n // 2 + 1
            say(ms, type="Trade", symbol="ABC", n=number, price="10.01", size="4", ms=ms, sold=n % 4 == 0)
            told.append(Told("ABC", Kind.PRINT, number, ("10.01", "4")))
    trades = [place for place, frame in enumerate(frames) if b"Trade" in frame[1]]
    return Script(frames, told, trades[2:6], trades[1:4])


TOY = load_venue(f"{EXAMPLE}:ToyVenue")
SUBJECT = Subject(lambda gate: TOY.machine({"ABC": 0, "XYZ": 1}, gate), ("ABC", "XYZ"), script())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_toy_venue_conforms(check):
    check(SUBJECT)


def test_it_has_under_100_lines():
    assert EXAMPLE.read_text(encoding="utf-8").count("\n") < 100
