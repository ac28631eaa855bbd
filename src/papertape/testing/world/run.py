"""One world from its beginning to its end, and what was wrong with it."""

import asyncio
import hashlib
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from papertape.core.book import Market
from papertape.core.book.rows import Book
from papertape.core.clock import floor_us
from papertape.data.connectors.binance_session import Network
from papertape.data.connectors.weights import WeightGovernor
from papertape.data.wire.binance.rules import SPOT, USDM
from papertape.runtime.recording import Recording, Source, listen, put_together
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter
from papertape.testing.world.chance import Chance
from papertape.testing.world.faults import Fault, Plan, Restart, plan_of
from papertape.testing.world.loop import VirtualLoop
from papertape.testing.world.market import SimMarket
from papertape.testing.world.network import WS_URLS, SimNetwork
from papertape.testing.world.oracle import BookWatch, Life, TapeCheck, book_differs, check_tape
from papertape.testing.world.venue import SimVenue

SYMBOLS = ("AAAUSDT", "BBBUSDT", "CCCUSDT", "DDDUSDT")
BASE_NS = 1_790_000_000_000_000_000
"""The time, UTC, at which every world begins."""
QUIET_S = 5.0
"""From the last print to the end, so that all has arrived."""
SEGMENT_BYTES = 1 << 20
SLEW = 0.2
"""Share of the time by which our clock is slowed to make up for a step back."""
NO_SYNC_S = 3_600.0
"""Nobody cuts the power here; the tape is brought to disk when it is closed."""
LOG_TOLD = 40


class WorldReport(NamedTuple):
    """What became of a world; it is good when there are no `findings`."""

    seed: int
    venue: str
    symbols: int
    findings: tuple[str, ...]
    faults: dict[str, int]
    frames: int
    records: int
    prints: int
    backfilled: int
    unhealed: int
    gaps: int
    resyncs: int
    reconnects: int
    books_compared: int
    seconds: float
    tape_hash: str
    log: tuple[str, ...]

    @property
    def text(self) -> str:
        """For people: what is wrong, and how to see it again."""
        return "\n".join(
            (
                f"world {self.seed} ({self.venue}, {self.symbols} symbols, faults {self.faults}):",
                *(f"  {one}" for one in self.findings),
                f"  again: python3 x.py soak --seeds {self.seed}",
            )
        )


class WorldClock:
    """Our clock in a world. A step back is made up for by running slower: a clock never runs backwards."""

    def __init__(self, plan: Plan) -> None:
        self._steps = [(one.start_s, one.amount / 1e3) for one in plan.spells if one.fault is Fault.OUR_CLOCK]

    def now_ns(self) -> int:
        """See `core.clock.Clock`."""
        now_s = asyncio.get_running_loop().time()
        steps_s = sum(max(step_s, -(now_s - at_s) * SLEW) for at_s, step_s in self._steps if at_s <= now_s)
        return floor_us(BASE_NS + round((now_s + steps_s) * 1e9))


def run_world(seed: int, folder: Path) -> WorldReport:
    """Live through the world `seed`, with its tape in `folder`. The same seed is the same world, to the last record."""
    ambient = random.getstate()
    random.seed(seed)  # the jitter of reconnections is drawn from there
    try:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(_World(seed, folder).live())
    except BaseException as error:
        error.add_note(f"in the world {seed}; again: python3 x.py soak --seeds {seed}")
        raise
    finally:
        random.setstate(ambient)


class LoneGovernor(WeightGovernor):
    """The governor on its file. Nobody else holds the lock in a world, so it never waits and needs no thread."""

    @property
    def is_shared(self) -> bool:
        """See `WeightGovernor`."""
        return False


class _World:
    def __init__(self, seed: int, folder: Path) -> None:
        chance = Chance(seed, "world")
        self._seed = seed
        self._tape = folder / "tape"
        self._weights = folder / "weights.json"
        self._rules = USDM if chance.happens(500) else SPOT
        self._symbols = SYMBOLS[: chance.between(1, len(SYMBOLS))]
        self._plan = plan_of(seed, self._symbols)
        self._venue = SimVenue(seed, self._symbols, self._plan, BASE_NS, usdm=self._rules is USDM)
        self._clock = WorldClock(self._plan)
        self._network = SimNetwork(seed, self._venue, self._plan, self._clock.now_ns)
        self._watch = BookWatch(self._venue.markets)
        self._lives: list[Life] = []
        self._log: list[str] = []
        self._listed = True
        self._market = Market()
        self._frames = self._resyncs = self._reconnects = 0

    def _note(self, event: str, **facts: object) -> None:
        now_s = asyncio.get_running_loop().time()
        self._log.append(f"{now_s:9.3f} {event} {' '.join(f'{name}={fact}' for name, fact in facts.items())}")

    async def live(self) -> WorldReport:
        ends_s = self._plan.ends_s
        async with asyncio.TaskGroup() as group:
            group.create_task(self._venue.trade())
            group.create_task(self._network.storm())
            group.create_task(self._fall_silent(ends_s - QUIET_S))
            for restart in (*self._plan.restarts, Restart(ends_s, 0.0)):
                recording = await self._record(restart)
                await asyncio.sleep(restart.pause_s)
        return self._judge(recording)

    async def _fall_silent(self, after_s: float) -> None:
        """No more happens at the venue shortly before the end, so that all arrives."""
        await asyncio.sleep(after_s)
        self._venue.is_trading = False

    async def _record(self, end: Restart) -> Recording:
        """One recording onto the tape, as `papertape record` makes it."""
        self._network.begin_client()
        with MarketWriter.open(self._tape, segment_bytes=SEGMENT_BYTES, sync_delay_s=NO_SYNC_S) as writer:
            first_seq = writer.next_seq
            recording = self._recording(writer)
            left_s = max(end.at_s - asyncio.get_running_loop().time(), 0.1)
            if end.is_killed:
                with suppress(TimeoutError):
                    async with asyncio.timeout(left_s):
                        await listen(recording, None)
            else:
                await listen(recording, left_s)
            self._listed = all(feed.instrument is not None for feed in recording.machine.feeds.values())
            recording.recorder.end()
        if recording.intake.failed.done():
            recording.intake.failed.result()
        recording.intake.failed.cancel()
        self._lives.append(Life(first_seq, self._market.state_hash()))
        self._frames += recording.machine.frames
        self._resyncs += recording.recorder.resyncs
        self._reconnects += recording.session.links.reconnects
        return recording

    def _recording(self, writer: MarketWriter) -> Recording:
        weights = LoneGovernor(self._weights, self._rules.weight_limit, self._clock.now_ns)
        network = Network(WS_URLS, "http://127.0.0.1", self._network, self._network, 10.0, weights)
        source = Source(self._rules, self._symbols, WS_URLS, network.rest_url, network.silence_s)
        recording = put_together(source, self._tape, writer, network, self._clock, None, self._note)
        intake = recording.intake
        apply: Callable[[int, bytes], None] = intake.apply
        self._market = Market()

        def apply_and_look(seq: int, data: bytes) -> None:
            apply(seq, data)
            self._market.apply(data)
            self._watch.look(intake.market, asyncio.get_running_loop().time())

        intake.apply = apply_and_look
        return recording

    def _judge(self, recording: Recording) -> WorldReport:
        check = check_tape(self._tape, self._venue.markets, self._network.told, self._network.shared, self._lives)
        findings = [*self._watch.findings, *self._venue.breaches]
        findings += [one for tape in check.symbols.values() for one in tape.findings]
        findings += self._ends(recording, check)
        tapes = check.symbols.values()
        return WorldReport(
            seed=self._seed,
            venue=self._rules.venue,
            symbols=len(self._symbols),
            findings=tuple(findings),
            faults={str(fault): count for fault, count in self._network.happened.items() if count},
            frames=self._frames,
            records=check.records,
            prints=sum(len(tape.prints) for tape in tapes),
            backfilled=sum(tape.backfilled for tape in tapes),
            unhealed=sum(tape.unhealed for tape in tapes),
            gaps=sum(tape.gaps for tape in tapes),
            resyncs=self._resyncs,
            reconnects=self._reconnects,
            books_compared=self._watch.compared.total(),
            seconds=self._plan.ends_s,
            tape_hash=tape_hash(self._tape),
            log=tuple(self._log[-LOG_TOLD:]),
        )

    def _ends(self, recording: Recording, check: TapeCheck) -> list[str]:
        """What must be true of every symbol after the calm, whatever happened to it or to others."""
        found = []
        books = {book.instrument.symbol: book for book in recording.intake.market.books.values()}
        for symbol, market in self._venue.markets.items():
            tape = check.symbols[symbol]
            # A quiet market that no listing was had of has no book: its frames wait until they tell what they are of.
            if self._listed and (reason := _book_end(books.get(symbol), market)):
                found.append(reason)
            missing = recording.machine.feeds[symbol].trade_ids.missing
            if missing != tape.spans[-1].unhealed:
                found.append(
                    f"{symbol}: {missing} prints count as missing, by the tape it is {tape.spans[-1].unhealed}"
                )
            if tape.gaps and self._plan.victim not in ("", symbol):
                found.append(f"{symbol}: has {tape.gaps} Gaps, though every fault was about {self._plan.victim}")
        return found


def _book_end(book: Book | None, market: SimMarket) -> str | None:
    """What is wrong with a book after the calm."""
    if book is None or not book.synced:
        return f"{market.symbol}: at the end there is no synchronised book"
    if book.update_id < market.batch_id:
        return f"{market.symbol}: the book ends at update {book.update_id}, the venue's at {market.batch_id}"
    return book_differs(book, market)


def tape_hash(directory: Path) -> str:
    """The hash of all records of a tape: two worlds of the same seed have the same."""
    digest = hashlib.blake2b(digest_size=16)
    for batch in MarketReader.open(directory).blocks():
        digest.update(batch.records.tobytes())
    return digest.hexdigest()
