"""Many simulated worlds, one after another: `python -m papertape.testing.soak --seeds 0-999`.

Each world that is not good is told with its seed and how to run it again; the exit code is then 1.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from papertape.testing.world import WorldReport, run_world

SEEDS = "0-999"
LOG_FOR_WORLDS_MAX = 3
"""With so few worlds, the log of each one that is not good is told as well."""


def live_through(seed: int) -> WorldReport:
    """The world `seed`, on a tape that is deleted afterwards; an error that ends it is its finding."""
    with tempfile.TemporaryDirectory(prefix="papertape-world-") as folder:
        return run_world(seed, Path(folder))


def seeds_of(text: str) -> range:
    """`17`, or `0-999` with both ends. Raises ArgumentTypeError for anything else."""
    first, dash, last = text.partition("-")
    if not first.isdecimal() or (dash and not last.isdecimal()) or int(last or first) < int(first):
        raise argparse.ArgumentTypeError(f"expected seeds such as 17 or 0-999, was {text!r}")
    return range(int(first), int(last or first) + 1)


def main(argv: Sequence[str]) -> int:
    """Live through all worlds asked for; 1 when one was not good."""
    parser = argparse.ArgumentParser(prog="x.py soak", description="Run recorders through simulated worlds.")
    parser.add_argument("--seeds", type=seeds_of, default=seeds_of(SEEDS), help="one seed, or first-last (0-999)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    args = parser.parse_args(argv)
    started_s = time.monotonic()
    bad: list[int] = []
    totals: Counter[str] = Counter()
    for number, report in enumerate(_reports(args.seeds, args.jobs), 1):
        if report.findings:
            bad.append(report.seed)
            _say(report.text)
            if len(args.seeds) <= LOG_FOR_WORLDS_MAX:
                _say("\n".join(report.log))
        for name in (
            "frames",
            "records",
            "prints",
            "backfilled",
            "unhealed",
            "resyncs",
            "reconnects",
            "books_compared",
        ):
            totals[name] += getattr(report, name)
        _progress(number, len(args.seeds), len(bad), time.monotonic() - started_s)
    told = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in totals.items())
    _say(f"{len(args.seeds)} worlds, {len(bad)} not good, in {time.monotonic() - started_s:.0f} s; {told}")
    return int(bool(bad))


def _reports(seeds: range, jobs: int) -> Iterator[WorldReport]:
    if jobs <= 1 or len(seeds) == 1:
        yield from map(live_through, seeds)
        return
    with ProcessPoolExecutor(min(jobs, len(seeds))) as pool:
        yield from pool.map(live_through, seeds)


def _progress(done: int, all_of_them: int, bad: int, took_s: float) -> None:
    left_s = took_s / done * (all_of_them - done)
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done} of {all_of_them} worlds, {bad} not good, {left_s:.0f} s left ")
        sys.stderr.write("\n" if done == all_of_them else "")
    elif done % 50 == 0:
        sys.stderr.write(f"{done} of {all_of_them} worlds, {bad} not good, {left_s:.0f} s left\n")
    sys.stderr.flush()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
