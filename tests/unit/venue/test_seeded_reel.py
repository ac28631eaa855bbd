import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from papertape.core.book.rows import Market
from papertape.core.errors import InputError
from papertape.core.records import RecordBuffer
from papertape.data.connectors.reel_connector import ReelConnector
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import VENUES
from papertape.tape.reels import read_reel
from papertape.venue.seeded_reel import LEVELS_MIN, SYMBOL, seeded_lines, write_seeded_reel


@pytest.fixture
def reel(tmp_path: Path) -> Path:
    path = tmp_path / "made.reel"
    write_seeded_reel(path, 7, 5)
    return path


def data_of(reel: Path, stream: str) -> list[dict[str, Any]]:
    texts = [json.loads(frame.payload) for frame in read_reel([reel])]
    return [text["data"] for text in texts if text.get("stream") == f"{SYMBOL.lower()}@{stream}"]


def test_same_seed_same_bytes(reel: Path, tmp_path: Path) -> None:
    write_seeded_reel(tmp_path / "again.reel", 7, 5)
    assert (tmp_path / "again.reel").read_bytes() == reel.read_bytes()


def test_another_seed_is_another_market(reel: Path, tmp_path: Path) -> None:
    write_seeded_reel(tmp_path / "other.reel", 8, 5)
    assert (tmp_path / "other.reel").read_bytes() != reel.read_bytes()


def test_a_longer_reel_begins_as_the_shorter_one() -> None:
    short = list(seeded_lines(7, 1))
    assert list(seeded_lines(7, 2))[: len(short)] == short


@pytest.mark.parametrize("seed", [0, 7, 8, 2**62])
def test_our_own_checks_find_nothing(tmp_path: Path, seed: int) -> None:
    write_seeded_reel(tmp_path / "made.reel", seed, 8)
    machine = BinanceMachine(VENUES["binance-spot"], {SYMBOL: 0}, Gate(RecordBuffer()))
    market = Market()
    for data in ReelConnector(machine, [str(tmp_path / "made.reel")]).batches():
        market.apply(data)
    counts = market.counts()
    assert market.synced
    assert counts.book_checks > 5
    assert counts.prints > 100
    assert (counts.book_mismatches, counts.sequence_breaks, counts.crossed) == (0, 0, 0)
    assert machine.ignored == 0
    assert not [name for name, count in machine.gate.found.items() if count]
    assert min(len(market.books[0].bids), len(market.books[0].asks)) >= LEVELS_MIN // 2


def test_ids_follow_each_other(reel: Path) -> None:
    trades = [trade["t"] for trade in data_of(reel, "trade")]
    assert trades == list(range(trades[0], trades[0] + len(trades)))
    events = data_of(reel, "depth@100ms")
    assert all(then["U"] == before["u"] + 1 for before, then in pairwise(events))


def test_time_runs_forward_at_the_pace_of_a_busy_market(reel: Path) -> None:
    stamps = [frame.ts_recv_ns for frame in read_reel([reel])]
    assert stamps == sorted(stamps)
    assert 4_900_000_000 < stamps[-1] - stamps[0] < 5_100_000_000
    assert 20 <= len(stamps) / 50 <= 40, "frames per 100 ms"


def test_one_snapshot_stands_after_the_first_events(reel: Path) -> None:
    texts = [frame.payload for frame in read_reel([reel])]
    places = [place for place, text in enumerate(texts) if text.startswith(b'{"lastUpdateId"')]
    assert len(places) == 1
    assert sum(b"@depth" in text for text in texts[: places[0]]) == 2


def test_a_reel_is_not_overwritten(reel: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_seeded_reel(reel, 7, 1)
