"""Recordings of many symbols over one connection: every book is synchronised, agrees with its quotes, and nothing is found."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import zstandard

from papertape.core.book import Market
from papertape.core.book.compiled import CompiledMarket
from papertape.core.records import RecordBuffer, as_records
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import SPOT, USDM, Rules
from tests.binance_frames import TS

pytestmark = pytest.mark.recordings


class Said(NamedTuple):
    ts_us: int
    symbol: str | None
    body: bytes


def unpacked(path: Path) -> bytes:
    with zstandard.open(path, "rb") as file:
        return bytes(file.read())


def recorded(folder: Path) -> tuple[bytes | None, list[Said]]:
    """The exchangeInfo, and all snapshots and frames in the order of their arrival."""

    def said() -> Iterator[Said]:
        for line in lines:
            if line.startswith(b"http") and b"/depth?" in line:
                address, _, rest = line.partition(b" -> ")
                found = re.search(rb"symbol=(\w+)", address)
                assert found
                yield Said(*_stamped(rest, found.group(1).decode()))
            elif line[:1].isdigit():
                yield Said(*_stamped(line, None))

    lines = [line for path in sorted(folder.glob("*.zst")) for line in unpacked(path).splitlines()]
    infos = [line.partition(b": ")[2] for line in lines if b"exchangeInfo -> " in line[:80]]
    return (infos[0] if infos else None), sorted(said(), key=lambda one: one.ts_us)


def _stamped(text: bytes, symbol: str | None) -> tuple[int, str | None, bytes]:
    stamp, _, body = text.partition(b": ")
    return int(float(stamp) * 1_000_000), symbol, body


@pytest.mark.parametrize(
    ("name", "rules", "symbols", "checks_min"),
    [
        ("spot_2021-04-04_btc_eth_dot_ee25be", SPOT, 3, 0),
        ("spot_2021-10-12", SPOT, 4, 20),
        ("binance_us_2021-08-14", SPOT, 4, 50),
        ("usdm_2021-07-22", USDM, 4, 40),
        ("coinm_2021-07-22", USDM, 10, 150),
    ],
)
def test_every_symbol_goes_its_own_way(
    recordings: Path, name: str, rules: Rules, symbols: int, checks_min: int
) -> None:
    info, frames = recorded(recordings.parent / "cryptofeed" / name)
    named = sorted({one.symbol for one in frames if one.symbol})
    assert len(named) == symbols
    machine = BinanceMachine(rules, {symbol: index for index, symbol in enumerate(named)}, Gate(RecordBuffer()))
    if info is not None:
        machine.list_from_exchange_info(TS, info)
    else:
        for symbol in named:
            machine.list_from_snapshot(TS, symbol, next(one.body for one in frames if one.symbol == symbol))
    for one in frames:
        if one.symbol:
            machine.take_snapshot(one.ts_us * 1000, one.symbol, one.body)
        else:
            machine.take(one.ts_us * 1000, one.body)
    data = machine.gate.buffer.take()
    plain, compiled = Market(), CompiledMarket()
    plain.apply(data)
    compiled.apply(as_records(data))
    assert plain.state_hash() == compiled.state_hash()
    counts = plain.counts()
    assert counts == compiled.counts()
    assert plain.synced
    assert counts.book_checks >= checks_min
    assert (counts.book_mismatches, counts.sequence_breaks, counts.crossed) == (0, 0, 0)
    assert not any(machine.gate.found.values())
