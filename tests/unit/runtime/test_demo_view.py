import io
from collections import deque
from pathlib import Path

from rich.console import Console

from papertape.data.wire.binance.rules import SPOT
from papertape.runtime.demo_view import DemoView
from papertape.runtime.recording import Source, open_recording
from papertape.tape.follower import MarketFollower
from tests.binance_frames import depth, instrument, snapshot, ticker, trade

SOURCE = Source(SPOT, ("ETHUSDT",), "ws://127.0.0.1:9", "http://127.0.0.1:9", 30)


def shown(view: DemoView) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(view.panel())
    return console.export_text()


async def test_it_shows_book_prints_and_counts_of_the_recording(tmp_path: Path) -> None:
    notes: deque[str] = deque(maxlen=1)
    async with open_recording(SOURCE, tmp_path / "tape", None, lambda *_, **__: None) as recording:
        with MarketFollower.open(tmp_path / "tape") as follower:
            view = DemoView(recording, follower, "a market", notes)
            view.look(0)
            notes.append("venue not reached")
            before = shown(view)
            assert "waiting for the first book" in before
            assert "connecting, venue not reached" in before
            recording.machine.list_instrument(instrument(), 0)
            for frame in (depth(9, 11), trade(1, "10.75"), ticker(12, "10", "11"), depth(12, 12)):
                recording.recorder.frame(frame, is_last=True)
            recording.recorder.snapshot("ETHUSDT", snapshot(10))
            view.look(2)
            after = shown(view)
    for part in ("a market", "ETHUSDT", "bid 10.", "ask 11.", "10.75", "prints 1", "mismatches 0", "in step", "µs"):
        assert part in after, part
    assert "frames 4 (2/s)" in view.line()
