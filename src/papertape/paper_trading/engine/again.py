"""A recorded run, once more: from its commands alone, or with its strategies called again; and what came out differently."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from papertape.core.errors import IntegrityError
from papertape.paper_trading.engine import facts
from papertape.paper_trading.engine.run import Run

Records = np.ndarray[Any, np.dtype[Any]]
INPUTS = (facts.COMMAND, facts.STOPPED)


class Difference(NamedTuple):
    """The first thing that came out differently: the how-manieth of its kind, from 0, recorded and now."""

    kind: str
    place: int
    recorded: Any
    now: Any

    def __str__(self) -> str:
        return f"{self.kind} {self.place}: recorded {self.recorded}, now {self.now}"


class Recorded(NamedTuple):
    """What a run recorded, each kind by itself; events and postings one by one, however they were grouped."""

    inputs: list[tuple[int, str, list[Any]]]
    """Commands and stops in their order: (cursor, kind, body)."""
    streams: dict[str, list[Any]]
    last: str
    """Kind of the last record; empty when there is none."""

    @classmethod
    def of(cls, records: Iterable[tuple[int, str, Any]]) -> "Recorded":
        """Sort (cursor, kind, body) records."""
        inputs: list[tuple[int, str, list[Any]]] = []
        streams: dict[str, list[Any]] = {}
        kind = ""
        for cursor, kind, body in records:
            if kind in INPUTS:
                inputs.append((cursor, kind, body))
            streams.setdefault(kind, []).extend(_items(kind, body))
        return cls(inputs, streams, kind)


def _items(kind: str, body: Any) -> list[Any]:
    return list(body) if kind in (facts.EVENTS, facts.POSTINGS) else [body]


class ComparedFacts:
    """Compares what a run tells with what is recorded; what goes beyond that is handed on to `beyond`."""

    def __init__(self, recorded: Recorded, kinds: Sequence[str], beyond: facts.Facts | None = None) -> None:
        self.difference: Difference | None = None
        self._recorded = recorded.streams
        self._kinds = kinds
        self._beyond = beyond
        self._seen: dict[str, int] = {}

    def append(self, cursor_seq: int, kind: str, body: Any) -> None:
        """Compare one record. With `beyond`, raises IntegrityError at a difference: the run cannot go on from there."""
        known = self._recorded.get(kind, [])
        fresh = []
        # Through msgpack, as what is recorded went: a tuple is a list there.
        for item in _items(kind, msgspec.msgpack.decode(msgspec.msgpack.encode(body))):
            place = self._seen.get(kind, 0)
            self._seen[kind] = place + 1
            if place >= len(known):
                fresh.append(item)
            elif known[place] != item and kind in self._kinds and self.difference is None:
                self.difference = Difference(kind, place, known[place], item)
                if self._beyond is not None:
                    raise IntegrityError(f"the recovered run differs from the recorded one: {self.difference}")
        if fresh and self._beyond is not None:
            whole = kind in (facts.EVENTS, facts.POSTINGS)
            self._beyond.append(cursor_seq, kind, fresh if whole else fresh[0])
        elif fresh and kind in self._kinds and self.difference is None:
            self.difference = Difference(kind, len(known), None, fresh[0])

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind there were so far."""
        return dict(self._seen)

    def skip(self, counts: dict[str, int]) -> None:
        """So many of each kind lie behind a checkpoint."""
        self._seen = dict(counts)

    def finish(self) -> Difference | None:
        """The first difference; also that something recorded did not come."""
        for kind in self._kinds:
            known, seen = self._recorded.get(kind, []), self._seen.get(kind, 0)
            if seen < len(known) and self.difference is None:
                self.difference = Difference(kind, seen, known[seen], None)
        return self.difference


def apply_again(run: Run, inputs: Sequence[tuple[int, str, list[Any]]], batches: Iterable[tuple[int, Records]]) -> None:
    """Carry out recorded inputs on a run without strategies, each exactly where it stood; `batches` hold no block headers."""
    waiting = list(inputs)[::-1]
    end_seq = 0
    for first_seq, records in batches:
        start, end_seq = 0, first_seq + len(records)
        while waiting and waiting[-1][0] < end_seq:
            cursor, kind, body = waiting.pop()
            if cursor - first_seq > start:
                run.apply(first_seq + start, records[start : cursor - first_seq])
                start = cursor - first_seq
            _apply_input(run, kind, body)
        run.apply(first_seq + start, records[start:])
    while waiting:
        cursor, kind, body = waiting.pop()
        if cursor > end_seq:
            raise IntegrityError(f"expected a command before market record {end_seq}, was one at {cursor}")
        _apply_input(run, kind, body)
    run.settle()


def _apply_input(run: Run, kind: str, body: list[Any]) -> None:
    now_ns, arrivals, account, *rest = body
    run.reach(now_ns, arrivals)
    if kind == facts.COMMAND:
        operation, arguments = rest
        run.carry_out(account, operation, tuple(arguments))
    else:
        run.stop(account, rest[0])
