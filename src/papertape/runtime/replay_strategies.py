"""`papertape replay --strategy`: strategies on a tape or on reels, each in an account of its own."""

from contextlib import ExitStack

from papertape.core.actions import Replay, ReplayResult
from papertape.core.errors import InputError, UsageError
from papertape.core.fixed import parse_fixed
from papertape.core.instruments import MONEY_SCALE
from papertape.paper_trading.engine.run import Run
from papertape.runtime.listed import listed_in
from papertape.runtime.models import load_models
from papertape.runtime.outcome import Outcome
from papertape.runtime.replay_source import Played, Records, Tally, played_of
from papertape.runtime.runs import AccountPlan, RunPlan, WrittenRun, account_results, begin_run, currency_of, new_run
from papertape.runtime.shell import Shell
from papertape.runtime.watchdog import watched


def run(request: Replay, shell: Shell) -> Outcome[ReplayResult]:
    """Handle a `Replay` request with strategies."""
    if request.fills:
        raise UsageError("--fills belongs to --orders")
    played, tally = played_of(request), Tally()
    if request.save and played.directory is None:
        raise UsageError("--save keeps a run on its tape; reels have none: record or replay a tape")
    shell.compile_engine()
    run, written, next_seq = None, None, 0
    with ExitStack() as stack:
        for first_seq, records in played.batches(shell):
            if run is None:
                run, written = _begin(request, played, records)
                if written:
                    stack.enter_context(written.writer)
                stack.enter_context(watched(run))
            run.take(first_seq, records)
            tally.look(records)
            next_seq = run.cursor
        if run is None:
            raise InputError("expected a tape with records, was an empty one")
        return Outcome(_ended(run, written, next_seq, played, tally))


def plan_of(request: Replay, records: Records) -> RunPlan:
    """What the request asks for, on a market that begins with `records`."""
    currency = currency_of(listed_in(records))
    cash = parse_fixed(request.cash, MONEY_SCALE)
    names = account_names(request.strategy)
    accounts = tuple(
        AccountPlan(name=name, cash=cash, leverage=request.leverage, currency=currency, strategy=strategy)
        for name, strategy in zip(names, request.strategy, strict=True)
    )
    return RunPlan(accounts=accounts, models=load_models(request.models), seed=request.seed)


def account_names(strategies: list[str]) -> list[str]:
    """A name for the account of each strategy: that of its class, numbered where it comes again."""
    names: list[str] = []
    for spec in strategies:
        name = spec.partition("?")[0].rpartition(":")[2].lower() or "account"
        taken = sum(one.rpartition("-")[0] == name or one == name for one in names)
        names.append(f"{name}-{taken + 1}" if taken else name)
    return names


def _begin(request: Replay, played: Played, records: Records) -> tuple[Run, WrittenRun | None]:
    plan = plan_of(request, records)
    if not request.save:
        return new_run(plan), None
    assert played.directory is not None
    written = begin_run(played.directory, plan, lambda: None)
    return written.run, written


def _ended(run: Run, written: WrittenRun | None, next_seq: int, played: Played, tally: Tally) -> ReplayResult:
    if written is None:
        run.finish()
        state_hash = run.state_hash()
    else:
        state_hash = written.end(next_seq)
    run_id = written.writer.run_id if written else None
    orders = run.engine.view().orders_made
    market = run.engine.market
    return tally.result(market, played, state_hash, orders=orders, accounts=account_results(run), run=run_id)
