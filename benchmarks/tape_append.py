"""How fast the tape is: small synced appends, appends without a sync, reading and checking.

Run as a script it prints one JSON object. Figures of small synced appends are those of the disk
under the temporary directory; `--directory` names another one.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from papertape.core.records import RECORD_DTYPE, Flag, Kind
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter
from papertape.tape.verify import verify_tape

APPENDS = 2_000
APPEND_RECORDS = 100
BULK_RECORDS = 3_000_000


def quotes(count: int) -> np.ndarray:
    records = np.zeros(count, RECORD_DTYPE)
    records["kind"] = Kind.QUOTE
    records["kind"][0] = Kind.INSTRUMENT
    records["flags"] = Flag.FIRST | Flag.LAST
    records["price"] = np.arange(count)
    return records


def synced_appends(directory: Path) -> dict[str, float]:
    """Milliseconds that an append of 100 records with an explicit sync takes."""
    records = quotes(APPEND_RECORDS).tobytes()
    took_ms = []
    with MarketWriter.open(directory) as writer:
        for _ in range(APPENDS):
            start_s = time.perf_counter()
            writer.append(records)
            writer.sync()
            took_ms.append((time.perf_counter() - start_s) * 1e3)
    p50, p99 = np.percentile(took_ms, (50, 99))
    return {"append_sync_ms_p50": round(float(p50), 3), "append_sync_ms_p99": round(float(p99), 3)}


def bulk_appends(directory: Path, batch_records: int) -> float:
    """Records per second written in appends of `batch_records`, until all of them are on disk."""
    records = quotes(batch_records)
    with MarketWriter.open(directory) as writer:
        start_s = time.perf_counter()
        for _ in range(BULK_RECORDS // batch_records):
            writer.append(records)
        writer.sync()
        return writer.next_seq / (time.perf_counter() - start_s)


def single_appends(directory: Path) -> float:
    """Microseconds that the append of one record takes, without a sync."""
    record = quotes(1).tobytes()
    with MarketWriter.open(directory) as writer:
        start_s = time.perf_counter()
        for _ in range(20_000):
            writer.append(record)
        return (time.perf_counter() - start_s) / 20_000 * 1e6


def reading(directory: Path, *, check: bool) -> float:
    """Records per second that the reader gives out, each touched once."""
    start_s = time.perf_counter()
    count = 0
    for batch in MarketReader.open(directory).batches(check=check):
        count += int(np.count_nonzero(batch.records["kind"] >= Kind.INSTRUMENT))
    return count / (time.perf_counter() - start_s)


def run(directory: Path | None = None) -> dict[str, float]:
    """All figures, by name."""
    with tempfile.TemporaryDirectory(dir=directory) as name:
        root = Path(name)
        result = synced_appends(root / "synced")
        result["append_one_us"] = round(single_appends(root / "single"), 2)
        for batch_records in (100, 10_000):
            rate = bulk_appends(root / f"bulk{batch_records}", batch_records)
            result[f"append_{batch_records}_records_s"] = round(rate)
            result[f"append_{batch_records}_mb_s"] = round(rate * 64 / 1e6, 1)
        bulk = root / "bulk100"
        result["read_records_s"] = round(reading(bulk, check=False))
        result["read_checked_records_s"] = round(reading(bulk, check=True))
        start_s = time.perf_counter()
        verified = verify_tape(bulk).records
        result["verify_records_s"] = round(verified / (time.perf_counter() - start_s))
        return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How fast the tape is.")
    parser.add_argument("--directory", type=Path, help="where to write; the system's temporary directory otherwise")
    print(json.dumps(run(parser.parse_args().directory), indent=2))
