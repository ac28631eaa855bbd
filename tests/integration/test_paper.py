"""`papertape paper` and `papertape serve` as processes: runs that are stopped, killed and gone on with."""

import json
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from papertape.venue.server import running_market
from tests.integration.commands import Running, Said, here, start
from tests.integration.hostile import until

SYMBOLS = ("BTCUSDT", "ETHUSDT")
QUOTER = f"{Path(__file__).parents[2] / 'examples' / 'quoting.py'}:TwoSidedQuoter"


@asynccontextmanager
async def market() -> AsyncIterator[list[str]]:
    """A market in a box; the options that name its servers."""
    async with running_market(7, SYMBOLS, "binance-spot", begin_ns=None) as box:
        yield ["--ws-url", box.ws_url, "--rest-url", box.rest_url]


async def paper(home: Path, urls: list[str], *options: str) -> Running:
    command = ("paper", "--venue", "binance-spot", "--symbols", ",".join(SYMBOLS), "--strategy", QUOTER)
    return await start(home, *command, *urls, *options, "--json")


def run_directory(home: Path, run_id: str = "0001") -> Path:
    return home / "paper" / "binance-spot" / "runs" / run_id


def check_replay(capsys: pytest.CaptureFixture[str], run: Path, live: dict[str, Any]) -> None:
    """From its commands, and with its strategy called again, the run comes to the state that it had live."""
    for options in ([], ["--rerun"]):
        replayed = here(capsys, "replay", str(run), *options)
        assert replayed.code == 0, replayed.err
        assert replayed.json["state_hash"] == live["state_hash"]
        assert replayed.json["accounts"] == live["accounts"]


def came_up(home: Path, log: str, event: str, times: int) -> bool:
    """Whether an event stands in the log so many times."""
    file = home / "logs" / log
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return sum(bool(json.loads(line)["event"] == event) for line in lines) >= times


async def test_a_run_goes_on_after_a_stop_and_after_a_kill(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with market() as urls:
        first = await (await paper(tmp_path, urls, "--seconds", "4")).ended()
        assert first.code == 0, first.err
        assert (first.json["run"], first.json["went_on"], first.json["connected"]) == ("0001", False, True)
        assert first.json["orders"] > 0
        killed = await paper(tmp_path, urls)
        await until(lambda: came_up(tmp_path, "paper.log", "connected", 2), "a connection")
        market_track = run_directory(tmp_path).parents[1] / "market"
        size = sum(one.stat().st_size for one in market_track.iterdir())
        await until(lambda: sum(one.stat().st_size for one in market_track.iterdir()) > size + 100_000, "records")
        await killed.stopped(signal.SIGKILL)
        last = await paper(tmp_path, urls)
        await until(lambda: came_up(tmp_path, "paper.log", "connected", 3), "a connection")
        said = await last.stopped(signal.SIGINT)
    assert said.code == 130
    assert said.json["went_on"] is True
    assert said.json["market_records"] > first.json["market_records"]
    assert said.json["orders"] > first.json["orders"]
    assert said.json["accounts"][0]["stopped"] is None
    check_replay(capsys, run_directory(tmp_path), said.json)
    assert here(capsys, "verify", str(run_directory(tmp_path).parents[1])).json["ok"] is True


async def test_another_plan_is_refused_and_a_new_run_begins_where_the_tape_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with market() as urls:
        first = await (await paper(tmp_path, urls, "--seconds", "2")).ended()
        other = await (await paper(tmp_path, urls, "--seconds", "2", "--cash", "5000")).ended()
        assert other.code == 3
        assert other.error.endswith("expected --cash 100000, was 5000; or begin anew with --new")
        anew = await (await paper(tmp_path, urls, "--seconds", "3", "--cash", "5000", "--new")).ended()
    assert anew.code == 0, anew.err
    assert (anew.json["run"], anew.json["went_on"]) == ("0002", False)
    assert anew.json["market_records"] > first.json["market_records"], "it knows the market from before"
    check_replay(capsys, run_directory(tmp_path, "0002"), anew.json)
    check_replay(capsys, run_directory(tmp_path, "0001"), first.json)


async def test_a_venue_that_is_not_there(tmp_path: Path) -> None:
    said = await (
        await paper(tmp_path, ["--ws-url", "ws://127.0.0.1:9", "--rest-url", "http://127.0.0.1:9"], "--seconds", "1")
    ).ended()
    assert said.code == 4
    assert "never connected" in said.error
    assert said.json["connected"] is False


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--symbols", "BTCUSDT,ETHBTC", "--strategy", QUOTER], "quoted in one known currency"),
        (["--symbols", "BTCUSDT", "--strategy", "nothing.py:Nobody"], "nothing.py"),
        (["--symbols", "BTCUSDT", "--strategy", QUOTER, "--cash", "much"], "decimal number"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    said = here(capsys, "paper", "--venue", "binance-spot", "--tape", str(tmp_path / "tape"), *options)
    assert said.code == 3
    assert words in said.error
    assert not (tmp_path / "tape").exists()


async def serve(home: Path, *options: str) -> Running:
    return await start(home, "serve", "--tape", str(home / "tape"), "--strategy", QUOTER, *options, "--json")


async def served(home: Path, *options: str) -> Said:
    said = await (await serve(home, *options)).ended()
    assert said.code == 0, said.err
    return said


async def test_two_processes_one_records_and_the_other_trades(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tape = ["--tape", str(tmp_path / "tape")]
    async with market() as urls:
        recording = await start(
            tmp_path, "record", "--venue", "binance-spot", "--symbols", ",".join(SYMBOLS), *tape, *urls, "--json"
        )
        await until(lambda: came_up(tmp_path, "record.log", "connected", 1), "a connection")
        first = await served(tmp_path, "--seconds", "4")
        assert first.json["went_on"] is False
        killed = await serve(tmp_path)
        await until(lambda: came_up(tmp_path, "serve.log", "trading on paper", 2), "the second start")
        await killed.stopped(signal.SIGKILL)
        second = await served(tmp_path, "--seconds", "3")
        recorded = await recording.stopped()
    last = await served(tmp_path, "--seconds", "1")
    assert (second.json["went_on"], last.json["went_on"], last.json["lag_records"]) == (True, True, 0)
    assert last.json["market_records"] == recorded.json["market_records"]
    assert last.json["orders"] >= second.json["orders"] > first.json["orders"] > 0
    check_replay(capsys, tmp_path / "tape" / "runs" / "0001", last.json)


def test_serving_what_is_no_tape(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = here(capsys, "serve", "--tape", str(tmp_path), "--strategy", QUOTER)
    assert said.code == 3
    assert "tape" in said.error
    shutil.rmtree(tmp_path)
