"""Recorded streams with and without planted errors: the gate finds each of them, and nothing where there is none."""

import csv
import json
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pytest
import zstandard

from papertape.core.records import Verdict
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import SPOT, USDM
from tests.binance_frames import TS, combined, machine, taken

pytestmark = pytest.mark.recordings
Row = dict[str, str]


def rows(path: Path) -> list[Row]:
    with zstandard.open(path, "rt") as file:
        return list(csv.DictReader(file.read().splitlines()))


def trades(path: Path) -> Iterator[bytes]:
    for row in rows(path):
        data = {"e": "trade", "E": int(row["EventTime"]) // 1000, "T": int(row["TransactionTime"]) // 1000}
        data |= {
            "t": int(row["TradeId"]),
            "p": row["Price"],
            "q": row["Quantity"],
            "m": row["IsBuyerMarketMaker"] == "1",
        }
        yield combined("trx@trade", data | {"X": row.get("XUnknownParameter", "")})


def depths(path: Path) -> Iterator[bytes]:
    for (first, final), group in groupby(rows(path), key=lambda row: (row["FirstUpdateId"], row["FinalUpdateId"])):
        levels = list(group)
        last = levels[-1]
        data: dict[str, Any] = {
            "e": "depthUpdate",
            "E": int(last["EventTime"]) // 1000,
            "U": int(first),
            "u": int(final),
        }
        if "TransactionTime" in last:
            data |= {"T": int(last["TransactionTime"]) // 1000, "pu": int(last["FinalUpdateIdInLastStream"])}
        data |= {
            key: [[row["Price"], row["Quantity"]] for row in levels if row["IsAsk"] == side]
            for key, side in ("b0", "a1")
        }
        yield combined("trx@depth@100ms", data)


def played(frames: Iterator[bytes], *, spot: bool, start_at: int = 0) -> BinanceMachine:
    """The machine after `frames`, its book begun at `start_at` if given."""
    one = machine("TRX", rules=SPOT if spot else USDM, price_scale=5, size_scale=1)
    if start_at:
        one.take(TS, json.dumps({"lastUpdateId": start_at, "bids": [["0.1", "1"]], "asks": [["9", "1"]]}).encode())
    for frame in frames:
        one.take(TS, frame)
    return one


def found(one: BinanceMachine) -> dict[str, int]:
    return {str(bit.name): count for bit, count in one.gate.found.items() if count}


def file(recordings: Path, sign: str, kind: str, market: str) -> Path:
    symbol = {"spot": "spot_trxusdt", "coin_m_futures": "coin_m_futures_trxusd_perp"}[market]
    return (
        recordings.parent / "binance-data-processor" / f"test_{sign}_binance_{kind}_stream_{symbol}_04-03-2025.csv.zst"
    )


@pytest.mark.parametrize("market", ["spot", "coin_m_futures"])
def test_trades(recordings: Path, market: str) -> None:
    clean = played(trades(file(recordings, "positive", "trade", market)), spot=market == "spot")
    assert found(clean) == {}
    assert clean.feeds["TRX"].trade_ids.missing == 0
    path = file(recordings, "negative", "trade", market)
    planted = rows(path)
    ids = [int(row["TradeId"]) for row in planted]
    steps = [after - before for before, after in pairwise(ids)]
    assert any(step != 1 for step in steps)
    spoiled = played(trades(path), spot=market == "spot")
    assert spoiled.gate.found[Verdict.SEQUENCE_GAP] == sum(step > 1 for step in steps)
    assert spoiled.gate.found[Verdict.DUPLICATE] == sum(step == 0 for step in steps)
    bad = sum(float(row["Price"]) <= 0 or float(row["Quantity"]) <= 0 for row in planted)
    assert spoiled.gate.found[Verdict.NON_POSITIVE] == bad


@pytest.mark.parametrize("market", ["spot", "coin_m_futures"])
def test_depth(recordings: Path, market: str) -> None:
    spot = market == "spot"
    path = file(recordings, "positive", "difference_depth", market)
    first = rows(path)[0]
    start = int(first["FirstUpdateId"]) - 1 if spot else int(first["FinalUpdateIdInLastStream"])
    clean = played(depths(path), spot=spot, start_at=start)
    assert found(clean) == {}
    assert clean.feeds["TRX"].sync.synced
    path = file(recordings, "negative", "difference_depth", market)
    spoiled = played(depths(path), spot=spot, start_at=start)
    assert spoiled.gate.found[Verdict.SEQUENCE_GAP if spot else Verdict.OUT_OF_ORDER] > 0
    bad = sum(float(row["Price"]) <= 0 for row in rows(path))
    assert spoiled.gate.found[Verdict.NON_POSITIVE] == bad > 0
    assert len(taken(spoiled)) > bad
