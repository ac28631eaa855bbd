"""What a box plays: something that says when it goes on, and then gives the frames of that moment."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

import msgspec

from papertape.tape.reels import Frame, read_reel
from papertape.venue import lines
from papertape.venue.synthetic.aggregates import with_aggregates
from papertape.venue.synthetic.market import Event, SyntheticMarket

Played = tuple[Frame, lines.Line]


class Source(Protocol):
    """What is played, moment by moment."""

    @property
    def due_ns(self) -> int | None:
        """Arrival of what comes next; None at the end."""
        ...

    def shift(self, late_ns: int) -> None:
        """Everything comes so much later than it says; told once, before the first moment."""
        ...

    def take(self) -> Iterable[Played]:
        """What comes next, made only now: what happened to the market until now is in it."""
        ...


class ReelSource:
    """The lines of reels, one at a time. Raises InputError for a line that cannot be used."""

    def __init__(self, files: Sequence[str | Path]) -> None:
        self._lines = lines.parsed(read_reel(files))
        self._ahead: list[Played] = []

    @property
    def due_ns(self) -> int | None:
        """As `Source.due_ns`; it reads one line ahead, and opens a file no sooner than it must."""
        if not self._ahead:
            self._ahead = list(islice(self._lines, 1))
        return self._ahead[0][0].ts_recv_ns if self._ahead else None

    def shift(self, late_ns: int) -> None:
        """A reel's times are what they are: its box never asks for another beginning."""

    def take(self) -> Iterable[Played]:
        """As `Source.take`, for the line that `due_ns` told of."""
        taken, self._ahead = self._ahead, []
        return taken


class SyntheticSource:
    """A synthetic market, until `end_ns` or without an end."""

    def __init__(self, market: SyntheticMarket, end_ns: int | None) -> None:
        self.market = market
        self._end_ns = end_ns
        self._aggregates: dict[str, int] = {}

    @property
    def due_ns(self) -> int | None:
        """As `Source.due_ns`."""
        next_ns = self.market.next_ns
        return next_ns if self._end_ns is None or next_ns < self._end_ns else None

    def shift(self, late_ns: int) -> None:
        """As `Source.shift`."""
        self.market.shift(late_ns)
        self._end_ns = None if self._end_ns is None else self._end_ns + late_ns

    def take(self) -> Iterable[Played]:
        """As `Source.take`; none when orders came that no stream tells of."""
        yield from self.framed(self.market.advance())

    def framed(self, events: Iterable[Event]) -> Iterator[Played]:
        """Events of one moment as frames, with the aggregates of their prints."""
        for ts_ns, stream, payload in with_aggregates(events, self._aggregates):
            yield Frame(ts_ns, payload, "synthetic market", 0), lines.Line(stream=stream, data=msgspec.Raw(payload))
