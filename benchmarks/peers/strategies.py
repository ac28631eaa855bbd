"""Quotes per second through a strategy: papertape, nautilus_trader and hftbacktest on the same quotes, by the same rules.

Three cases. `bars`: 1-minute bars of the bid, made inside the engine; at a bar's close one lot is bought at market
when it closed higher than the one before and no lot is held, and sold when it closed lower and one is held.
`callback`: a callback at every quote, which counts. `requote`: at every hundredth quote the buy order that rests is
cancelled and a new one of one lot is placed, post-only, five ticks below the best bid. No latency, no fees; a resting
order fills at its own price once the best ask is at it or below.

All sides must end with the same bars, orders, fills, position and cash, or there are no figures. Bars and their trades
are judged by numpy: at papertape a bar is closed by the first quote after it, and the order is filled there; the
others close it by a clock, and fill at the quote before. hftbacktest has no bars: its strategy makes them at every
quote; `steps-1` and `steps-60` look once a second and once a minute, which gives the same closes and trades and other
highs and lows. nautilus_trader replays fewer quotes, since it is slow.

hftbacktest's strategies are compiled, nautilus_trader's are Python. `papertape_ratio` is papertape's quotes per second
by those of the row's side, with a strategy of the same kind (`-compiled` or Python; bars are Python's).
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import environment
import numpy as np
import quotes
from replay import RECORDED
from side import REQUOTE_EVERY, digest

HERE = Path(__file__).resolve().parent
CASES = ("bars", "callback", "requote")
STEPS = ("steps-1", "steps-60")
COMPILED = "-compiled"
TRADED = ("orders", "fills", "position", "cash")
SHOWN = ("quotes_per_s", "quotes", "bars", "orders", "fills", "peak_rss_mb", "papertape_ratio")

Answer = dict[str, Any]


def papertape(made: Path, case: str) -> Answer:
    return environment.answer_of(sys.executable, str(HERE / "papertape_side.py"), str(made / "quotes.npy"), case)


def nautilus(made: Path, case: str) -> Answer:
    return environment.answer_of(environment.PYTHON, str(HERE / "nautilus_side.py"), str(made / "quotes.npy"), case)


def hftbacktest(made: Path, case: str) -> Answer:
    script = str(HERE / "hftbacktest_strategy_side.py")
    return environment.answer_of(environment.PYTHON, script, str(made / "events.npy"), case)


def judge(name: str, expected: Answer, answer: Answer) -> None:
    """End the program unless the answer is as expected."""
    found = {field: answer[field] for field in expected}
    if found != expected:
        raise SystemExit(f"{name}: expected {expected}, was {found}")


def known(made: quotes.Quotes, side: str, case: str) -> Answer:
    """What an answer to a case must say whatever others say; closes decide the trades, so the steps are judged by them."""
    if case.startswith("callback"):
        return {"seen": len(made), "orders": 0}
    if case.startswith("requote"):
        return {"orders": len(made) // REQUOTE_EVERY}
    bars = quotes.bars_of(made)
    whole = {"bars_hash": digest(bars)} if case == "bars" else {}
    trades = quotes.bar_trades_of(made, closed_by_quote=side == "papertape")
    return {"bars": len(bars), "closes_hash": digest(bars[:, 3]), **whole, **trades}


def asked(case: str, *, slow: bool) -> list[tuple[str, str, Callable[[Path, str], Answer]]]:
    """Side, case as it is called there, and how it is asked."""
    steps = STEPS if case == "bars" and not slow else ()
    compiled = () if case == "bars" else (case + COMPILED,)
    ours = [("papertape", one, papertape) for one in (case, *compiled)]
    theirs = [("hftbacktest", one, hftbacktest) for one in (case, *steps)]
    return [*ours, *([("nautilus", case, nautilus)] if slow else []), *theirs]


def rows_of(made: quotes.Quotes, *, slow: bool) -> dict[str, Answer]:
    """The answers of all sides on the same quotes, in turn; `slow` asks nautilus_trader, and no steps."""
    rows: dict[str, Answer] = {}
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "quotes.npy", made)
        np.save(Path(folder) / "events.npy", quotes.events_of(made))
        for case in CASES:
            traded: Answer = {}
            for side, kind, ask in asked(case, slow=slow):
                answer = ask(Path(folder), kind)
                judge(f"{side} {kind}, {len(made):,} quotes", traded | known(made, side, kind), answer)
                traded = {field: answer[field] for field in TRADED}
                rate = round(len(made) / answer["seconds"])
                rows[f"{side} {kind}"] = {"quotes": len(made), "quotes_per_s": rate, **answer}
    return rows


def measure(reel: Path | None, symbol: str, count: int, nautilus_count: int) -> dict[str, Answer]:
    """A row for each side and case; where a side was asked twice, that of all quotes."""
    environment.ready()
    made = quotes.make(reel, symbol, count)
    rows = rows_of(made[:nautilus_count], slow=True) | rows_of(made, slow=False)
    for name, row in rows.items():
        side, case = name.split()
        kind = "bars" if case in STEPS else case
        compiled = side == "hftbacktest" and kind != "bars"
        if side != "papertape":
            ours = rows[f"papertape {kind}{COMPILED if compiled else ''}"]
            row["papertape_ratio"] = round(ours["quotes_per_s"] / row["quotes_per_s"], 2)
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Quotes per second through a strategy.")
    parser.add_argument("--quotes", type=int, default=5_000_000, help="quotes of the fast sides")
    parser.add_argument("--nautilus-quotes", type=int, default=500_000, help="quotes of nautilus_trader")
    parser.add_argument("--reel", type=Path, default=RECORDED if RECORDED.exists() else None)
    parser.add_argument("--symbol", default="ETHUSDT")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    chosen = parser.parse_args()
    sys.stderr.write(f"quotes of {chosen.reel.name if chosen.reel else 'a made stream'}\n")
    result = measure(chosen.reel, chosen.symbol, chosen.quotes, min(chosen.nautilus_quotes, chosen.quotes))
    print(json.dumps(result)) if chosen.json else environment.show(
        {row: {name: answer[name] for name in SHOWN if name in answer} for row, answer in result.items()}
    )
