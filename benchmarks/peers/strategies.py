"""Quotes per second through a strategy: nautilus_trader and hftbacktest on the same quotes, by the same rules.

Three cases. `bars`: 1-minute bars of the bid, made inside the engine; at a bar's close one lot is bought at market
when it closed higher than the one before and no lot is held, and sold when it closed lower and one is held.
`callback`: a callback at every quote, which counts. `requote`: at every hundredth quote the buy order that rests is
cancelled and a new one of one lot is placed, post-only, five ticks below the best bid. No latency, no fees; a resting
order fills at its own price once the best ask is at it or below.

All sides must end with the same bars, orders, fills, position and cash, or there are no figures; the bars are judged
by numpy. hftbacktest has no bars: its strategy makes them at every quote; `steps-1` and `steps-60` look once a
second and once a minute, which gives the same closes and trades and other highs and lows. nautilus_trader replays
fewer quotes, since it is slow.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import environment
import numpy as np
import quotes
from replay import RECORDED
from side import digest

HERE = Path(__file__).resolve().parent
CASES = ("bars", "callback", "requote")
STEPS = ("steps-1", "steps-60")
TRADED = ("orders", "fills", "position", "cash")
SHOWN = ("quotes_per_s", "quotes", "bars", "orders", "fills", "peak_rss_mb", "papertape_ratio")

Answer = dict[str, Any]


def papertape(_file: Path, _count: int, _case: str) -> Answer | None:
    """SEAM: papertape's side, None as long as it has no engine.

    It is given the file of quotes (`side.QUOTE_DTYPE`), how many of them to replay and the case, and answers what
    `side.answer` prints: seconds, bars, bars_hash, closes_hash, seen, orders, fills, position, cash, peak_rss_mb.
    """
    return None


def nautilus(file: Path, count: int, case: str) -> Answer:
    return environment.answer_of(environment.PYTHON, str(HERE / "nautilus_side.py"), str(file), str(count), case)


def hftbacktest(file: Path, count: int, case: str) -> Answer:
    script = str(HERE / "hftbacktest_strategy_side.py")
    return environment.answer_of(environment.PYTHON, script, str(file), str(count), case)


def judge(bars: Any, count: int, case: str, answers: dict[str, Answer]) -> None:
    """End the program unless all answers to one case on `count` quotes are the same, and right where that is known."""
    expected: Answer = {"seen": count} if case in {"callback", "requote"} else {}
    if case not in {"callback", "requote"}:
        expected |= {"bars": len(bars), "closes_hash": digest(bars[:, 3])}
    if case == "bars":
        expected["bars_hash"] = digest(bars)
    first = next(iter(answers.values()))
    expected |= {name: first[name] for name in TRADED}
    for side, answer in answers.items():
        found = {name: answer[name] for name in expected}
        if found != expected:
            raise SystemExit(f"{side}, {case}, {count:,} quotes: expected {expected}, was {found}")


def answers_to(made: quotes.Quotes, file: Path, count: int, case: str, *, slow: bool) -> dict[str, Answer]:
    """The answers of the sides, taken in turn and judged; `slow` asks nautilus_trader as well."""
    sides = {"papertape": papertape, **({"nautilus_trader": nautilus} if slow else {}), "hftbacktest": hftbacktest}
    asked = {name: side(file, count, case) for name, side in sides.items() if not (case in STEPS and slow)}
    answers = {name: answer for name, answer in asked.items() if answer}
    judge(quotes.bars_of(made[:count]), count, case, answers)
    for answer in answers.values():
        answer |= {"quotes": count, "quotes_per_s": round(count / answer["seconds"])}
    return answers


def measure(reel: Path | None, symbol: str, count: int, nautilus_count: int) -> dict[str, Answer]:
    environment.ready()
    made = quotes.make(reel, symbol, count)
    rows: dict[str, Answer] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "quotes.npy"
        np.save(file, made)
        for case in CASES:
            # hftbacktest is asked twice: what it answers to all quotes is what counts.
            few = answers_to(made, file, nautilus_count, case, slow=True)
            for side, answer in (few | answers_to(made, file, count, case, slow=False)).items():
                rows[f"{side} {case}"] = answer
        bars = rows["hftbacktest bars"]
        for case in STEPS:
            answer = hftbacktest(file, count, case)
            answer |= {"quotes": count, "quotes_per_s": round(count / answer["seconds"])}
            judge(quotes.bars_of(made), count, case, {"hftbacktest bars": bars, "hftbacktest": answer})
            rows[f"hftbacktest {case}"] = answer
    for name, answer in rows.items():
        ours = rows.get(f"papertape {name.split()[1]}")
        if ours:
            answer["papertape_ratio"] = round(ours["quotes_per_s"] / answer["quotes_per_s"], 2)
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
