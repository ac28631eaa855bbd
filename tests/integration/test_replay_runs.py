"""`papertape replay` with strategies: runs on a tape are saved, applied again, called again, killed and damaged."""

import shutil
from pathlib import Path

import pytest

from tests.integration.commands import Said, here, start
from tests.made_tape import ROUND, SYMBOL, made_market, strategy_file

KILLED = """
import os
import signal
from papertape.paper_trading.strategy import Strategy


class Killed(Strategy):
    calls = 0

    def on_start(self, ctx):
        ctx.subscribe_quotes(ctx.symbols[0], every=10)

    def on_quote(self, ctx, quote):
        self.calls += 1
        if self.calls == int(os.environ.get("KILL_AT_CALL", "0")):
            os.kill(os.getpid(), signal.SIGKILL)
        (ctx.sell if ctx.position_units(ctx.symbols[0]) else ctx.buy)(ctx.symbols[0], "0.1")
"""


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `made.reel` and the tape of it."""
    folder = tmp_path_factory.mktemp("market")
    made_market(folder)
    return folder


@pytest.fixture
def tape(market: Path, tmp_path: Path) -> Path:
    """A tape without runs."""
    return Path(shutil.copytree(market / "tape", tmp_path / "tape"))


def replay(capsys: pytest.CaptureFixture[str], *arguments: object) -> Said:
    return here(capsys, "replay", *map(str, arguments))


def saved(capsys: pytest.CaptureFixture[str], tape: Path, *strategies: object) -> Said:
    said = replay(capsys, tape, *(word for one in strategies for word in ("--strategy", one)), "--save")
    assert said.code == 0, said.err
    return said


def test_a_saved_run_comes_out_again_from_its_commands_and_with_its_strategies(
    tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = strategy_file(tmp_path)
    first = saved(capsys, tape, f"{file}:Round?every=30", f"{file}:Round?every=7&size=0.1").json
    assert (first["run"], first["difference"]) == ("0001", None)
    assert [one["id"] for one in first["accounts"]] == ["round", "round-2"]
    assert min(one["fills"] for one in first["accounts"]) > 2
    assert first["fills"] == sum(one["fills"] for one in first["accounts"])
    assert first["orders"] >= first["fills"] / 3
    for options in ((), ("--rerun",)):
        again = replay(capsys, tape / "runs" / "0001", *options)
        assert again.code == 0, again.err
        assert again.json | {"elapsed_s": 0} == first | {"elapsed_s": 0}
    verified = here(capsys, "verify", str(tape))
    assert (verified.code, verified.json["runs"]) == (0, 1)


def test_the_next_run_has_the_next_number_and_a_seed_decides(
    tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = f"{strategy_file(tmp_path)}:Round"
    first, second = saved(capsys, tape, spec).json, saved(capsys, tape, spec).json
    assert (first["run"], second["run"]) == ("0001", "0002")
    assert first["state_hash"] == second["state_hash"]
    unsaved = replay(capsys, tape, "--strategy", spec).json
    assert (unsaved["run"], unsaved["state_hash"]) == (None, first["state_hash"])
    other = replay(capsys, tape, "--strategy", spec, "--seed", "1").json
    assert other["state_hash"] != first["state_hash"], "latency is drawn from the seed"


def test_a_reel_gives_the_run_of_its_tape(market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--strategy", f"{strategy_file(tmp_path)}:Round", "--models", "frictionless", "--cash", "3000")
    of_tape = replay(capsys, market / "tape", *options).json
    reel = ("--reel", market / "made.reel", "--venue", "binance-spot", "--symbol", SYMBOL)
    of_reel = replay(capsys, *reel, *options).json
    assert of_reel["fills"] > 0
    assert of_reel["state_hash"] == of_tape["state_hash"]
    assert of_reel["accounts"] == of_tape["accounts"]


async def test_a_changed_strategy_is_told_at_its_first_other_command(
    tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = strategy_file(tmp_path)
    saved(capsys, tape, f"{file}:Round")
    strategy_file(tmp_path, ROUND.replace("ctx.position(symbol))", "ctx.position(symbol) / 2)"))
    run = str(tape / "runs" / "0001")
    again = await (await start(tmp_path, "replay", run, "--rerun", "--json")).ended()
    assert again.code == 1
    assert again.json["difference"].startswith("command 1: recorded ")
    assert again.json["difference"] in again.error
    assert "run 0001" in again.error
    commands = await (await start(tmp_path, "replay", run, "--json")).ended()
    assert (commands.code, commands.json["difference"]) == (0, None), "the recorded commands are what they were"


def test_what_a_strategy_raises_stops_it_and_nobody_else(
    tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = strategy_file(tmp_path)
    alone = replay(capsys, tape, "--strategy", f"{file}:Round").json["accounts"][0]
    said = saved(capsys, tape, f"{file}:Wrong", f"{file}:Round").json
    wrong, well = said["accounts"]
    assert wrong["stopped"] == "ValueError: the sky is falling"
    assert wrong["fills"] >= 1
    assert well["stopped"] is None
    assert abs(well["fills"] - alone["fills"]) <= 2, "its orders travel a little differently, as more are drawn for"
    for options in ((), ("--rerun",)):
        again = replay(capsys, tape / "runs" / "0001", *options)
        assert (again.code, again.json["accounts"]) == (0, said["accounts"])


def test_a_strategy_that_is_not_there_is_told_before_anything_is_kept(
    tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = strategy_file(tmp_path)
    for spec, told in (
        (f"{tmp_path}/none.py:Round", "round_trip.py"),
        (f"{file}:None_", "its strategies are Round, Wrong"),
        (f"{file}:Round?speed=3", "every=20"),
        ("no_such_module:Round", "no_such_module"),
        ("Round", "file.py:Class"),
    ):
        said = replay(capsys, tape, "--strategy", f"{file}:Round", "--strategy", spec, "--save")
        assert (said.code, said.out) == (3, "")
        assert told in said.error
    assert not (tape / "runs").exists()


def test_a_run_whose_strategy_is_gone_is_applied_but_not_called(
    tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = strategy_file(tmp_path)
    saved(capsys, tape, f"{file}:Round")
    file.unlink()
    assert replay(capsys, tape / "runs" / "0001").code == 0
    said = replay(capsys, tape / "runs" / "0001", "--rerun")
    assert (said.code, said.out) == (3, "")
    assert "round_trip.py" in said.error


async def test_a_run_killed_while_it_is_saved_can_be_replayed(
    tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = f"{strategy_file(tmp_path, KILLED, 'killed.py')}:Killed"
    running = await start(tmp_path, "replay", str(tape), "--strategy", spec, "--save", KILL_AT_CALL="12")
    assert (await running.ended()).code == -9
    commands = replay(capsys, tape / "runs" / "0001")
    assert (commands.code, commands.json["difference"]) == (0, None), commands.err
    assert 0 < commands.json["orders"] <= 11
    whole = replay(capsys, tape, "--strategy", spec).json
    again = replay(capsys, tape / "runs" / "0001", "--rerun")
    assert (again.code, again.json["difference"]) == (0, None), again.err
    assert again.json["state_hash"] == whole["state_hash"], "called again, it does what it would have done"
    assert again.json["orders"] > commands.json["orders"]


def test_a_damaged_run_is_told(tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved(capsys, tape, f"{strategy_file(tmp_path)}:Round")
    log = tape / "runs" / "0001" / "000001.log"
    data = bytearray(log.read_bytes())
    data[len(data) // 2] ^= 1
    log.write_bytes(data)
    said = replay(capsys, tape / "runs" / "0001")
    assert (said.code, said.out) == (5, "")
    assert "000001.log" in said.error
    assert here(capsys, "verify", str(tape)).code == 1


@pytest.mark.parametrize(
    "options",
    [
        ("TAPE", "--rerun"),
        ("REEL", "--rerun"),
        ("TAPE", "--save"),
        ("TAPE", "--models", "frictionless"),
        ("TAPE", "--fills", "x.csv"),
        ("REEL", "--strategy", "a:B", "--save"),
        ("TAPE", "--strategy", "a:B", "--orders", "x.csv"),
        ("TAPE", "--strategy", "a:B", "--fills", "x.csv"),
        ("TAPE", "--strategy", "a:B", "--leverage", "0"),
        ("TAPE", "--strategy", "a:B", "--seed", "-1"),
        ("RUN", "--strategy", "a:B"),
        ("RUN", "--orders", "x.csv"),
        ("RUN", "--fills", "x.csv"),
        ("RUN", "--models", "frictionless"),
        ("RUN", "--save"),
        ("RUN", "--cash", "5"),
        ("RUN", "--leverage", "5"),
        ("RUN", "--seed", "5"),
        ("RUN", "REEL"),
    ],
    ids=" ".join,
)
def test_options_that_do_not_go_together_are_usage(
    tape: Path, market: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    (tape / "runs" / "0001").mkdir(parents=True)
    reel = ("--reel", market / "made.reel", "--venue", "binance-spot", "--symbol", SYMBOL)
    places = {"TAPE": (tape,), "RUN": (tape / "runs" / "0001",), "REEL": reel}
    said = replay(capsys, *(word for option in options for word in places.get(option, (option,))))
    assert (said.code, said.out) == (2, "")
    assert said.error


@pytest.mark.parametrize("cash", ["much", "-5", "nan", "1e30", "0.123456789"])
def test_money_that_is_none_is_told(tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], cash: str) -> None:
    said = replay(capsys, tape, "--strategy", f"{strategy_file(tmp_path)}:Round", f"--cash={cash}", "--save")
    assert (said.code, said.out) == (3, "")
    assert cash in said.error
    assert not (tape / "runs").exists()


def test_a_run_that_was_stopped_while_it_began_is_told(tape: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tape / "runs" / "0001").mkdir(parents=True)
    said = replay(capsys, tape / "runs" / "0001")
    assert (said.code, said.out) == (5, "")
    assert "0001" in said.error
