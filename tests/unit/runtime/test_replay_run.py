"""Comparing a run with what it recorded; whole runs are in tests/integration/test_replay_runs.py."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from papertape.core.actions import Replay
from papertape.core.errors import InputError, IntegrityError, UsageError
from papertape.runtime import replay_strategies
from papertape.runtime.replay_run import run
from papertape.runtime.runs import RUN_ENDED
from papertape.runtime.shell import Shell
from papertape.tape.control import RunReader, RunWriter
from tests.made_tape import made_market, strategy_file


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    """A tape with the run 0001."""
    made = made_market(tmp_path, 3)
    request = Replay(tape=str(made), strategy=[f"{strategy_file(tmp_path)}:Round"], save=True)
    assert replay_strategies.run(request, Shell()).response.fills
    return made


def replayed(tape: Path, run_id: str = "0001", *, rerun: bool = False) -> Any:
    return run(Replay(tape=str(tape / "runs" / run_id), rerun=rerun), Shell())


def rewritten(tape: Path, kind: str, change: Any, *, ends: bool = True) -> None:
    """Write run 0001 anew as 0002, with the first record of `kind` changed and, if wanted, its end left out."""
    records = list(RunReader.open(tape, "0001").records())
    changed = next(place for place, one in enumerate(records) if one.kind == kind)
    with RunWriter.create(tape, records[0].body, lambda: None) as writer:
        for place, one in enumerate(records[1:], 1):
            body = change(one.body) if place == changed else one.body
            if ends or one.kind != RUN_ENDED:
                writer.append(one.cursor_seq, one.kind, body)


def test_a_run_comes_out_as_it_was(tape: Path) -> None:
    commands, strategies = replayed(tape), replayed(tape, rerun=True)
    assert (commands.exit_code, strategies.exit_code) == (0, 0)
    assert commands.response.state_hash == strategies.response.state_hash
    assert (commands.response.run, commands.response.difference) == ("0001", None)


def test_a_compiled_strategy_sends_no_commands_and_trades_again(tape: Path, tmp_path: Path) -> None:
    compiled = Path(__file__).parents[3] / "examples" / "compiled_quoter.py"
    strategies = [f"{compiled}:CompiledQuoter", f"{strategy_file(tmp_path)}:Round"]
    saved = replay_strategies.run(Replay(tape=str(tape), strategy=strategies, save=True), Shell()).response
    assert min(one.fills for one in saved.accounts) > 0
    for rerun in (False, True):
        outcome = replayed(tape, "0002", rerun=rerun)
        assert (outcome.response.difference, outcome.response.state_hash) == (None, saved.state_hash)


def test_a_state_that_was_another_is_told(tape: Path) -> None:
    rewritten(tape, RUN_ENDED, lambda body: body | {"state_hash": "0" * 32})
    outcome = replayed(tape, "0002")
    assert outcome.exit_code == 1
    assert outcome.response.difference == f"state: recorded {'0' * 32}, now {outcome.response.state_hash}"
    assert outcome.error.startswith("run 0002: came out differently: state")


def test_a_fact_that_was_another_is_told(tape: Path) -> None:
    rewritten(tape, "events", lambda body: [[*body[0][:-1], body[0][-1] + 1], *body[1:]])
    outcome = replayed(tape, "0002")
    assert outcome.exit_code == 1
    assert outcome.response.difference.startswith("events 0: recorded ")


def test_a_run_without_its_end_is_held_to_what_it_recorded(tape: Path) -> None:
    rewritten(tape, "events", lambda body: body, ends=False)
    outcome = replayed(tape, "0002", rerun=True)
    assert (outcome.exit_code, outcome.response.difference) == (0, None)
    assert outcome.response.state_hash == replayed(tape).response.state_hash
    rewritten(tape, "events", lambda body: [[*body[0][:-1], body[0][-1] + 1], *body[1:]], ends=False)
    with pytest.raises(IntegrityError, match="events 0"):
        replayed(tape, "0003")


def test_a_run_ends_where_it_ended_though_the_tape_went_on(tape: Path) -> None:
    """The run is told to have ended with the first half of the market."""
    whole = replayed(tape).response
    records = list(RunReader.open(tape, "0001").records())
    half = records[-1].body["next_seq"] // 2
    with RunWriter.create(tape, records[0].body, lambda: None) as writer:
        for one in records[1:-1]:
            if one.cursor_seq < half:
                writer.append(one.cursor_seq, one.kind, one.body)
        writer.append(half, RUN_ENDED, {"state_hash": "", "next_seq": half})
    result = replayed(tape, "0002").response
    assert 0 < result.market_records < whole.market_records


def test_no_other_option_goes_with_a_run(tape: Path) -> None:
    place = str(tape / "runs" / "0001")
    for changed in ({"cash": "1"}, {"leverage": 2}, {"seed": 1}, {"fills": "f"}, {"reel": ["r"]}, {"save": True}):
        with pytest.raises(UsageError, match="no option but --rerun"):
            run(msgspec.structs.replace(Replay(tape=place), **changed), Shell())


def test_a_run_that_is_not_there_is_told(tape: Path) -> None:
    with pytest.raises(InputError, match="0001"):
        replayed(tape, "0007")
