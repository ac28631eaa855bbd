"""`papertape venue`: the exchange in a box, until a signal comes."""

from papertape.core.actions import Venue, VenueResult
from papertape.runtime.loops import run_async, stop_signals
from papertape.runtime.outcome import INTERRUPTED, Outcome
from papertape.runtime.shell import Shell
from papertape.venue.server import running_venue


def run(request: Venue, shell: Shell) -> Outcome[VenueResult]:
    """Handle a `Venue` request."""
    return run_async(_serve(request, shell))


async def _serve(request: Venue, shell: Shell) -> Outcome[VenueResult]:
    symbol = request.symbol.strip().upper()
    with stop_signals() as stop:
        async with running_venue(request.reel, request.venue, symbol, port=request.port, speed=request.speed) as box:
            shell.say(f"{request.venue} listens: --ws-url {box.ws_url} --rest-url {box.rest_url}")
            interrupted = await stop
            result = VenueResult(port=box.port, reel_ended=box.done.is_set())
    return Outcome(result, INTERRUPTED if interrupted else 0)
