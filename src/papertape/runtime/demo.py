"""`papertape demo`: a market in a box, real sockets, the recorder, two strategies on paper, and the replay of it all."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from papertape.core.action_parts import AccountResult, LatencyUs, VenueName
from papertape.core.actions import Demo, DemoResult, Replay, Verify
from papertape.core.errors import DataError, UsageError
from papertape.core.instruments import MONEY_SCALE
from papertape.core.records import as_records
from papertape.data.wire.binance.rules import VENUES
from papertape.runtime import replay, verify
from papertape.runtime.config import load_config
from papertape.runtime.demo_strategies import MONEY
from papertape.runtime.home import config_file, new_demo_directory
from papertape.runtime.live_view import Feed, LiveView, watch
from papertape.runtime.loops import run_async
from papertape.runtime.models import load_models
from papertape.runtime.outcome import INTERRUPTED, Outcome
from papertape.runtime.recording import Recording, Source, listen, open_recording
from papertape.runtime.runs import AccountPlan, RunPlan, WrittenRun, account_results, begin_run
from papertape.runtime.shell import Shell
from papertape.runtime.watchdog import watched
from papertape.tape.control_layout import RUNS
from papertape.venue.server import RunningVenue, running_market, running_venue

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT")
STRATEGIES = ("Trend", "Quoter")
CHECKPOINT_EVERY_S = 5.0
OPENING_MAX_S = 30.0
"""If no quote has come by then, none will."""
LOOK_S = 0.02


class _Played(NamedTuple):
    """What the box plays, and for how long after the first quote."""

    request: Demo
    venue: VenueName
    symbols: tuple[str, ...]

    @asynccontextmanager
    async def box(self) -> AsyncIterator[RunningVenue]:
        """The exchange in a box, running."""
        if self.request.reel:
            opened = running_venue(self.request.reel, self.venue, self.symbols[0], speed=1.0)
        else:
            opened = running_market(self.request.seed, self.symbols, self.venue, begin_ns=None)
        async with opened as box:
            yield box


class _Live(NamedTuple):
    """What was there when trading ended."""

    frames: int
    live_hash: str
    run_id: str
    latency_us: LatencyUs
    accounts: list[AccountResult]
    interrupted: bool


def run(request: Demo, shell: Shell) -> Outcome[DemoResult]:
    """Handle a `Demo` request."""
    played = _played(request)
    shell.compile_engine()
    tape = new_demo_directory()
    live = run_async(_trade(played, tape, shell))
    shell.say("reading the tape back, and applying the run again …")
    verified = verify.run(Verify(tape=str(tape)), shell)
    replayed = replay.run(Replay(tape=str(tape / RUNS / live.run_id)), shell).response
    result = DemoResult(
        venue=played.venue,
        symbols=list(played.symbols),
        seed=None if request.reel else request.seed,
        frames=live.frames,
        market_records=replayed.market_records,
        prints=replayed.prints,
        orders=replayed.orders,
        fills=replayed.fills,
        accounts=live.accounts,
        sequence_breaks=replayed.sequence_breaks,
        book_checks=replayed.book_checks,
        book_mismatches=replayed.book_mismatches,
        latency_us=live.latency_us,
        verified=verified.response.ok,
        live_hash=live.live_hash,
        replay_hash=replayed.state_hash,
        same=live.live_hash == replayed.state_hash and replayed.difference is None,
        difference=replayed.difference,
        tape=str(tape),
        run=live.run_id,
    )
    if verified.exit_code:
        return Outcome(result, verified.exit_code, verified.error)
    if result.book_mismatches or result.sequence_breaks:
        wrong = f"{result.book_mismatches} mismatches of the book and {result.sequence_breaks} sequence breaks"
        return Outcome(result, 1, f"{tape}: expected none, was {wrong}")
    if not result.same:
        told = result.difference or f"live {result.live_hash}, replayed {result.replay_hash}"
        return Outcome(result, 1, f"{tape}: expected the replay to come to the same, was different: {told}")
    return Outcome(result, INTERRUPTED if live.interrupted else 0)


def _played(request: Demo) -> _Played:
    if request.reel:
        if not request.venue or not request.symbol:
            raise UsageError("expected --venue and --symbol with --reel, to say what the reels hold")
        return _Played(request, request.venue, (request.symbol.strip().upper(),))
    if request.venue or request.symbol:
        raise UsageError("--venue and --symbol belong to --reel; the market that is made is binance-spot")
    return _Played(request, "binance-spot", SYMBOLS)


def _plan(played: _Played) -> RunPlan:
    accounts = tuple(
        AccountPlan(
            name=name.lower(),
            cash=MONEY * 10**MONEY_SCALE,
            leverage=1,
            currency="USDT",
            strategy=f"papertape.runtime.demo_strategies:{name}",
        )
        for name in STRATEGIES
    )
    return RunPlan(accounts=accounts, models=load_models(None), seed=played.request.seed)


async def _trade(played: _Played, tape: Path, shell: Shell) -> _Live:
    """Serve what is played, record it over loopback onto `tape`, trade it, and show it."""
    silence_s = load_config(config_file()).real_time.crypto.websocket_timeout_s
    notes: deque[str] = deque(maxlen=1)
    async with played.box() as box:
        source = Source(VENUES[played.venue], played.symbols, (box.ws_url,), box.rest_url, silence_s)
        async with open_recording(source, tape, None, _noting(notes)) as recording:
            written = begin_run(tape, _plan(played), recording.writer.sync)
            with written.writer, watched(written.run):
                recording.intake.apply = lambda seq, data: written.run.take(seq, as_records(data))
                title = f"papertape demo: {played.venue}, from the exchange in a box at {box.ws_url}"
                view = LiveView(Feed.of(recording), written.run, title, notes)
                async with asyncio.TaskGroup() as group:
                    watching = group.create_task(watch(view, shell))
                    keeping = group.create_task(_keep(written, recording))
                    ended = group.create_task(_played_through(box, written, played.request.seconds))
                    interrupted = await listen(recording, None, [ended])
                    for task in (watching, keeping, ended):
                        task.cancel()
                recording.recorder.end()
                return _live(recording, written, interrupted)


async def _keep(written: WrittenRun, recording: Recording) -> None:
    """A checkpoint now and then, as a run of months has."""
    while True:
        await asyncio.sleep(CHECKPOINT_EVERY_S)
        written.checkpoint(recording.writer.next_seq)


def _noting(notes: deque[str]) -> Callable[..., None]:
    def note(event: str, **details: object) -> None:
        notes.append(", ".join([event, *(f"{name} {value}" for name, value in details.items())]))

    return note


async def _played_through(box: RunningVenue, written: WrittenRun, seconds: float) -> None:
    """Wait for the first quote, then until the time is over or the reel has ended."""
    try:
        async with asyncio.timeout(OPENING_MAX_S):
            while not written.run.engine.has_quote:  # noqa: ASYNC110 - the kernels tell nobody
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        raise DataError(f"expected a quote within {OPENING_MAX_S:g} s, was none") from None
    try:
        async with asyncio.timeout(seconds):
            await box.done.wait()
    except TimeoutError:
        return


def _live(recording: Recording, written: WrittenRun, interrupted: bool) -> _Live:
    live_hash = written.end(recording.writer.next_seq)
    accounts = account_results(written.run)
    latency_us = recording.intake.latency.summary()
    frames = recording.machine.frames
    return _Live(frames, live_hash, written.writer.run_id, latency_us, accounts, interrupted)
