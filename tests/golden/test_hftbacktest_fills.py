"""The same 228 orders on the same recording as hftbacktest 2.4.4 filled them (risk-averse queue, no latency, no partial fills).

Its fills are a bracket, not the truth. It sees depth and trades in the order of the venue's stamps, papertape in the
order of arrival and best prices as well. The bounds are what was measured; a change that falls below them needs a reason.
"""

import csv
from collections import Counter
from pathlib import Path

import pytest

from papertape.core.actions import Replay
from papertape.runtime.replay import run
from papertape.runtime.shell import Shell

pytestmark = pytest.mark.recordings
STATUSES = {"1": "by_request", "2": "would_take", "3": ""}
"""Theirs, and the reason that papertape gives for the same: open until it was cancelled, refused as it would take, filled."""
STAY_NS = 2_000_000_000
MS_NS = 1_000_000


@pytest.mark.parametrize(("priced", "agree_min"), [("as theirs", 220), ("at the best price", 223)])
def test_orders_end_as_in_hftbacktest(recordings: Path, tmp_path: Path, priced: str, agree_min: int) -> None:
    folder = recordings.parent / "reference-computed"
    file = folder / "hftbacktest_fills_ethusdt_20240808_risk_adverse_queue_model.csv"
    if not file.is_file():
        pytest.skip(f"reference values are absent: no {file}")
    with file.open(encoding="utf-8") as stream:
        theirs = list(csv.DictReader(stream))
    fills, results = ours(recordings, tmp_path, theirs, at_best=priced != "as theirs")
    assert fills == sum(one["status"] == "filled" for one in results)
    pairs = Counter((STATUSES[one["status"]], other["reason"]) for one, other in zip(theirs, results, strict=True))
    assert sum(count for (a, b), count in pairs.items() if a == b) >= agree_min, pairs
    if priced == "as theirs":
        filled = [
            (one, other)
            for one, other in zip(theirs, results, strict=True)
            if one["status"] == "3" and other["status"] == "filled"
        ]
        assert all(float(one["exec_price"]) == float(other["exec_price"]) for one, other in filled)


def ours(
    recordings: Path, folder: Path, theirs: list[dict[str, str]], *, at_best: bool
) -> tuple[int, list[dict[str, str]]]:
    """How many fills papertape makes of their orders, and what becomes of each."""
    orders = folder / "orders.csv"
    lines = ["ts_ns,account,side,type,price,size,tif,cancel_ts_ns"]
    for one in theirs:
        side, best = ("buy", "bid") if one["side"] == "1" else ("sell", "ask")
        # Their times went through floats: they are whole milliseconds.
        ts_ns = round(int(one["submit_ts_ns"]) / MS_NS) * MS_NS
        price = best if at_best else one["price"]
        lines.append(f"{ts_ns},{side}er,{side},limit,{price},0.001,post_only,{ts_ns + STAY_NS}")
    orders.write_text("\n".join(lines), encoding="utf-8")
    request = Replay(
        reel=[str(recordings / "usdm" / "ethusdt_20240808.gz")],
        venue="binance-usdm",
        symbol="ETHUSDT",
        orders=str(orders),
        fills=str(folder / "fills.csv"),
        models="hftbacktest-riskadverse",
    )
    result = run(request, Shell()).response
    assert result.orders == len(theirs)
    with (folder / "fills.csv").open(encoding="utf-8") as stream:
        return result.fills, list(csv.DictReader(stream))
