"""Frames per second from the socket to the handler: `papertape bench record` beside cryptofeed.

papertape decodes to exact integers, judges, writes the tape and keeps the latest quote; cryptofeed decodes
to Decimal objects and calls a callback that counts. One process each; the sender is another one.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import environment

HERE = Path(__file__).resolve().parent


def papertape(frames: int) -> dict[str, float]:
    """`bench record` ends only when its machine has taken all frames."""
    answer = environment.answer_of(sys.executable, "-m", "papertape", "bench", "record", f"--frames={frames}", "--json")
    return {name: answer[name] for name in ("frames_per_s", "cpu_us_per_frame")}


def cryptofeed(frames: int, python: Path) -> dict[str, float]:
    read_end, write_end = os.pipe()
    command = [sys.executable, str(HERE / "blaster_of_aggregates.py"), str(frames)]
    with subprocess.Popen(command, stdin=read_end, stdout=subprocess.PIPE, text=True) as blaster:
        os.close(read_end)
        try:
            port = blaster.stdout.readline().strip() if blaster.stdout else ""
            answer = environment.answer_of(python, str(HERE / "cryptofeed_side.py"), port, str(frames))
        finally:
            os.close(write_end)
    expected = {"quotes": frames - frames // 5, "trades": frames // 5}
    found = {name: answer[name] for name in expected}
    if found != expected:
        raise SystemExit(f"cryptofeed: expected {expected}, was {found}")
    return {
        "frames_per_s": round(frames * 1e9 / answer["wall_ns"], 0),
        "cpu_us_per_frame": round(answer["cpu_ns"] / frames / 1000, 2),
    }


def best(runs: list[dict[str, float]]) -> dict[str, float]:
    return max(runs, key=lambda run: run["frames_per_s"])


def measure(frames: int, rounds: int) -> dict[str, dict[str, Any]]:
    """The best round of each side, taken in turn, and how many times as fast papertape is."""
    python = environment.ready()
    pairs = [(papertape(frames), cryptofeed(frames, python)) for _ in range(rounds)]
    sides = {"papertape": best([ours for ours, _ in pairs]), "cryptofeed 2.4.1": best([peer for _, peer in pairs])}
    ours = sides["papertape"]["frames_per_s"]
    return {name: {**side, "papertape_ratio": round(ours / side["frames_per_s"], 2)} for name, side in sides.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Frames per second from the socket to the handler.")
    parser.add_argument("--frames", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    chosen = parser.parse_args()
    result = measure(chosen.frames, chosen.rounds)
    print(json.dumps(result)) if chosen.json else environment.show(result)
