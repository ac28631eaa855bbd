"""`papertape replay TAPE/runs/0001`: a recorded run again, from its commands or with its strategies."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from papertape.core.actions import Replay, ReplayResult
from papertape.core.errors import UsageError
from papertape.paper_trading.engine import facts
from papertape.paper_trading.engine.again import ComparedFacts, apply_again
from papertape.runtime.outcome import Outcome
from papertape.runtime.replay_source import Played, Records, Tally
from papertape.runtime.replay_trading import answer
from papertape.runtime.runs import KINDS, RUN_ENDED, RUN_PAUSED, new_run, read_run, take_market
from papertape.runtime.shell import Shell
from papertape.runtime.watchdog import watched
from papertape.tape.market_reader import MarketReader


def run(request: Replay, shell: Shell) -> Outcome[ReplayResult]:
    """Handle a `Replay` request of a run: exit 1 when a fact, a command or the state came out differently."""
    if msgspec.structs.replace(request, rerun=False) != Replay(tape=request.tape):
        raise UsageError("a run says itself what it traded: expected no option but --rerun with it")
    place = Path(request.tape or "").resolve()
    directory, run_id = place.parent.parent, place.name
    plan, recorded, _ = read_run(directory, run_id)
    shell.compile_engine()
    tally = Tally()
    stood = recorded.streams[recorded.last][-1] if recorded.last in (RUN_ENDED, RUN_PAUSED) else None
    # A run that was killed did not say where it stood: what comes out beyond its last record is no difference.
    told = ComparedFacts(recorded, KINDS, None if stood else facts.NoFacts())
    again = new_run(plan, told, seated=request.rerun)
    batches = _market(directory, stood["next_seq"] if stood else None, tally)
    if request.rerun:
        with watched(again):
            take_market(again, plan.begins_seq, 0, batches)
            if recorded.last != RUN_PAUSED:
                again.finish()
    else:
        apply_again(again, recorded.inputs, batches)
    difference, state_hash = told.finish(), again.state_hash()
    if difference is None and stood and stood["state_hash"] != state_hash:
        difference_text: str | None = f"state: recorded {stood['state_hash']}, now {state_hash}"
    else:
        difference_text = str(difference) if difference else None
    result = answer(again, Played(directory, [], None), tally, state_hash, run_id, difference_text)
    if difference_text:
        return Outcome(result, 1, f"run {run_id}: came out differently: {difference_text}")
    return Outcome(result)


def _market(directory: Path, until_seq: int | None, tally: Tally) -> Iterator[tuple[int, Records]]:
    """The market records before `until_seq`, without block headers."""
    for batch in MarketReader.open(directory).blocks():
        records = batch.records if until_seq is None else batch.records[: max(until_seq - batch.first_seq, 0)]
        if not len(records):
            return
        tally.look(records)
        yield batch.first_seq, records
