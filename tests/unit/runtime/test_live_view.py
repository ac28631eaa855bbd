import io
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from rich.console import Console

from papertape.core.records import as_records
from papertape.data.wire.binance.rules import SPOT
from papertape.paper_trading.strategy import Context, OrderUpdate, Quote, Side, Strategy
from papertape.runtime.live_view import Feed, LiveView, watch
from papertape.runtime.models import load_models
from papertape.runtime.recording import Recording, Source, open_recording
from papertape.runtime.runs import AccountPlan, RunPlan, new_run
from papertape.runtime.shell import Shell
from tests.binance_frames import depth, instrument, snapshot, ticker, trade

SOURCE = Source(SPOT, ("ETHUSDT",), "ws://127.0.0.1:9", "http://127.0.0.1:9", 30)
MONEY = 10**8


class Once(Strategy):
    """Buys once, and is stopped when it asks for a symbol that is not there."""

    def on_start(self, ctx: Context) -> None:
        ctx.subscribe_quotes("ETHUSDT")

    def on_quote(self, ctx: Context, quote: Quote) -> None:
        if not ctx.position_units("ETHUSDT"):
            ctx.submit_units("ETHUSDT", Side.BUY, 500)

    def on_fill(self, ctx: Context, fill: OrderUpdate) -> None:
        ctx.buy("NONE", "1")


def shown(view: LiveView) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(view.panel())
    return console.export_text()


@asynccontextmanager
async def viewed(tmp_path: Path, notes: deque[str]) -> AsyncIterator[tuple[LiveView, Recording]]:
    plan = RunPlan(
        accounts=(
            AccountPlan(name="one", cash=1000 * MONEY, leverage=1, currency="USDT", strategy=f"{__name__}:Once"),
        ),
        models=load_models("frictionless"),
        seed=1,
    )
    async with open_recording(SOURCE, tmp_path / "tape", None, lambda *_, **__: None) as recording:
        run = new_run(plan)
        recording.intake.apply = lambda seq, data: run.take(seq, as_records(data))
        yield LiveView(Feed.of(recording), run, "a market", notes), recording


def play(recording: Recording) -> None:
    recording.machine.list_instrument(instrument(), 0)
    sides = ((10, 1, "1"), (11, -1, "2"))
    levels = [[[f"{price - side * away}", size] for away in range(9)] for price, side, size in sides]
    for frame in (depth(9, 11, *levels), trade(1, "10.75"), ticker(12, "10", "11"), depth(12, 12)):
        recording.recorder.frame(frame, is_last=True)
    recording.recorder.snapshot("ETHUSDT", snapshot(10))
    for number in range(13, 16):
        recording.recorder.frame(ticker(number, "10", "11"), is_last=True)


async def test_it_shows_markets_book_accounts_and_fills_of_the_run(tmp_path: Path) -> None:
    notes: deque[str] = deque(maxlen=1)
    async with viewed(tmp_path, notes) as (view, recording):
        view.look(0)
        notes.append("venue not reached")
        before = shown(view)
        assert "connecting, venue not reached" in before
        assert "1,000.00" in before
        play(recording)
        view.look(2)
        after = shown(view)
        line = view.line()
    for part in (
        "a market",
        "ETHUSDT book",
        "10.75",
        "trades 1",
        "1 checks, 0 mismatches",
        "in step",
        "µs",
        "took from the book",
    ):
        assert part in after, part
    assert "bought" in after
    assert "0.5 ETHUSDT" in after
    assert "at 11.00" in after
    assert "stopped: " in after
    assert "frames 7 (4/s)" in line
    assert "one 999.75 (1 fills)" in line
    assert len(after.rstrip("\n").splitlines()) <= 24, "the lines of an ordinary terminal"


async def test_a_terminal_is_redrawn_and_without_one_there_are_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    said = io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)
    async with viewed(tmp_path, deque()) as (view, recording):
        play(recording)
        watching = asyncio.create_task(watch(view, Shell(), line_every_s=0.01))
        async with asyncio.timeout(20):
            while said.getvalue().count("\n") < 2:
                await asyncio.sleep(0.01)
        watching.cancel()
    assert "frames 7" in said.getvalue().splitlines()[-1]
