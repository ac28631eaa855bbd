"""`papertape venue`: the exchange in a box, until a signal comes."""

from contextlib import AbstractAsyncContextManager

from papertape.core.action_parts import VenueName
from papertape.core.actions import Venue, VenueResult
from papertape.core.errors import UsageError
from papertape.runtime.loops import run_async, stop_signals
from papertape.runtime.outcome import INTERRUPTED, Outcome
from papertape.runtime.shell import Shell
from papertape.venue.server import RunningVenue, running_market, running_venue
from papertape.venue.synthetic.listings import first_symbols

SYMBOLS_DEFAULT = 5


def run(request: Venue, shell: Shell) -> Outcome[VenueResult]:
    """Handle a `Venue` request."""
    name, box = _box(request)
    return run_async(_serve(name, box, shell))


def _box(request: Venue) -> tuple[VenueName, AbstractAsyncContextManager[RunningVenue]]:
    """What to serve. Raises UsageError for options that do not go together."""
    if request.seed is not None:
        if request.reel or request.symbol is not None:
            raise UsageError("expected --reel and --symbol, or --seed and --symbols, was both: a box serves one market")
        name = request.venue or "binance-spot"
        symbols = market_symbols(request.symbols)
        return name, running_market(request.seed, symbols, name, port=request.port, speed=request.speed)
    if request.symbols:
        raise UsageError("expected --seed with --symbols: they are of the market that is made; a reel takes --symbol")
    if not request.reel or request.venue is None or request.symbol is None:
        raise UsageError("expected --reel with --venue and --symbol, or --seed with --symbols, to say what to serve")
    symbol = request.symbol.strip().upper()
    box = running_venue(request.reel, request.venue, symbol, port=request.port, speed=request.speed)
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
            result = VenueResult(port=box.port, reel_ended=box.done.is_set())
    return Outcome(result, INTERRUPTED if interrupted else 0)
