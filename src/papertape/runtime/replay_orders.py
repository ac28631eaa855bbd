"""`papertape replay --orders`: orders from a file on a tape or on reels, without code."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from papertape.core.actions import Replay, ReplayResult
from papertape.core.errors import InputError, UsageError
from papertape.core.fixed import parse_fixed
from papertape.core.instruments import MONEY_SCALE, Instrument, listed_in
from papertape.paper_trading.engine.order_player import OrderPlayer, PlannedOrder
from papertape.paper_trading.engine.rows import LARGE
from papertape.runtime.models import Models, load_models
from papertape.runtime.orders_file import OrderRow, check_writable, read_orders, with_symbols, write_fills
from papertape.runtime.outcome import Outcome
from papertape.runtime.replay_source import Played, Records, Tally, played_of
from papertape.runtime.replay_trading import Trading, begin, ended
from papertape.runtime.runs import AccountPlan, RunPlan
from papertape.runtime.shell import Shell
from papertape.tape.market_reader import MarketReader


def run(request: Replay, shell: Shell) -> Outcome[ReplayResult]:
    """Handle a `Replay` request with orders."""
    orders = _checked(request)
    played, tally = played_of(request), Tally()
    models, rows = load_models(request.models), read_orders(orders)
    if request.fills:
        check_writable(request.fills)
    shell.compile_engine()
    begun: tuple[Trading, OrderPlayer] | None = None
    with ExitStack() as stack:
        for first_seq, records in played.batches(shell):
            if begun is None:
                begun = _begin(request, played, rows, models, records)
                if begun[0].written:
                    stack.enter_context(begun[0].written.writer)
            begun[0].run.take(first_seq, records)
            tally.look(records)
        if begun is None:
            raise InputError("expected a tape with records, was an empty one")
        trading, player = begun
        result = ended(trading, played, tally)
    if request.fills:
        write_fills(request.fills, player.results(trading.run.engine.now_ns))
    return Outcome(result)


def _checked(request: Replay) -> str:
    """The orders file of a request whose options go together."""
    if not request.orders:
        raise UsageError("--fills belongs to --orders")
    if request.strategy:
        raise UsageError("expected --strategy or --orders, was both; replay twice")
    if request.fills and Path(request.fills).resolve() == Path(request.orders).resolve():
        raise UsageError("expected --fills to be another file than --orders, was the same")
    return request.orders


def _begin(
    request: Replay, played: Played, rows: Sequence[OrderRow], models: Models, records: Records
) -> tuple[Trading, OrderPlayer]:
    """The run before its first record, which is among `records`, and who sends its orders."""
    listed = _listed(played, records)
    rows = with_symbols(request.orders or "", rows, list(listed))
    accounts = _accounts(request, rows, listed)
    names = [account.name for account in accounts]
    plan = RunPlan(accounts=accounts, models=models, seed=request.seed)
    trading = begin(plan, played, save=request.save)
    player = OrderPlayer([_planned(row, names.index(row.account)) for row in rows])
    trading.run.follow(player)
    return trading, player


def _listed(played: Played, records: Records) -> dict[str, Instrument]:
    """All instruments that the market has, by symbol: those of reels are listed at once, a tape's perhaps later."""
    found = listed_in(records)
    if played.directory is not None:
        for batch in MarketReader.open(played.directory).batches(check=False):
            found.update(listed_in(batch.records))
    return {one.symbol: one for one in found.values()}


def _accounts(request: Replay, rows: Sequence[OrderRow], listed: dict[str, Instrument]) -> tuple[AccountPlan, ...]:
    """The accounts that are named, each in the currency of the first order there."""
    cash = parse_fixed(request.cash, MONEY_SCALE)
    symbols: dict[str, str] = {}
    for row in rows:
        symbols.setdefault(row.account, row.symbol)
        if len(symbols) > LARGE.accounts:
            raise InputError(
                f"{request.orders}, line {row.line}, account: expected at most {LARGE.accounts} different ones, was one more"
            )
    return tuple(
        AccountPlan(name=name, cash=cash, leverage=request.leverage, currency=listed[symbol].quote or "USDT")
        for name, symbol in symbols.items()
    )


def _planned(row: OrderRow, account: int) -> PlannedOrder:
    return PlannedOrder(row.ts_ns, account, row.symbol, row.side, row.type, row.tif, row.price, row.size, row.cancel_ns)
