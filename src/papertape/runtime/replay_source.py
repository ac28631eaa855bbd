"""Where the records of a replay come from, and what is counted in them on the way."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from papertape.core.action_parts import AccountResult
from papertape.core.actions import Replay, ReplayResult
from papertape.core.book.view import MarketCounts
from papertape.core.errors import InputError, UsageError
from papertape.core.records import FIRST_MARKET_KIND, Kind, RecordBuffer, Verdict, as_records
from papertape.data.connectors.reel_connector import ReelConnector
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import VENUES
from papertape.runtime.shell import Shell
from papertape.tape.market_reader import MarketReader

Records = np.ndarray[Any, np.dtype[Any]]


class Played(NamedTuple):
    """What a replay plays: a tape, or reels through `machine`."""

    directory: Path | None
    files: list[str]
    machine: BinanceMachine | None

    def batches(self, shell: Shell) -> Iterator[tuple[int, Records]]:
        """All records, in order, with the Seq of the first of each batch. Tapes have their block headers among them."""
        if self.machine is not None:
            with shell.progress("replaying", None) as advance:
                seq = 0
                for data in ReelConnector(self.machine, self.files).batches():
                    records = as_records(data)
                    yield seq, records
                    seq += len(records)
                    advance(self.machine.frames)
            return
        assert self.directory is not None
        reader = MarketReader.open(self.directory)
        with shell.progress("replaying", reader.next_seq - reader.first_seq) as advance:
            for batch in reader.batches():
                yield batch.first_seq, batch.records
                advance(len(batch.records))


def played_of(request: Replay) -> Played:
    """What the request names. Raises UsageError when that is not one thing, InputError when it is not there."""
    if bool(request.tape) == bool(request.reel):
        raise UsageError("expected a tape directory or --reel FILE, was " + ("both" if request.tape else "neither"))
    if request.tape:
        if request.venue or request.symbol:
            raise UsageError("--venue and --symbol belong to --reel; a tape says itself what it holds")
        MarketReader.open(Path(request.tape))
        return Played(Path(request.tape), [], None)
    if not request.venue or not request.symbol:
        raise UsageError("expected --venue and --symbol with --reel, to say what the reels hold")
    if request.save:
        raise UsageError("--save keeps a run on its tape; reels have none: record or replay a tape")
    symbol = request.symbol.strip().upper()
    return Played(None, request.reel, BinanceMachine(VENUES[request.venue], {symbol: 0}, Gate(RecordBuffer())))


class Counted(Protocol):
    """A market that has counted what it took."""

    @property
    def synced(self) -> bool: ...

    def counts(self) -> MarketCounts: ...


class Tally:
    """Counts verdicts, and makes the answer."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._verdicts = dict.fromkeys(Verdict, 0)
        self._streamed = False

    def look(self, records: Records) -> None:
        """Count the verdicts of a batch."""
        kinds = records["kind"]
        market = kinds >= FIRST_MARKET_KIND
        self._streamed = self._streamed or bool((market & (kinds != Kind.DEPTH_SNAPSHOT)).any())
        flagged = records["verdict"][(records["verdict"] != 0) & market]
        if len(flagged):
            for bit in Verdict:
                self._verdicts[bit] += int(np.count_nonzero(flagged & int(bit)))

    def result(
        self,
        market: Counted,
        played: Played,
        state_hash: str,
        *,
        orders: int = 0,
        accounts: list[AccountResult] | None = None,
        run: str | None = None,
        difference: str | None = None,
    ) -> ReplayResult:
        """The answer. Raises InputError when reels held nothing of their symbol but snapshots."""
        if played.machine is not None and not self._streamed:
            raise InputError(_nothing_of(played.machine))
        counts, of_accounts = market.counts(), accounts or []
        return ReplayResult(
            market_records=counts.records,
            prints=counts.prints,
            synced=market.synced,
            book_checks=counts.book_checks,
            book_mismatches=counts.book_mismatches,
            ignored=played.machine.ignored if played.machine else 0,
            sequence_breaks=counts.sequence_breaks,
            crossed=counts.crossed,
            verdicts=verdict_names(self._verdicts),
            orders=orders,
            fills=sum(one.fills for one in of_accounts),
            accounts=of_accounts,
            run=run,
            difference=difference,
            state_hash=state_hash,
            elapsed_s=round(time.perf_counter() - self._started, 3),
        )


def _nothing_of(machine: BinanceMachine) -> str:
    held = ", ".join(sorted(machine.ignored_streams)) or "none"
    symbol = next(iter(machine.feeds))
    return f"expected streams of {symbol}, such as {symbol.lower()}@trade, in the reels; they hold: {held}"


def verdict_names(found: dict[Verdict, int]) -> dict[str, int]:
    """Counts by verdict name, those that occurred."""
    return {str(bit.name).lower(): count for bit, count in found.items() if count}
