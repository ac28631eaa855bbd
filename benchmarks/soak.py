"""A recorder over real sockets for minutes, with cuts: memory must stay flat, no task be left over, and the tape verify.

    python benchmarks/soak.py
    python benchmarks/soak.py --minutes 60 --symbols 5 --speed 6 --faults

The exchange in a box plays a synthetic market; between it and the recorder stands a wire that is cut at random moments,
each time in one of three ways: reset, closed, or dead without a word. With --faults the box breaks as well: every now and
then a kind of fault of its list is drawn and posted to its control endpoint. The last line is a JSON object that sums the
run up. Ends with 1 when something is wrong.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from papertape.core.records import Flag, Kind
from papertape.data.wire.binance.rules import VENUES
from papertape.runtime.recording import Recording, Source, listen, open_recording
from papertape.tape.market_reader import MarketReader
from papertape.tape.verify import verify_tape
from papertape.venue.synthetic.listings import first_symbols

CUT_S = (15.0, 45.0)
"""Each cut costs a snapshot per symbol: more often, and the venue's weights hold the books back."""
FAULT_S = (20.0, 60.0)
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "drop", "how": "cut"},
    {"kind": "drop", "how": "reset"},
    {"kind": "drop", "how": "close"},
    {"kind": "rotation"},
    {"kind": "server_shutdown", "lead_s": 2},
    {"kind": "ping_timeout", "lasts_s": 5},
    {"kind": "half_open", "lasts_s": 8},
    {"kind": "slow_reader", "lasts_s": 5},
    {"kind": "giant_frame"},
    {"kind": "delay", "lasts_s": 5, "delay_ms": 300},
    {"kind": "jitter", "lasts_s": 5, "jitter_ms": 200},
    {"kind": "duplicate", "lasts_s": 5, "share": 0.1},
    {"kind": "reorder", "lasts_s": 5, "share": 0.02},
    {"kind": "gap", "lasts_s": 5, "share": 0.02},
    {"kind": "garbage", "lasts_s": 5, "share": 0.01},
    {"kind": "fragments", "lasts_s": 5, "share": 0.1},
    {"kind": "extra_keys", "lasts_s": 5, "share": 0.1},
    {"kind": "rate_limit", "lasts_s": 5, "retry_after_s": 2},
    {"kind": "ban", "lasts_s": 5},
    {"kind": "restricted", "lasts_s": 5},
    {"kind": "server_error", "lasts_s": 5},
    {"kind": "timeout", "lasts_s": 5, "wait_ms": 2000},
    {"kind": "stale_snapshot", "lasts_s": 5},
    {"kind": "clock_jump", "lasts_s": 5, "jump_ms": 60_000},
    {"kind": "maintenance", "lasts_s": 5},
)
"""Seconds are real ones here. Left out: `crossed`, by which the venue's own books and quotes contradict each other, which
is judged below; and `kline_final`, as no bars are recorded."""
SAMPLE_S = 5.0
SILENCE_S = 4.0
WARM_UP = 0.25
"""Share of the samples that memory may take to settle."""
JUDGED_FROM_S = 240.0
"""In less time memory does not settle, and whether tasks are left over cannot be told from how many happen to be at work."""
GROWTH_MB_MAX = 8.0
BURST_TASKS = 40
"""Tasks that a reconnection may have at work at once."""
CHUNK_BYTES = 1 << 16


class Sample(NamedTuple):
    """One look at the process."""

    at_s: float
    rss_mb: float
    tasks: int
    frames: int


class Wire:
    """A TCP proxy to `port` whose connections are cut at random."""

    def __init__(self, port: int, seed: int) -> None:
        self.cuts = {"reset": 0, "closed": 0, "dead": 0}
        self._port = port
        self._dice = random.Random(seed)
        self._pairs: dict[asyncio.StreamWriter, asyncio.Event] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self._port)
        dead = asyncio.Event()
        self._pairs[writer] = dead
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, upstream, dead))
                group.create_task(_pump(upstream_reader, writer, dead))
        finally:
            del self._pairs[writer]
            for one in (writer, upstream):
                one.close()

    async def cut(self) -> None:
        while True:
            await asyncio.sleep(self._dice.uniform(*CUT_S))
            if not self._pairs:
                continue
            writer = self._dice.choice(list(self._pairs))
            how = self._dice.choice(list(self.cuts))
            self.cuts[how] += 1
            if how == "reset":
                writer.transport.abort()
            elif how == "closed":
                writer.close()
            else:
                self._pairs[writer].set()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, dead: asyncio.Event) -> None:
    """Carry bytes; a dead wire takes them and brings none."""
    try:
        while data := await reader.read(CHUNK_BYTES):
            if not dead.is_set():
                writer.write(data)
                await writer.drain()
    except ConnectionError as error:
        sys.stderr.write(f"wire: {error}\n")
    finally:
        writer.close()


async def break_venue(port: int, seed: int, speed: float) -> None:
    """Post a fault now and then, until cancelled."""
    dice = random.Random(seed)
    while True:
        await asyncio.sleep(dice.uniform(*FAULT_S))
        fault = dict(dice.choice(FAULTS))
        # The box counts seconds of its market.
        fault |= {key: fault[key] * speed for key in ("lasts_s", "lead_s") if key in fault}
        await asyncio.to_thread(control, port, fault)


def control(port: int, fault: dict[str, Any] | None = None) -> Any:
    """What the box's control endpoint answers to a fault, or to the question what happened."""
    url, body = f"http://127.0.0.1:{port}/control", None
    if fault is not None:
        url, body = f"{url}/faults", json.dumps(fault).encode()
    with urllib.request.urlopen(url, body, timeout=60) as answer:
        return json.load(answer)


async def run_wire(port: int, to_port: int, args: argparse.Namespace) -> None:
    wire = Wire(to_port, args.seed)
    server = await asyncio.start_server(wire.serve, "127.0.0.1", port)
    async with server, asyncio.TaskGroup() as group:
        group.create_task(wire.cut())
        if args.faults:
            group.create_task(break_venue(to_port, args.seed, args.speed))


def free_port() -> int:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def rss_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024 / 1e6


async def watch(recording: Recording, samples: list[Sample]) -> None:
    started_s = time.monotonic()
    while True:
        await asyncio.sleep(SAMPLE_S)
        tasks = len(asyncio.all_tasks())
        one = Sample(time.monotonic() - started_s, rss_mb(), tasks, recording.machine.frames)
        rate = (one.frames - (samples[-1].frames if samples else 0)) / SAMPLE_S
        samples.append(one)
        sys.stderr.write(
            f"{one.at_s:7.0f} s  {rate:7.0f} msg/s  {one.rss_mb:6.1f} MB  {one.tasks:3d} tasks"
            f"  {recording.session.links.reconnects} reconnects  {recording.recorder.resyncs} resyncs\n"
        )


async def record(args: argparse.Namespace, tape: Path, ports: tuple[int, int], samples: list[Sample]) -> Recording:
    wire_port, box_port = ports
    urls = ((f"ws://127.0.0.1:{wire_port}",), f"http://127.0.0.1:{box_port}")
    source = Source(VENUES[args.venue], tuple(first_symbols(args.symbols)), *urls, SILENCE_S)

    def note(event: str, **facts: object) -> None:
        if args.verbose:
            sys.stderr.write(f"{event} {facts}\n")

    async with open_recording(source, tape, None, note) as recording, asyncio.TaskGroup() as group:
        watching = group.create_task(watch(recording, samples))
        await listen(recording, args.minutes * 60)
        watching.cancel()
    return recording


def judge_course(samples: Sequence[Sample]) -> list[str]:
    """What is wrong with the course of memory and tasks."""
    wrong = []
    settled = samples[int(len(samples) * WARM_UP) :]
    half = len(settled) // 2
    before, after = (sum(one.rss_mb for one in part) / len(part) for part in (settled[:half], settled[half:]))
    if after - before > GROWTH_MB_MAX:
        wrong.append(f"memory grew from {before:.1f} to {after:.1f} MB")
    least, late = (min(one.tasks for one in part) for part in (settled[:half], settled[half:]))
    if late > least + 1 or max(one.tasks for one in samples) > least + BURST_TASKS:
        wrong.append(f"tasks are left over: {least} at first, {late} later")
    return wrong


def gaps_on(tape: Path) -> tuple[int, int]:
    """GAP records of prints on the tape, and prints that were fetched afterwards."""
    told = healed = 0
    for batch in MarketReader.open(tape).batches():
        records = batch.records
        told += int(((records["kind"] == Kind.GAP) & (records["id"] == Kind.PRINT)).sum())
        healed += int(((records["kind"] == Kind.PRINT) & (records["flags"] & int(Flag.BACKFILL) != 0)).sum())
    return told, healed


def summary(samples: Sequence[Sample], tape: Path, recording: Recording, report: Any) -> dict[str, Any]:
    """The run in one object; `report` is what the box's control endpoint tells."""
    findings = [str(one) for one in verify_tape(tape).findings]
    is_long = samples[-1].at_s >= JUDGED_FROM_S
    wrong = judge_course(samples) if is_long else []
    wrong += [f"verify: {one}" for one in findings]
    if recording.intake.market.counts().book_mismatches:
        wrong.append("a book differs from the venue's quotes")
    limits = {name: count for name, count in report["rate_violations"].items() if count}
    if limits:
        wrong.append(f"the venue's limits were broken: {limits}")
    told, healed = gaps_on(tape)
    frames, seconds = samples[-1].frames, samples[-1].at_s
    latency = recording.intake.latency.summary()
    return {
        "seconds": round(seconds),
        "frames": frames,
        "frames_per_s": round(frames / seconds),
        "records": recording.intake.next_seq,
        "faults": dict(sorted(Counter(one["kind"] for one in report["faults"]).items())),
        "reconnects": recording.session.links.reconnects,
        "resyncs": recording.recorder.resyncs,
        "unreadable_frames": recording.machine.malformed,
        "print_gaps": told,
        "prints_healed": healed,
        "prints_left": sum(feed.trade_ids.missing for feed in recording.machine.feeds.values()),
        "rss_mb": {
            "first": round(samples[0].rss_mb, 1),
            "last": round(samples[-1].rss_mb, 1),
            "most": round(max(one.rss_mb for one in samples), 1),
        },
        "tasks": {"least": min(one.tasks for one in samples), "most": max(one.tasks for one in samples)},
        "latency_us": {"p50": latency.p50, "p99": latency.p99},
        "is_course_judged": is_long,
        "verify": findings,
        "wrong": wrong,
    }


def arguments(argv: Sequence[str]) -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--symbols", type=int, default=5)
    parser.add_argument("--speed", type=float, default=6.0)
    parser.add_argument("--venue", choices=list(VENUES), default="binance-spot")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--faults", action="store_true", help="break the venue at random, too")
    parser.add_argument("--verbose", action="store_true", help="tell every note of the recorder")
    parser.add_argument("--wire", type=int, nargs=2, metavar=("PORT", "TO"), help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    args = arguments(argv)
    if args.wire:
        asyncio.run(run_wire(*args.wire, args))
        return 0
    wire_port, box_port = free_port(), free_port()
    market = ("--seed", str(args.seed), "--speed", str(args.speed))
    box = ("-m", "papertape", "venue", *market, "--symbols", str(args.symbols), "--venue", args.venue)
    wire = (__file__, *market, *(["--faults"] if args.faults else []), "--wire", str(wire_port), str(box_port))
    commands = ((*box, "--port", str(box_port)), wire)
    children = [subprocess.Popen([sys.executable, *command], stdout=sys.stderr) for command in commands]
    samples: list[Sample] = []
    try:
        with tempfile.TemporaryDirectory(prefix="papertape-soak-") as folder:
            tape = Path(folder) / "tape"
            recording = asyncio.run(record(args, tape, (wire_port, box_port), samples))
            told = summary(samples, tape, recording, control(box_port))
    finally:
        for child in children:
            child.terminate()
            child.wait()
    sys.stderr.write("all good\n" if not told["wrong"] else "wrong: " + "; ".join(told["wrong"]) + "\n")
    print(json.dumps(told))
    return int(bool(told["wrong"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
