"""`papertape replay`: a tape, a run or reels again, alone or with strategies or orders on them."""

from pathlib import Path

from papertape.core.actions import Replay, ReplayResult
from papertape.core.errors import UsageError
from papertape.runtime.outcome import Outcome
from papertape.runtime.replay_source import Tally, played_of
from papertape.runtime.shell import Shell
from papertape.tape.control import is_run

_OF_TRADING = ("cash", "leverage", "models", "seed", "save")


def run(request: Replay, shell: Shell) -> Outcome[ReplayResult]:
    """Handle a `Replay` request."""
    # What trades needs the engine's kernels, which a replay of the market alone does not load.
    if request.tape and is_run(Path(request.tape)):
        from papertape.runtime import replay_run

        return replay_run.run(request, shell)
    if request.rerun:
        raise UsageError("--rerun belongs to a run, such as TAPE/runs/0001")
    if request.orders or request.fills:
        from papertape.runtime import replay_orders

        return replay_orders.run(request, shell)
    if request.strategy:
        from papertape.runtime import replay_strategies

        return replay_strategies.run(request, shell)
    alone = Replay(tape=request.tape, reel=request.reel, venue=request.venue, symbol=request.symbol)
    if request != alone:
        given = [name for name in _OF_TRADING if getattr(request, name) != getattr(alone, name)]
        raise UsageError(f"--{', --'.join(given)}: expected --strategy or --orders with it, was neither")
    return _replay_market(request, shell)


def _replay_market(request: Replay, shell: Shell) -> Outcome[ReplayResult]:
    tally, played = Tally(), played_of(request)
    market = shell.compiled_market()
    for _, records in played.batches(shell):
        market.apply(records)
        tally.look(records)
    return Outcome(tally.result(market, played, market.state_hash()))
