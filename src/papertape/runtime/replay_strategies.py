"""`papertape replay --strategy`: strategies on a tape or on reels, each in an account of its own."""

from contextlib import ExitStack

from papertape.core.actions import Replay, ReplayResult
from papertape.core.errors import InputError, UsageError
from papertape.core.fixed import parse_fixed
from papertape.core.instruments import MONEY_SCALE, listed_in
from papertape.core.trading_actions import Paper, Serve
from papertape.runtime.models import load_models
from papertape.runtime.outcome import Outcome
from papertape.runtime.replay_source import Records, Tally, played_of
from papertape.runtime.replay_trading import Trading, begin, ended
from papertape.runtime.runs import AccountPlan, RunPlan, currency_of
from papertape.runtime.shell import Shell
from papertape.runtime.watchdog import watched


def run(request: Replay, shell: Shell) -> Outcome[ReplayResult]:
    """Handle a `Replay` request with strategies."""
    if request.fills:
        raise UsageError("--fills belongs to --orders")
    played, tally = played_of(request), Tally()
    shell.compile_engine()
    trading: Trading | None = None
    with ExitStack() as stack:
        for first_seq, records in played.batches(shell):
            if trading is None:
                trading = begin(plan_of(request, records), played, save=request.save)
                if trading.written:
                    stack.enter_context(trading.written.writer)
                stack.enter_context(watched(trading.run))
            trading.run.take(first_seq, records)
            tally.look(records)
        if trading is None:
            raise InputError("expected a tape with records, was an empty one")
        return Outcome(ended(trading, played, tally))


def plan_of(request: Replay, records: Records) -> RunPlan:
    """What the request asks for, on a market that begins with `records`."""
    return plan_in(request, currency_of(listed_in(records)))


def plan_in(request: Replay | Paper | Serve, currency: str) -> RunPlan:
    """The run that a request asks for, in accounts of this currency."""
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
