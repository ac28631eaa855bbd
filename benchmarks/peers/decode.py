"""Microseconds per recorded frame, from its text to typed values: papertape's Binance path beside those of peers.

The frames are those of a recording: quotes (bookTicker), trades, and the depth events that follow its snapshot. Each side
has them in memory in the form in which its WebSocket client gives them, with its book at the snapshot. No socket, no file.

- papertape: decode, follow the ids, exact integers, judge, pack records. `papertape-books` also keeps what
  `papertape record` keeps from them, in plain Python: the book, and its audit against the quotes.
- cryptofeed: `message_handler` of its feed: Decimal objects, books, a callback that counts.
- ccxt.pro: its client's way in, down to `handle_message`: dicts of floats, books as sorted lists.
- nautilus_trader: `_handle_ws_message` of its data client: its tick objects, and of depth its delta objects; it keeps no
  book here.

What a side made of the frames is compared with what a plain reading by `json` and `Decimal` says: how many events and levels,
the sums of all prices and sizes, the last values, and the whole book at the end, as far as the side has them. Any
difference ends the program without figures. Sums are taken in a round of their own, that is not timed.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import environment
from decode_frames import KINDS, MARKETS, Answer, Input, figures_of_levels, write_input

from papertape.tape.reels import Frame, read_reel

HERE = Path(__file__).resolve().parent
RECORDINGS = environment.ROOT.parent / "shared/data/hftbacktest"
SIDES = ("papertape", "papertape-books", "cryptofeed", "ccxt", "nautilus")
SYMBOL, BASE, QUOTE = "ETHUSDT", "ETH", "USDT"


class Recording(NamedTuple):
    """A market's frames by kind, and the snapshot that its depth events follow."""

    frames: dict[str, list[Frame]]
    snapshot: bytes


def recorded(reel: Path) -> Recording:
    """The frames of a reel; depth events older than the snapshot, or without a level, are left out."""
    frames: dict[str, list[Frame]] = {kind: [] for kind in KINDS}
    snapshot = b""
    waiting: list[Frame] = []
    for frame in read_reel([reel]):
        if frame.payload.startswith(b'{"lastUpdateId"'):
            snapshot = snapshot or frame.payload
            continue
        channel = frame.payload.partition(b"@")[2].partition(b'"')[0].partition(b"@")[0].decode()
        kind = {"bookTicker": "quotes", "trade": "trades", "depth": "depth"}[channel]
        (waiting if kind == "depth" else frames[kind]).append(frame)
    last_id = json.loads(snapshot)["lastUpdateId"]
    for frame in waiting:
        event = json.loads(frame.payload)["data"]
        if event["u"] > last_id and event["b"] + event["a"]:
            frames["depth"].append(frame)
    return Recording(frames, snapshot)


def scaled(text: str, decimals: int) -> int:
    return int(Decimal(text).scaleb(decimals))


def expected(made: Input, recording: Recording) -> dict[str, Answer]:
    """What a plain reading of the frames says."""

    def read(kind: str) -> Iterator[Any]:
        return (json.loads(frame.payload)["data"] for frame in recording.frames[kind])

    def numbers(event: Any, prices: str, sizes: str) -> tuple[list[int], list[int]]:
        return [scaled(event[key], made.price_decimals) for key in prices], [
            scaled(event[key], made.size_decimals) for key in sizes
        ]

    answers: dict[str, Answer] = {}
    for kind, prices, sizes in (("quotes", "ba", "BA"), ("trades", "p", "q")):
        rows = [numbers(event, prices, sizes) for event in read(kind)]
        totals = {"price_sum": sum(sum(row[0]) for row in rows), "size_sum": sum(sum(row[1]) for row in rows)}
        answers[kind] = {"events": len(rows), **totals, "last": [*rows[-1][0], *rows[-1][1]]}
    book: dict[str, dict[int, int]] = {"b": {}, "a": {}}
    totals = {"events": 0, "levels": 0, "price_sum": 0, "size_sum": 0}

    def take(side: str, levels: list[list[str]]) -> None:
        for price, size in ((scaled(p, made.price_decimals), scaled(s, made.size_decimals)) for p, s in levels):
            totals["levels"] += 1
            totals["price_sum"] += price
            totals["size_sum"] += size
            book[side].pop(price, None)
            if size:
                book[side][price] = size

    start = json.loads(recording.snapshot)
    take("b", start["bids"])
    take("a", start["asks"])
    totals = dict.fromkeys(totals, 0)
    for event in read("depth"):
        totals["events"] += 1
        take("b", event["b"])
        take("a", event["a"])
    answers["depth"] = {**totals, "book": figures_of_levels(book["b"].items(), book["a"].items())}
    return answers


def judge(side: str, kind: str, answer: Answer, known: Answer) -> None:
    """End the program unless all that a side says of a kind is as it is known; it must say how many events there were."""
    said = {name: answer[name] for name in known if answer.get(name) is not None}
    right = {name: known[name] for name in said}
    if said != right or "events" not in said or not said.keys() & {"price_sum", "book"}:
        raise SystemExit(f"{side}, {kind}: expected {known}, was {answer}")


def measure(market: str, reel: Path, rounds: int) -> dict[str, Answer]:
    """A row per side: µs per frame of each kind, and per level of a depth event."""
    recording = recorded(reel)
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        made = write_input(Path(folder), market, SYMBOL, (BASE, QUOTE), recording.frames, recording.snapshot)
        known = expected(made, recording)
        for side in SIDES:
            script = str(HERE / f"decode_{side.partition('-')[0]}_side.py")
            python = sys.executable if side.startswith("papertape") else environment.PYTHON
            answers = environment.answer_of(python, script, folder, str(rounds), side)
            for kind in KINDS:
                judge(side, kind, answers[kind], known[kind])
            rows[f"{market} {side}"] = {f"{kind}_us": round(answers[kind]["us"], 2) for kind in KINDS}
    levels = known["depth"]["levels"] / known["depth"]["events"]
    sys.stderr.write(
        f"{market}, {reel.name}: "
        + ", ".join(f"{len(recording.frames[kind])} {kind}" for kind in KINDS)
        + f", {levels:.1f} levels per depth event\n"
    )
    for row in rows.values():
        row["level_us"] = round(row["depth_us"] / levels, 3)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Microseconds per recorded frame, from its text to typed values.")
    parser.add_argument("--recordings", type=Path, default=RECORDINGS, help="folder with spot/ and usdm/ reels")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    chosen = parser.parse_args()
    rows: dict[str, Any] = {}
    reels = {market: chosen.recordings / market / "ethusdt_20240808.gz" for market in MARKETS}
    absent = [str(reel) for reel in reels.values() if not reel.exists()]
    if absent:
        sys.stderr.write(f"decoding is not compared: expected the recordings {', '.join(absent)}, was nothing there\n")
    else:
        environment.ready()
        for market, reel in reels.items():
            rows |= measure(market, reel, chosen.rounds)
    if chosen.json:
        print(json.dumps(rows))
    elif rows:
        environment.show(rows)


if __name__ == "__main__":
    main()
