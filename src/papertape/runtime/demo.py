"""`papertape demo`: a market through the exchange in a box, real sockets, the recorder and the tape, and its replay."""

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from papertape.core.actions import Demo, DemoResult, LatencyUs, Replay, VenueName, Verify
from papertape.core.errors import UsageError
from papertape.data.wire.binance.rules import VENUES
from papertape.runtime import replay, verify
from papertape.runtime.config import load_config
from papertape.runtime.demo_view import DemoView, watch
from papertape.runtime.home import config_file, new_demo_directory
from papertape.runtime.loops import run_async
from papertape.runtime.outcome import INTERRUPTED, Outcome
from papertape.runtime.recording import Recording, Source, listen, open_recording
from papertape.runtime.shell import Shell
from papertape.tape.follower import MarketFollower
from papertape.venue.seeded_reel import SYMBOL, write_seeded_reel
from papertape.venue.server import RunningVenue, running_venue

OPENING_S = 1.0
"""The box opens its market half a second after the last subscription."""
DRAIN_S = 0.2
"""What was sent last is given this long to arrive."""


class _Played(NamedTuple):
    """What the box plays."""

    reels: list[str]
    venue: VenueName
    symbol: str
    seconds: float


class _Live(NamedTuple):
    """What was there at the end of recording."""

    frames: int
    live_hash: str
    latency_us: LatencyUs
    interrupted: bool


def run(request: Demo, shell: Shell) -> Outcome[DemoResult]:
    """Handle a `Demo` request."""
    with TemporaryDirectory(prefix="papertape-demo-") as folder:
        played = _played(request, Path(folder), shell)
        tape = new_demo_directory()
        live = run_async(_record(played, tape, shell))
    shell.say("reading the tape back …")
    verified = verify.run(Verify(tape=str(tape)), shell)
    replayed = replay.run(Replay(tape=str(tape)), shell).response
    result = DemoResult(
        venue=played.venue,
        symbol=played.symbol,
        seed=None if request.reel else request.seed,
        frames=live.frames,
        market_records=replayed.market_records,
        prints=replayed.prints,
        sequence_breaks=replayed.sequence_breaks,
        book_checks=replayed.book_checks,
        book_mismatches=replayed.book_mismatches,
        latency_us=live.latency_us,
        verified=verified.response.ok,
        live_hash=live.live_hash,
        replay_hash=replayed.state_hash,
        same=live.live_hash == replayed.state_hash,
        tape=str(tape),
    )
    if verified.exit_code:
        return Outcome(result, verified.exit_code, verified.error)
    if result.book_mismatches or result.sequence_breaks:
        wrong = f"{result.book_mismatches} mismatches of the book and {result.sequence_breaks} sequence breaks"
        return Outcome(result, 1, f"{tape}: expected none, was {wrong}")
    if not result.same:
        error = f"{tape}: expected the replay to end in the state {result.live_hash}, was {result.replay_hash}"
        return Outcome(result, 1, error)
    return Outcome(result, INTERRUPTED if live.interrupted else 0)


def _played(request: Demo, folder: Path, shell: Shell) -> _Played:
    if request.reel:
        if not request.venue or not request.symbol:
            raise UsageError("expected --venue and --symbol with --reel, to say what the reels hold")
        return _Played(request.reel, request.venue, request.symbol.strip().upper(), request.seconds)
    if request.venue or request.symbol:
        raise UsageError("--venue and --symbol belong to --reel; the market that is made is binance-spot BTCUSDT")
    shell.say(f"making a market of {request.seconds:g} s from seed {request.seed} …")
    reel = folder / "made.reel"
    write_seeded_reel(reel, request.seed, request.seconds)
    return _Played([str(reel)], "binance-spot", SYMBOL, request.seconds)


async def _record(played: _Played, tape: Path, shell: Shell) -> _Live:
    """Serve what is played, record it over loopback onto `tape`, and show it."""
    silence_s = load_config(config_file()).real_time.crypto.websocket_timeout_s
    notes: deque[str] = deque(maxlen=1)
    async with running_venue(played.reels, played.venue, played.symbol, speed=1.0) as box:
        source = Source(VENUES[played.venue], (played.symbol,), box.ws_url, box.rest_url, silence_s)
        async with open_recording(source, tape, None, _noting(notes)) as recording:
            title = f"{played.venue} {played.symbol}, from the exchange in a box at {box.ws_url}"
            with MarketFollower.open(tape) as follower:
                view = DemoView(recording, follower, title, notes)
                async with asyncio.TaskGroup() as group:
                    watching = group.create_task(watch(view, shell))
                    ended = group.create_task(_played_through(box, played.seconds))
                    interrupted = await listen(recording, None, [ended])
                    watching.cancel()
                    ended.cancel()
    return _live(recording, interrupted)


def _noting(notes: deque[str]) -> Callable[..., None]:
    def note(event: str, **details: object) -> None:
        notes.append(", ".join([event, *(f"{name} {value}" for name, value in details.items())]))

    return note


async def _played_through(box: RunningVenue, seconds: float) -> None:
    """Wait until the reel, or the time to play, is over and has arrived."""
    try:
        async with asyncio.timeout(OPENING_S + seconds):
            await box.done.wait()
    except TimeoutError:
        return
    await asyncio.sleep(DRAIN_S)


def _live(recording: Recording, interrupted: bool) -> _Live:
    recorder = recording.recorder
    latency_us = recorder.latency.summary()
    return _Live(recording.machine.frames, recorder.market.state_hash(), latency_us, interrupted)
