"""What `papertape record` holds in memory: many symbols of the exchange in a box, each program a process of its own.

    python3 x.py bench --memory
    python3 x.py bench --memory --symbols 50 --seconds 300 --json

Spot snapshots of 50 symbols take three minutes, since the venue's weights allow no more; until a symbol has its own, its depth
events are held, which is when memory is at its highest. `peak` is over the whole run, `steady` the median of its last
quarter. Packages that only other commands need are told by the libraries that the process has mapped. Linux only.
Ends with 1 when memory exceeded the limit, or such a package was loaded.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from soak import free_port

from papertape.venue.synthetic.listings import first_symbols

HEAVY = ("llvmlite", "numba", "pandas", "pyarrow", "scipy")
SAMPLE_S = 1.0


def status_mb(pid: int, field: str) -> float:
    """A field of the process's status, in MB: VmRSS now, or VmHWM, the most so far."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition(f"{field}:")[2].split()[0]) * 1024 / 1e6


def heavy_packages(pid: int) -> list[str]:
    """Those of HEAVY that the process has loaded; each brings libraries of its own."""
    maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")
    return [name for name in HEAVY if f"/{name}/" in maps or f"/{name}.libs/" in maps]


def watched(recorder: "subprocess.Popen[str]", seconds: float) -> dict[str, Any]:
    """Memory of the recorder until it ends."""
    samples, peak, heavy = [], 0.0, []
    ends = time.monotonic() + seconds
    while recorder.poll() is None:
        try:
            samples.append(status_mb(recorder.pid, "VmRSS"))
            # The system brings the most so far up to date now and then only.
            peak, heavy = max(status_mb(recorder.pid, "VmHWM"), *samples), heavy_packages(recorder.pid)
        except (FileNotFoundError, IndexError):
            break  # it ended meanwhile, and tells no memory any more
        sys.stderr.write(f"\r{max(ends - time.monotonic(), 0):5.0f} s left  {samples[-1]:6.1f} MB")
        time.sleep(SAMPLE_S)
    sys.stderr.write("\n")
    output, _ = recorder.communicate()
    if recorder.returncode:
        raise SystemExit(f"papertape record: expected to end well, was exit code {recorder.returncode}")
    told = json.loads(output)
    return {
        "peak_rss_mb": round(peak, 1),
        "steady_rss_mb": round(statistics.median(samples[len(samples) * 3 // 4 :]), 1),
        "heavy_packages": heavy,
        "market_records": told["market_records"],
        "books": sum(one["update_id"] is not None for one in told["symbols"]),
        "frames": told["frames"],
    }


def measure(args: argparse.Namespace) -> dict[str, Any]:
    port = free_port()
    papertape = (sys.executable, "-m", "papertape")
    market = ("--seed", "7", "--symbols", str(args.symbols), "--venue", args.venue, "--speed", str(args.speed))
    names = ",".join(first_symbols(args.symbols))
    box = subprocess.Popen([*papertape, "venue", *market, "--port", str(port)], stdout=subprocess.DEVNULL)
    try:
        with tempfile.TemporaryDirectory(prefix="papertape-memory-") as folder:
            where = ("--ws-url", f"ws://127.0.0.1:{port}", "--rest-url", f"http://127.0.0.1:{port}")
            what = ("--venue", args.venue, "--symbols", names, "--tape", f"{folder}/tape", "--json")
            command = [*papertape, "record", *what, *where, "--seconds", str(args.seconds)]
            with (
                (Path(folder) / "log").open("w", encoding="utf-8") as log,
                subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as recorder,
            ):
                return {"symbols": args.symbols, "seconds": args.seconds, **watched(recorder, args.seconds)}
    finally:
        box.terminate()
        box.wait()


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--speed", type=float, default=1.0, help="of the market, 1 is real time")
    parser.add_argument("--venue", choices=("binance-spot", "binance-usdm"), default="binance-spot")
    parser.add_argument("--limit-mb", type=float, default=100.0)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(argv)
    result = measure(args)
    print(json.dumps(result) if args.json else "\n".join(f"{name:16} {value}" for name, value in result.items()))
    return int(result["peak_rss_mb"] > args.limit_mb or bool(result["heavy_packages"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
