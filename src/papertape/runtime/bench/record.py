"""`papertape bench record`: socket, decode, gate, tape, book, in one process; the sender is another one."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any, cast

from papertape.core.actions import BenchRecord, BenchRecordResult
from papertape.core.records import RecordBuffer
from papertape.data.connectors.aiohttp_client import AiohttpClient
from papertape.data.connectors.binance_session import BinanceSession, Network
from papertape.data.connectors.picows_transport import PicowsTransport
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import SPOT
from papertape.runtime.bench.memory import peak_rss_mb
from papertape.runtime.clocks import UtcClock
from papertape.runtime.loops import run_async
from papertape.runtime.outcome import Outcome
from papertape.runtime.recorder import Recorder
from papertape.runtime.shell import Shell
from papertape.runtime.tape_intake import TapeIntake
from papertape.tape.market_writer import MarketWriter


def run(request: BenchRecord, shell: Shell) -> Outcome[BenchRecordResult]:
    """Handle a `BenchRecord` request."""
    command = [sys.executable, "-m", "papertape.runtime.bench.blaster", str(request.frames), str(request.rate)]
    # Its standard input is ours to close: that ends it, however we end.
    read_end, write_end = os.pipe()
    with subprocess.Popen(command, stdin=read_end, stdout=subprocess.PIPE, text=True) as blaster:
        os.close(read_end)
        try:
            port = int(cast("IO[str]", blaster.stdout).readline())
            with tempfile.TemporaryDirectory() as folder:
                return Outcome(run_async(_measure(request.frames, port, Path(folder))))
        finally:
            os.close(write_end)


async def _measure(frames: int, port: int, folder: Path) -> BenchRecordResult:
    machine = BinanceMachine(SPOT, {"ETHUSDT": 0}, Gate(RecordBuffer()))
    ended = asyncio.Event()
    started: list[tuple[int, int]] = []

    def after_take() -> None:
        if not started:
            started.append((time.perf_counter_ns(), time.process_time_ns()))
        if machine.frames >= frames:
            ended.set()

    with MarketWriter.open(folder / "tape") as writer:
        clock = UtcClock()
        intake = TapeIntake(machine.gate, writer, clock)
        recorder = Recorder(machine, intake, None, lambda *_, **__: None)
        async with AiohttpClient() as http:
            network = Network((f"ws://127.0.0.1:{port}",), f"http://127.0.0.1:{port}", PicowsTransport(), http, 30)
            session = BinanceSession(machine, recorder, network, clock.now_ns, lambda *_, **__: None)
            await session.list_symbols()
            intake.after_flush = after_take
            async with asyncio.TaskGroup() as group:
                running = group.create_task(session.run())
                ends: list[asyncio.Future[Any]] = [group.create_task(ended.wait()), intake.failed]
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                wall_ns = time.perf_counter_ns() - started[0][0]
                cpu_ns = time.process_time_ns() - started[0][1]
                running.cancel()
    return BenchRecordResult(
        frames_per_s=round(frames * 1e9 / wall_ns, 0),
        cpu_us_per_frame=round(cpu_ns / frames / 1000, 2),
        latency_us=intake.latency.summary(),
        peak_rss_mb=peak_rss_mb(),
    )
