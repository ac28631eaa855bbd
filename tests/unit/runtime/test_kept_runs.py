"""Going on with a run, or not: what must be the same, and what is told when it is not."""

from pathlib import Path

import msgspec
import pytest

from papertape.core.actions import Replay
from papertape.core.errors import InputError
from papertape.core.trading_actions import Paper
from papertape.paper_trading.strategy import Context, Strategy
from papertape.runtime.kept_runs import difference, go_on, pause, plan_of
from papertape.runtime.models import load_models
from papertape.runtime.replay_run import run as replay
from papertape.runtime.runs import RunPlan
from papertape.runtime.shell import Shell
from papertape.tape.market_writer import MarketWriter
from tests.small_market import events, small_market


class Still(Strategy):
    """Does nothing, and remembers what it saw."""

    def __init__(self) -> None:
        self.starts = 0

    def on_start(self, ctx: Context) -> None:
        self.starts += 1


class Forgetful(Still):
    """Remembers what cannot be kept."""

    def on_start(self, ctx: Context) -> None:
        self.forgets = lambda: 0


def request(*strategies: str, **options: object) -> Paper:
    named = [f"{__name__}:{one}" for one in strategies]
    return msgspec.convert({"venue": "binance-spot", "strategy": named, **options}, Paper)


def plan(*strategies: str, **options: object) -> RunPlan:
    return plan_of(request(*strategies, **options), "USD")


def no_note(*_: object, **__: object) -> None:
    """What is noted is not looked at."""


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    """A tape with some records."""
    with MarketWriter.open(tmp_path / "tape") as writer:
        for _, records in events(small_market(200), 50):
            writer.append(records.tobytes())
    return tmp_path / "tape"


def next_seq(tape: Path) -> int:
    with MarketWriter.open(tape) as writer:
        return writer.next_seq


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (plan("Still", cash="7.5"), "--cash 100000, was 7.5"),
        (plan("Still", leverage=2), "--leverage 10, was 2"),
        (plan("Forgetful"), "--strategy"),
        (plan("Still", "Still"), "--strategy"),
        (plan("Still", seed=4), "the same seed: 0, was 4"),
        (msgspec.structs.replace(plan("Still"), models=load_models("frictionless")), "the same models"),
        (msgspec.structs.replace(plan("Still"), papertape="0.0.0"), "papertape "),
    ],
)
def test_the_first_thing_that_differs_is_named(other: RunPlan, words: str) -> None:
    assert words in (difference(plan("Still"), other) or "")
    assert difference(plan("Still"), plan("Still")) is None


def test_a_plan_needs_a_strategy() -> None:
    with pytest.raises(InputError, match="--strategy: expected at least one"):
        plan()


@pytest.mark.parametrize("strategy", ["Still", "Forgetful"])
def test_a_run_that_was_paused_goes_on_and_another_one_is_begun_when_asked(tape: Path, strategy: str) -> None:
    end_seq = next_seq(tape)
    asked = msgspec.structs.replace(plan(strategy), begins_seq=end_seq)
    first, went_on = go_on(tape, asked, lambda: None)
    assert (went_on, first.next_seq, first.run.engine.market.counts().records > 0) == (False, end_seq, True)
    with first.writer:
        paused = pause(first, end_seq, no_note)
    second, went_on = go_on(tape, asked, lambda: None)
    assert (went_on, second.writer.run_id, second.next_seq) == (True, "0001", end_seq)
    assert second.run.state_hash() == paused
    second.writer.close()
    with pytest.raises(InputError, match="--cash 100000, was 5; or begin anew with --new"):
        go_on(tape, plan(strategy, cash="5"), lambda: None)
    third, went_on = go_on(tape, asked, lambda: None, anew=True)
    assert (went_on, third.writer.run_id) == (False, "0002")
    with third.writer:
        third.end(end_seq)
    fourth, went_on = go_on(tape, asked, lambda: None)
    assert (went_on, fourth.writer.run_id) == (False, "0003"), "a run that has ended does not go on"
    fourth.writer.close()


def test_a_paused_run_is_replayed_to_where_it_stood(tape: Path) -> None:
    half = next_seq(tape)
    begun, _ = go_on(tape, msgspec.structs.replace(plan("Still"), begins_seq=half), lambda: None)
    with begun.writer:
        paused = pause(begun, half, no_note)
    with MarketWriter.open(tape) as writer:
        for _, records in events(small_market(100), 50):
            writer.append(records.tobytes())
    outcome = replay(Replay(tape=str(tape / "runs" / "0001")), Shell())
    assert (outcome.exit_code, outcome.response.state_hash) == (0, paused)
