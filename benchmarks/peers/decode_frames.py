"""What all sides of decode.py share: the frames and how they are handed over, the clock, and the form of an answer.

It needs the standard library alone, because the peers' sides run by the Python of .bench-peers.
"""

import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

KINDS = ("quotes", "trades", "depth")
MARKETS = ("spot", "usdm")

Answer = dict[str, Any]
Stamped = tuple[int, bytes]
"""Arrival in ns, and the frame."""


class Input(NamedTuple):
    """All that a side gets."""

    market: str
    symbol: str
    base: str
    quote: str
    price_decimals: int
    size_decimals: int
    frames: dict[str, list[Stamped]]
    snapshot: bytes
    exchange_info: dict[str, Any]

    def price(self, value: Any) -> int:
        """A price as a whole number of its smallest units; exact for the floats that a decimal of 15 digits gives."""
        return round(value * 10**self.price_decimals)

    def size(self, value: Any) -> int:
        return round(value * 10**self.size_decimals)


DECIMALS = {"spot": (2, 5), "usdm": (2, 3)}
"""Of prices and sizes: as many as the recordings show."""


def write_input(
    folder: Path,
    market: str,
    symbol: str,
    assets: tuple[str, str],
    frames: Mapping[str, Sequence[Any]],
    snapshot: bytes,
) -> Input:
    """Lay down what the sides read; `frames` have `ts_recv_ns` and `payload`."""
    facts = {"market": market, "symbol": symbol, "base": assets[0], "quote": assets[1]}
    (folder / "facts.json").write_text(json.dumps(facts), encoding="ascii")
    (folder / "snapshot.json").write_bytes(snapshot)
    for kind in KINDS:
        lines = (b"%d %b\n" % (frame.ts_recv_ns, frame.payload) for frame in frames[kind])
        (folder / f"{kind}.txt").write_bytes(b"".join(lines))
    return read_input(folder)


def read_input(folder: Path) -> Input:
    facts = json.loads((folder / "facts.json").read_text(encoding="ascii"))
    frames = {}
    for kind in KINDS:
        lines = (line.split(b" ", 1) for line in (folder / f"{kind}.txt").read_bytes().splitlines())
        frames[kind] = [(int(stamp), frame) for stamp, frame in lines]
    price_decimals, size_decimals = DECIMALS[facts["market"]]
    tick, lot = f"{10**-price_decimals:.{price_decimals}f}", f"{10**-size_decimals:.{size_decimals}f}"
    listed = {
        "symbol": facts["symbol"],
        "pair": facts["symbol"],
        "contractType": "PERPETUAL",
        "status": "TRADING",
        "baseAsset": facts["base"],
        "quoteAsset": facts["quote"],
        "marginAsset": facts["quote"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "100000", "stepSize": lot},
        ],
    }
    if facts["market"] == "spot":
        del listed["contractType"], listed["pair"], listed["marginAsset"]
    snapshot = (folder / "snapshot.json").read_bytes()
    info = {"symbols": [listed]}
    return Input(
        **facts,
        price_decimals=price_decimals,
        size_decimals=size_decimals,
        frames=frames,
        snapshot=snapshot,
        exchange_info=info,
    )


def asked() -> tuple[Input, int, str]:
    """What the command line says: the input, the rounds, the side."""
    return read_input(Path(sys.argv[1])), int(sys.argv[2]), sys.argv[3]


def figures_of_levels(bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]) -> list[int]:
    """Levels of each side, and a checksum over all prices and sizes of each."""
    sides = (list(bids), list(asks))
    return [len(side) for side in sides] + [sum(price * size for price, size in side) for side in sides]


def best_us(begin: Callable[[], Callable[[Sequence[Any]], object]], frames: Sequence[Any], rounds: int) -> float:
    """µs per frame of the best round; what `begin` prepares anew for each is not timed."""
    best = []
    for _ in range(rounds):
        play = begin()
        gc.collect()
        began = time.perf_counter()
        play(frames)
        best.append(time.perf_counter() - began)
    return min(best) * 1e6 / len(frames)


async def best_us_awaited(
    begin: Callable[[], Awaitable[Callable[[Sequence[Any]], Awaitable[object]]]], frames: Sequence[Any], rounds: int
) -> float:
    """The same for a side that is awaited."""
    best = []
    for _ in range(rounds):
        play = await begin()
        gc.collect()
        began = time.perf_counter()
        await play(frames)
        best.append(time.perf_counter() - began)
    return min(best) * 1e6 / len(frames)
