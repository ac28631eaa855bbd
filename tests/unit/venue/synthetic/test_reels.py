from pathlib import Path

import pytest

from papertape.core.book.rows import Market
from papertape.core.errors import InputError
from papertape.core.records import RecordBuffer
from papertape.data.connectors.reel_connector import ReelConnector
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import VENUES
from papertape.tape.reels import read_reel
from papertape.venue.rules import VenueName
from papertape.venue.synthetic.listings import NAMES
from papertape.venue.synthetic.market import synthetic_events
from papertape.venue.synthetic.reels import LAG_NS, synthetic_lines, write_synthetic_reel


def test_a_longer_reel_begins_as_the_shorter_one() -> None:
    short = list(synthetic_lines(7, "ETHUSDT", 1))
    assert list(synthetic_lines(7, "ETHUSDT", 2))[: len(short)] == short


@pytest.mark.parametrize("venue", ["binance-spot", "binance-usdm"])
@pytest.mark.parametrize("symbol", [NAMES[0], NAMES[4], NAMES[-1]])
@pytest.mark.parametrize("seed", [0, 2**62])
def test_our_own_checks_find_nothing(tmp_path: Path, seed: int, symbol: str, venue: VenueName) -> None:
    write_synthetic_reel(tmp_path / "made.reel", seed, symbol, 8, venue)
    machine = BinanceMachine(VENUES[venue], {symbol: 0}, Gate(RecordBuffer()))
    market = Market()
    for data in ReelConnector(machine, [str(tmp_path / "made.reel")]).batches():
        market.apply(data)
    counts = market.counts()
    assert market.synced
    assert counts.book_checks > 0
    assert (counts.book_mismatches, counts.sequence_breaks, counts.crossed) == (0, 0, 0)
    assert machine.ignored == 0
    assert not [name for name, count in machine.gate.found.items() if count]


def test_one_snapshot_stands_after_the_first_events(tmp_path: Path) -> None:
    write_synthetic_reel(tmp_path / "made.reel", 7, "ETHUSDT", 2)
    frames = list(read_reel([tmp_path / "made.reel"]))
    places = [place for place, frame in enumerate(frames) if frame.payload.startswith(b'{"lastUpdateId"')]
    assert len(places) == 1
    assert sum(b"@depth" in frame.payload for frame in frames[: places[0]]) == 2
    assert [frame.ts_recv_ns for frame in frames] == sorted(frame.ts_recv_ns for frame in frames)


def test_the_frames_are_those_of_the_market() -> None:
    events = list(synthetic_events(7, NAMES[:2], 1))
    frames = [f'{event.ts_ns + LAG_NS} {{"stream":"{event.stream}"' for event in events if event.stream[:3] == "eth"]
    lines = [line for line in synthetic_lines(7, "ETHUSDT", 1) if '"stream"' in line]
    assert [line.partition(',"data"')[0] for line in lines] == frames


def test_a_reel_is_not_overwritten(tmp_path: Path) -> None:
    write_synthetic_reel(tmp_path / "made.reel", 7, "ETHUSDT", 0.1)
    with pytest.raises(InputError, match="cannot be written"):
        write_synthetic_reel(tmp_path / "made.reel", 7, "ETHUSDT", 0.1)


def test_an_unknown_symbol_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="was ABCUSDT"):
        write_synthetic_reel(tmp_path / "made.reel", 7, "ABCUSDT", 1)
