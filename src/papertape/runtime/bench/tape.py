"""`papertape bench tape`: appends with an explicit sync, appends in a row, and reading with every checksum."""

import tempfile
import time
from pathlib import Path

from papertape.core.actions import BenchTape, BenchTapeResult
from papertape.runtime.bench.market_stream import listing, quotes
from papertape.runtime.outcome import Outcome
from papertape.runtime.shell import Shell
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter

RECORDS_PER_APPEND = 100
THROUGHPUT_RECORDS = 2_000_000
THROUGHPUT_BLOCK = 1_000


def run(request: BenchTape, shell: Shell) -> Outcome[BenchTapeResult]:
    """Handle a `BenchTape` request; the tape is made in the working folder's file system and removed."""
    with tempfile.TemporaryDirectory(dir=".", prefix="papertape-bench-") as folder:
        durations_us = sorted(_synced_appends(Path(folder) / "synced", request.appends))
        written = _throughput(Path(folder) / "fast")
        read = _read(Path(folder) / "fast")
    result = BenchTapeResult(
        append_sync_us_p50=durations_us[len(durations_us) // 2],
        append_sync_us_p99=durations_us[len(durations_us) * 99 // 100],
        append_records_per_s=round(written, 0),
        read_records_per_s=round(read, 0),
    )
    return Outcome(result)


def _synced_appends(directory: Path, appends: int) -> list[float]:
    block = quotes(RECORDS_PER_APPEND)
    durations_us = []
    with MarketWriter.open(directory) as writer:
        writer.append(listing())
        for _ in range(appends):
            started = time.perf_counter_ns()
            writer.append(block)
            writer.sync()
            durations_us.append((time.perf_counter_ns() - started) / 1000)
    return durations_us


def _throughput(directory: Path) -> float:
    block = quotes(THROUGHPUT_BLOCK)
    with MarketWriter.open(directory) as writer:
        writer.append(listing())
        started = time.perf_counter()
        for _ in range(THROUGHPUT_RECORDS // THROUGHPUT_BLOCK):
            writer.append(block)
        writer.sync()
        return THROUGHPUT_RECORDS / (time.perf_counter() - started)


def _read(directory: Path) -> float:
    started = time.perf_counter()
    count = sum(len(batch.records) for batch in MarketReader.open(directory).batches())
    return count / (time.perf_counter() - started)
