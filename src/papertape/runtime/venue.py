"""`papertape venue`: the exchange in a box, until a signal comes."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from papertape.core.action_parts import VenueName
from papertape.core.actions import Venue, VenueResult
from papertape.core.errors import InputError, UsageError
from papertape.runtime.loops import run_async, stop_signals
from papertape.runtime.outcome import INTERRUPTED, Outcome
from papertape.runtime.shell import Shell
from papertape.venue.faults.schema import FaultPlan, load_faults
from papertape.venue.server import RunningVenue, Setup, running_market, running_venue
from papertape.venue.synthetic.listings import first_symbols

SYMBOLS_DEFAULT = 5


def run(request: Venue, shell: Shell) -> Outcome[VenueResult]:
    """Handle a `Venue` request."""
    name, box = _box(request, _setup(request))
    return run_async(_serve(name, box, shell))


def _setup(request: Venue) -> Setup:
    """What the box is given beside its market. Raises InputError for a file that cannot be used."""
    faults = load_faults(request.faults) if request.faults is not None else FaultPlan()
    token = ""
    if request.control_token_file is not None:
        try:
            token = Path(request.control_token_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{request.control_token_file} cannot be read: {error}") from error
        if not token:
            raise InputError(f"{request.control_token_file}: expected a token, was an empty file; write one into it")
    return Setup(faults=faults, token=token)


def _box(request: Venue, setup: Setup) -> tuple[VenueName, AbstractAsyncContextManager[RunningVenue]]:
    """What to serve. Raises UsageError for options that do not go together."""
    if request.seed is not None:
        if request.reel or request.symbol is not None:
            raise UsageError("expected --reel and --symbol, or --seed and --symbols, was both: a box serves one market")
        name = request.venue or "binance-spot"
        symbols = market_symbols(request.symbols)
        return name, running_market(request.seed, symbols, name, port=request.port, speed=request.speed, setup=setup)
    if request.symbols:
        raise UsageError("expected --seed with --symbols: they are of the market that is made; a reel takes --symbol")
    if not request.reel or request.venue is None or request.symbol is None:
        raise UsageError("expected --reel with --venue and --symbol, or --seed with --symbols, to say what to serve")
    symbol = request.symbol.strip().upper()
    box = running_venue(request.reel, request.venue, symbol, port=request.port, speed=request.speed, setup=setup)
    return request.venue, box


def market_symbols(given: list[str]) -> tuple[str, ...]:
    """The names that `--symbols` means: a number is so many of the list. Raises InputError for a number it does not have."""
    match given:
        case []:
            return first_symbols(SYMBOLS_DEFAULT)
        case [one] if one.strip().isdecimal():
            return first_symbols(int(one))
        case _:
            return tuple(one.strip().upper() for one in given)


async def _serve(
    name: VenueName, running: AbstractAsyncContextManager[RunningVenue], shell: Shell
) -> Outcome[VenueResult]:
    with stop_signals() as stop:
        async with running as box:
            shell.say(f"{name} listens: --ws-url {box.ws_url} --rest-url {box.rest_url}")
            interrupted = await stop
            report = box.report()
            result = VenueResult(
                port=box.port,
                reel_ended=box.done.is_set(),
                connections=report["opened"],
                faults_done=sum(fault["state"] != "to come" for fault in report["faults"]),
                rate_violations=report["rate_violations"],
            )
    return Outcome(result, INTERRUPTED if interrupted else 0)
