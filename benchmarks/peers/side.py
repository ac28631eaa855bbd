"""What all sides of strategies.py share: the form of the quotes, the trading rules' numbers and the form of an answer.

It needs numpy alone, because the peers' sides run by the Python of .bench-peers.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

QUOTE_DTYPE = np.dtype([(name, "<i8") for name in ("time_ns", "bid", "bid_size", "ask", "ask_size")])
"""Prices in ticks of TICK, sizes in lots of LOT."""
PRICE_DECIMALS, SIZE_DECIMALS = 2, 3
TICK, LOT = 0.01, 0.001
MINUTE_NS = 60_000_000_000
REQUOTE_EVERY = 100
"""Quotes between two orders of the requoting strategy."""
TICKS_BELOW = 5
"""So far below the best bid it places its limit order."""

Quotes = np.ndarray[Any, np.dtype[Any]]


def digest(values: Any) -> str:
    """A hash of whole numbers: bars as rows of open, high, low and close in ticks, or a column of them."""
    return hashlib.blake2b(np.ascontiguousarray(values, "<i8").tobytes(), digest_size=8).hexdigest()


def peak_rss_mb() -> int:
    """The peak of this process's memory, as Linux tells it.

    Not getrusage: a process starts there with the peak of the one that started it, which holds all quotes.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    kibibytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return round(int(kibibytes) * 1024 / 1e6)


def answer(seconds: float, bars: Any, **figures: float) -> None:
    """Print a side's answer: its bars, what it saw and traded, and the peak of its memory."""
    rows = np.array(bars, np.int64).reshape(-1, 4)
    made = {"bars": len(rows), "bars_hash": digest(rows), "closes_hash": digest(rows[:, 3])}
    print(json.dumps({"seconds": seconds, **made, **figures, "peak_rss_mb": peak_rss_mb()}))
