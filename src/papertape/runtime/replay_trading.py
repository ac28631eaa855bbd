"""What every replay that trades does alike: its run is begun, kept on the tape or not, ended, and answered."""

from typing import NamedTuple

from papertape.core.actions import ReplayResult
from papertape.paper_trading.engine.run import Run
from papertape.runtime.replay_source import Played, Tally
from papertape.runtime.runs import RunPlan, WrittenRun, account_results, begin_run, new_run


class Trading(NamedTuple):
    """A run at work; `written` when it is kept on its tape, and then its writer is to be closed."""

    run: Run
    written: WrittenRun | None


def begin(plan: RunPlan, played: Played, *, save: bool) -> Trading:
    """The run before its first record. Only a tape can keep one, see `played_of`."""
    if not save:
        return Trading(new_run(plan), None)
    assert played.directory is not None
    written = begin_run(played.directory, plan, lambda: None)
    return Trading(written.run, written)


def ended(trading: Trading, played: Played, tally: Tally) -> ReplayResult:
    """End the run, and answer."""
    run, written = trading
    if written is None:
        run.finish()
        state_hash, run_id = run.state_hash(), None
    else:
        state_hash, run_id = written.end(run.cursor), written.writer.run_id
    return answer(run, played, tally, state_hash, run_id)


def answer(
    run: Run, played: Played, tally: Tally, state_hash: str, run_id: str | None, difference: str | None = None
) -> ReplayResult:
    """The answer of a replay whose run has ended."""
    return tally.result(
        run.engine.market,
        played,
        state_hash,
        orders=run.engine.view().orders_made,
        accounts=account_results(run),
        run=run_id,
        difference=difference,
    )
