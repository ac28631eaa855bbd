"""Every recorded reel against a recomputation that shares no code with papertape, and against pinned state hashes.

`ACCEPT_GOLDEN=1 python -m pytest tests/golden` writes the hashes anew: read the difference before it is committed.
"""

import gzip
import json
import os
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from papertape.core.actions import Replay, ReplayResult
from papertape.core.book import Market
from papertape.core.book.compiled import CompiledMarket
from papertape.core.records import RecordBuffer, as_records
from papertape.data.connectors.reel_connector import ReelConnector
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import VENUES
from papertape.runtime.replay import run
from papertape.runtime.shell import Shell
from papertape.testing.naive_book import Levels, NaiveBook

PINNED = Path(__file__).parent / "state_hashes.json"
REELS = {
    "spot ETHUSDT, two days": ("binance-spot", "ETHUSDT", ("spot/ethusdt_20240808.gz", "spot/ethusdt_20240809.gz")),
    "spot ETHUSDT": ("binance-spot", "ETHUSDT", ("spot/ethusdt_20240808.gz",)),
    "spot ETHUSDT, no snapshot": ("binance-spot", "ETHUSDT", ("spot/ethusdt_20240809.gz",)),
    "usdm BTCUSDT, two days": ("binance-usdm", "BTCUSDT", ("usdm/btcusdt_20240718.gz", "usdm/btcusdt_20240719.gz")),
    "usdm BTCUSDT, no snapshot": ("binance-usdm", "BTCUSDT", ("usdm/btcusdt_20240719.gz",)),
    "usdm ETHUSDT": ("binance-usdm", "ETHUSDT", ("usdm/ethusdt_20240808.gz",)),
    "coinm ETHUSD_PERP": ("binance-usdm", "ETHUSD_PERP", ("cm/ethusd_perp_20240808.gz",)),
}
pytestmark = pytest.mark.recordings


class Expected(NamedTuple):
    prints: int
    checks: int
    mismatches: int
    synced: bool
    old_quotes: int
    bids: Levels
    asks: Levels


def lines(files: tuple[Path, ...]) -> Iterator[Any]:
    for file in files:
        with gzip.open(file, "rt") as stream:
            for line in stream:
                yield json.loads(line.partition(" ")[2])


@lru_cache
def recompute(files: tuple[Path, ...]) -> Expected:
    """Counts of a reel by the venue's rules alone: prints, and tops of book against quotes of the same update id."""
    book, last_id, held = NaiveBook(), None, list[Any]()
    tops: dict[int, Any] = {}
    quotes = {one["data"]["u"]: one["data"] for one in lines(files) if "@bookTicker" in one.get("stream", "")}
    prints = old = newest = 0
    for frame in lines(files):
        if "stream" not in frame:
            last_id = frame["lastUpdateId"]
            book.start(frame["bids"], frame["asks"])
            for event in [one for one in held if one["u"] > last_id]:
                book.update(event["b"], event["a"])
                tops[event["u"]] = book.top() if event["u"] in quotes else None
            continue
        event, kind = frame["data"], frame["stream"].partition("@")[2].partition("@")[0]
        prints += kind == "trade"
        if kind == "bookTicker":
            old += event["u"] <= newest
            newest = max(newest, event["u"])
        elif kind == "depth" and last_id is None:
            held.append(event)
        elif kind == "depth" and event["u"] > last_id:
            book.update(event["b"], event["a"])
            tops[event["u"]] = book.top() if event["u"] in quotes else None
    both = [update_id for update_id in tops if update_id in quotes]
    wrong = sum(tops[one] != tuple(Fraction(quotes[one][key]) for key in ("b", "B", "a", "A")) for one in both)
    return Expected(prints, len(both), wrong, last_id is not None, old, book.bids, book.asks)


@lru_cache
def replayed(name: str, recordings: Path) -> ReplayResult:
    venue, symbol, files = REELS[name]
    request = Replay(reel=[str(recordings / file) for file in files], venue=venue, symbol=symbol)  # type: ignore[arg-type]
    response = run(request, Shell()).response
    assert isinstance(response, ReplayResult)
    return response


@pytest.mark.parametrize("name", REELS)
def test_counts_are_those_of_an_independent_recomputation(name: str, recordings: Path) -> None:
    got = replayed(name, recordings)
    expected = recompute(tuple(recordings / file for file in REELS[name][2]))
    assert got.prints == expected.prints > 900
    assert got.synced is expected.synced
    assert got.book_checks == expected.checks
    assert got.book_checks == 0 or got.book_checks > 100
    assert got.book_checks > 0 or not expected.synced
    assert (got.book_mismatches, expected.mismatches) == (0, 0)
    assert (got.sequence_breaks, got.crossed, got.ignored) == (0, 0, 0)
    assert got.verdicts == ({"out_of_order": expected.old_quotes} if expected.old_quotes else {})


@pytest.mark.parametrize(
    "name", ["spot ETHUSDT, two days", "usdm BTCUSDT, two days", "usdm ETHUSDT", "coinm ETHUSD_PERP"]
)
def test_every_level_is_that_of_the_naive_book(name: str, recordings: Path) -> None:
    venue, symbol, files = REELS[name]
    paths = tuple(recordings / file for file in files)
    machine = BinanceMachine(VENUES[venue], {symbol: 0}, Gate(RecordBuffer()))
    plain, compiled = Market(), CompiledMarket()
    for data in ReelConnector(machine, paths).batches():
        plain.apply(data)
        compiled.apply(as_records(data))
    assert plain.state_hash() == compiled.state_hash() == replayed(name, recordings).state_hash
    (view,) = plain.views()
    price, size = 10**view.instrument.price_scale, 10**view.instrument.size_scale
    expected = recompute(paths)
    assert [(Fraction(p, price), Fraction(s, size)) for p, s in view.bids] == expected.bids
    assert [(Fraction(p, price), Fraction(s, size)) for p, s in view.asks] == expected.asks


@pytest.mark.parametrize("name", REELS)
def test_state_hash_is_the_pinned_one(name: str, recordings: Path) -> None:
    pinned: dict[str, str] = json.loads(PINNED.read_text(encoding="utf-8")) if PINNED.exists() else {}
    got = replayed(name, recordings).state_hash
    if os.environ.get("ACCEPT_GOLDEN"):
        PINNED.write_text(json.dumps(pinned | {name: got}, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    else:
        assert got == pinned[name]
