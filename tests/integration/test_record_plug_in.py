"""`papertape record` and `paper` with a venue plug-in, as processes over a real socket."""

import signal
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from papertape.core.records import Kind, as_records
from papertape.tape.market_reader import MarketReader
from tests.integration.commands import here, print_ids, start
from tests.integration.hostile import until
from tests.toy_server import TOY_FILE, served

STRATEGY = """
from papertape.paper_trading.strategy import Strategy


class Counter(Strategy):
    def on_print(self, ctx, one):
        pass
"""


def has_prints(tape: Path, count: int) -> bool:
    return (tape / "market").exists() and len(print_ids(tape)) == count


def said_run(tape: Path) -> str:
    return str(next((tape / "runs").iterdir()))


def gaps(tape: Path) -> list[int]:
    found = np.concatenate([as_records(batch.records.tobytes()) for batch in MarketReader.open(tape).blocks()])
    return [int(kind) for kind in found["id"][found["kind"] == Kind.GAP]]


async def test_a_plug_in_is_recorded_killed_and_continued(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tape = tmp_path / "tape"
    options = ("record", "--venue", TOY_FILE, "--symbols", "ABC,DEF", "--tape", str(tape), "--json")
    async with served() as (server, url):
        recorder = await start(tmp_path, *options, "--ws-url", url)
        await until(lambda: (tape / "market").exists() and len(print_ids(tape)) == 3, "prints", 40)
        await recorder.stopped(signal.SIGKILL)
        recorder = await start(tmp_path, *options, "--ws-url", url)
        await until(lambda: len(print_ids(tape)) == 6, "more prints", 40)
        server.say(type="Best", symbol="DEF", n=19, bid="10.00", bid_size="4", ask="10.01", ask_size="9")
        said = await recorder.stopped()
    assert said.code == 0, said.err
    assert [one["symbol"] for one in said.json["symbols"]] == ["toy:ABC", "toy:DEF"]
    assert (said.json["symbols"][0]["prints"], said.json["symbols"][1]["bid"]) == (3, "10.00")
    assert gaps(tape) == [Kind.DEPTH_DELTA, Kind.PRINT] * 2
    assert here(capsys, "verify", str(tape)).json["ok"]


async def test_paper_trades_on_a_plug_in_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "strategy.py").write_text(STRATEGY)
    tape = tmp_path / "tape"
    options = ("--strategy", "strategy.py:Counter", "--symbols", "ABC", "--tape", str(tape), "--json")
    async with served() as (_, url):
        for prints in (3, 6):
            paper = await start(tmp_path, "paper", "--venue", TOY_FILE, *options, "--currency", "USD", "--ws-url", url)
            await until(partial(has_prints, tape, prints), "prints", 90)
            said = await paper.stopped()
            assert said.code == 0, said.err
            assert (said.json["prints"], said.json["went_on"], said.json["connected"]) == (prints, prints > 3, True)
        said = await (await start(tmp_path, "paper", "--venue", TOY_FILE, *options, "--ws-url", url)).ended()
        assert (said.code, "--currency" in said.error) == (2, True)
    replayed = here(capsys, "replay", said_run(tape))
    assert replayed.code == 0, replayed.err
    assert replayed.json["difference"] is None


async def test_mistakes_are_told(tmp_path: Path) -> None:
    for options, code, told in (
        (("--source", "nowhere"), 3, "or a venue plug-in, was 'nowhere'"),
        (("--venue", "x.py:Y"), 3, "x.py"),
        (("--venue", "nowhere"), 2, "binance-spot"),
        (("--venue", TOY_FILE, "--reel-out", "r"), 2, "--reel-out"),
        (("--venue", TOY_FILE, "--source", "mt5"), 2, "was both"),
        (("--venue", TOY_FILE, "--ws-url", "ws://a,ws://b"), 2, "one --ws-url"),
    ):
        running = await start(tmp_path, "record", *options, "--symbols", "ABC", "--tape", "t")
        said = await running.ended()
        assert (said.code, told in said.error) == (code, True), said.error
