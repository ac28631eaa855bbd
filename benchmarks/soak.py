"""A recorder over real sockets for minutes, with cuts: memory must stay flat, no task be left over, and the tape verify.

    python benchmarks/soak.py
    python benchmarks/soak.py --minutes 60 --symbols 5 --speed 6

The exchange in a box plays a synthetic market; between it and the recorder stands a wire that is cut at random moments,
each time in one of three ways: reset, closed, or dead without a word. Ends with 1 when something is wrong.
"""

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from papertape.data.wire.binance.rules import VENUES
from papertape.runtime.recording import Recording, Source, listen, open_recording
from papertape.tape.verify import verify_tape
from papertape.venue.synthetic.listings import first_symbols

CUT_S = (15.0, 45.0)
"""Each cut costs a snapshot per symbol: more often, and the venue's weights hold the books back."""
SAMPLE_S = 5.0
SILENCE_S = 4.0
WARM_UP = 0.25
"""Share of the samples that memory may take to settle."""
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


async def run_wire(port: int, to_port: int, seed: int) -> None:
    wire = Wire(to_port, seed)
    server = await asyncio.start_server(wire.serve, "127.0.0.1", port)
    async with server:
        await wire.cut()


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


def judge(samples: Sequence[Sample], tape: Path, recording: Recording) -> list[str]:
    wrong = []
    settled = samples[int(len(samples) * WARM_UP) :]
    half = len(settled) // 2
    before, after = (sum(one.rss_mb for one in part) / len(part) for part in (settled[:half], settled[half:]))
    if after - before > GROWTH_MB_MAX:
        wrong.append(f"memory grew from {before:.1f} to {after:.1f} MB")
    least, late = (min(one.tasks for one in part) for part in (settled[:half], settled[half:]))
    if late > least + 1 or max(one.tasks for one in samples) > least + BURST_TASKS:
        wrong.append(f"tasks are left over: {least} at first, {late} later")
    report = verify_tape(tape)
    wrong += [f"verify: {one}" for one in report.findings]
    if recording.intake.market.counts().book_mismatches:
        wrong.append("a book differs from the venue's quotes")
    return wrong


def arguments(argv: Sequence[str]) -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--symbols", type=int, default=5)
    parser.add_argument("--speed", type=float, default=6.0)
    parser.add_argument("--venue", choices=list(VENUES), default="binance-spot")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--verbose", action="store_true", help="tell every note of the recorder")
    parser.add_argument("--wire", type=int, nargs=2, metavar=("PORT", "TO"), help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    args = arguments(argv)
    if args.wire:
        asyncio.run(run_wire(*args.wire, args.seed))
        return 0
    wire_port, box_port = free_port(), free_port()
    box = ("-m", "papertape", "venue", "--seed", str(args.seed), "--symbols", str(args.symbols), "--venue", args.venue)
    box = (*box, "--speed", str(args.speed), "--port", str(box_port))
    wire = (__file__, "--wire", str(wire_port), str(box_port), "--seed", str(args.seed))
    children = [subprocess.Popen([sys.executable, *command], stdout=sys.stderr) for command in (box, wire)]
    samples: list[Sample] = []
    try:
        with tempfile.TemporaryDirectory(prefix="papertape-soak-") as folder:
            tape = Path(folder) / "tape"
            recording = asyncio.run(record(args, tape, (wire_port, box_port), samples))
            wrong = judge(samples, tape, recording)
    finally:
        for child in children:
            child.terminate()
            child.wait()
    frames, seconds = samples[-1].frames, samples[-1].at_s
    print(
        f"{seconds:.0f} s, {frames} frames, {frames / seconds:.0f} msg/s on average, {recording.intake.next_seq} records"
    )
    print(f"{recording.session.links.reconnects} reconnects, {recording.recorder.resyncs} resyncs")
    missing = sum(feed.trade_ids.missing for feed in recording.machine.feeds.values())
    print(f"{missing} prints are missing, each named by a GAP")
    print(f"memory {samples[0].rss_mb:.1f} MB at first, {samples[-1].rss_mb:.1f} MB at the end")
    print(f"tasks {min(one.tasks for one in samples)} to {max(one.tasks for one in samples)}")
    print(f"socket to tape, us: {recording.intake.latency.summary()}")
    print("all good" if not wrong else "wrong: " + "; ".join(wrong))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
