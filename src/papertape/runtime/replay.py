"""`papertape replay`: a tape or reels through the compiled market."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from papertape.core.actions import Replay, ReplayResult
from papertape.core.errors import InputError, UsageError
from papertape.core.records import FIRST_MARKET_KIND, Kind, RecordBuffer, Verdict, as_records
from papertape.data.connectors.reel_connector import ReelConnector
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import VENUES, Rules
from papertape.runtime.outcome import Outcome
from papertape.runtime.shell import Shell
from papertape.tape.market_reader import MarketReader

Records = np.ndarray[Any, np.dtype[Any]]


def run(request: Replay, shell: Shell) -> Outcome[ReplayResult]:
    """Handle a `Replay` request."""
    if bool(request.tape) == bool(request.reel):
        raise UsageError("expected a tape directory or --reel FILE, was " + ("both" if request.tape else "neither"))
    started = time.perf_counter()
    if request.tape:
        if request.venue or request.symbol:
            raise UsageError("--venue and --symbol belong to --reel; a tape says itself what it holds")
        return _replay_tape(Path(request.tape), shell, started)
    if not request.venue or not request.symbol:
        raise UsageError("expected --venue and --symbol with --reel, to say what the reels hold")
    return _replay_reels(request.reel, VENUES[request.venue], request.symbol, shell, started)


def _replay_tape(directory: Path, shell: Shell, started: float) -> Outcome[ReplayResult]:
    reader = MarketReader.open(directory)
    tally = _Tally(shell)
    total = reader.next_seq - reader.first_seq
    with shell.progress("replaying", total) as advance:
        for batch in reader.batches():
            tally.take(batch.records)
            advance(len(batch.records))
    return Outcome(tally.result(0, started))


def _replay_reels(files: list[str], rules: Rules, symbol: str, shell: Shell, started: float) -> Outcome[ReplayResult]:
    symbol = symbol.strip().upper()
    machine = BinanceMachine(rules, {symbol: 0}, Gate(RecordBuffer()))
    tally = _Tally(shell)
    with shell.progress("replaying", None) as advance:
        for data in ReelConnector(machine, files).batches():
            tally.take(as_records(data))
            advance(machine.frames)
    if not tally.streamed:
        held = ", ".join(sorted(machine.ignored_streams)) or "none"
        raise InputError(
            f"expected streams of {symbol}, such as {symbol.lower()}@trade, in the reels; they hold: {held}"
        )
    return Outcome(tally.result(machine.ignored, started))


class _Tally:
    """The market that is replayed, and the verdicts that stand on its records.

    `streamed` tells whether anything but snapshots came.
    """

    def __init__(self, shell: Shell) -> None:
        self._market = shell.compiled_market()
        self._verdicts = dict.fromkeys(Verdict, 0)
        self.streamed = False

    def take(self, records: Records) -> None:
        self._market.apply(records)
        kinds = records["kind"]
        market = kinds >= FIRST_MARKET_KIND
        self.streamed = self.streamed or bool((market & (kinds != Kind.DEPTH_SNAPSHOT)).any())
        flagged = records["verdict"][(records["verdict"] != 0) & market]
        if len(flagged):
            for bit in Verdict:
                self._verdicts[bit] += int(np.count_nonzero(flagged & int(bit)))

    def result(self, ignored: int, started: float) -> ReplayResult:
        counts = self._market.counts()
        return ReplayResult(
            market_records=counts.records,
            prints=counts.prints,
            synced=self._market.synced,
            book_checks=counts.book_checks,
            book_mismatches=counts.book_mismatches,
            ignored=ignored,
            sequence_breaks=counts.sequence_breaks,
            crossed=counts.crossed,
            verdicts=verdict_names(self._verdicts),
            orders=0,
            fills=0,
            accounts=[],
            run=None,
            difference=None,
            state_hash=self._market.state_hash(),
            elapsed_s=round(time.perf_counter() - started, 3),
        )


def verdict_names(found: dict[Verdict, int]) -> dict[str, int]:
    """Counts by verdict name, those that occurred."""
    return {str(bit.name).lower(): count for bit, count in found.items() if count}
