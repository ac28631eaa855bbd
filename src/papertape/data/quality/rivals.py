"""Several sources of one instrument, side by side: which one counts, and whether they contradict each other.

Each source keeps its own number on the tape, its own scales and ids: nothing is rewritten. A change of the source
that counts is a SOURCE record; a contradiction is the verdict DIVERGENT on the quotes concerned. With one backup both
are marked, as two cannot tell which is wrong; with more, the preferred source is marked only when it contradicts all.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from papertape.core.records import FIRST_MARKET_KIND, WHOLE, Flag, Kind, RecordBuffer, Verdict
from papertape.data.quality.divergence import DivergenceJudge, DivergenceRule
from papertape.data.wire.failover import Chooser, SwitchRule

UNUSABLE = int(Verdict.NON_POSITIVE | Verdict.CROSSED | Verdict.DUPLICATE | Verdict.OUT_OF_ORDER)
_FIRST, _FIRST_MARKET = int(Flag.FIRST), int(FIRST_MARKET_KIND)
_QUOTE = int(Kind.QUOTE)
_PRINTS = (int(Kind.PRINT), int(Kind.AGG_PRINT))


class RivalRules(NamedTuple):
    """When another source takes over, and when two are too far apart."""

    switch: SwitchRule = SwitchRule()
    divergence: DivergenceRule = DivergenceRule()


class Rivals:
    """The sources of one instrument, by their numbers on the tape, the preferred one first."""

    def __init__(self, numbers: Sequence[int], rules: RivalRules) -> None:
        self.numbers = tuple(numbers)
        self.divergent = 0
        """Quotes that contradicted another source."""
        self._rules = rules
        self._places = {number: place for place, number in enumerate(self.numbers)}
        self._chooser = Chooser(len(self.numbers), rules.switch)
        self._scales: dict[int, int] = {}
        self._factors: dict[int, int] = {}
        self._judges: list[DivergenceJudge] = []
        self._latest: dict[int, list[int]] = {}

    @property
    def current(self) -> int:
        """The number that counts."""
        return self.numbers[self._chooser.current]

    @property
    def switches(self) -> int:
        """How often that has changed."""
        return self._chooser.switches

    def relist(self, number: int, price_scale: int) -> None:
        """A source's prices stand at `price_scale` from here on."""
        if self._scales.get(number) == price_scale:
            return
        self._scales[number] = price_scale
        finest = max(self._scales.values())
        self._factors = {one: 10 ** (finest - scale) for one, scale in self._scales.items()}
        self._judges = [DivergenceJudge(self._rules.divergence) for _ in self.numbers[1:]]

    def take(self, record: np.void) -> bool:
        """Judge the first record of one event, setting the verdict in place; whether another source counts from here on."""
        _, ts_recv_ns, kind, _, number, verdict, *values, _ = record.item()
        is_news = kind in _PRINTS
        if kind == _QUOTE:
            is_news = self._latest.get(number) != values
            self._latest[number] = values
            if not verdict & UNUSABLE and self._contradicts(number, ts_recv_ns, values[0], values[2]):
                record["verdict"] |= int(Verdict.DIVERGENT)
                self.divergent += 1
        return self._chooser.heard(self._places[number], ts_recv_ns, is_news=is_news)

    def _contradicts(self, number: int, ts_ns: int, bid: int, ask: int) -> bool:
        place, factor = self._places[number], self._factors.get(number)
        if factor is None:
            return False
        bid, ask = bid * factor, ask * factor
        if place:
            return self._judges[place - 1].quote(1, ts_ns, bid, ask) is True
        answers = [judge.quote(0, ts_ns, bid, ask) for judge in self._judges]
        said = [answer for answer in answers if answer is not None]
        return bool(said) and all(said)


def judge(records: np.ndarray[Any, np.dtype[Any]], groups: Mapping[int, Sequence[Rivals]]) -> bytes:
    """Judge a batch against the rivals of each number, setting verdicts in place; gives the SOURCE records to put behind it."""
    heads = np.flatnonzero((records["flags"] & _FIRST != 0) & (records["kind"] >= _FIRST_MARKET))
    buffer = RecordBuffer()
    for at, number in zip(heads.tolist(), records["instrument"][heads].tolist(), strict=True):
        for rivals in groups.get(number, ()):
            before = rivals.current
            if rivals.take(records[at]):
                ts_recv_ns = int(records["ts_recv_ns"][-1])
                first, now = rivals.numbers[0], rivals.current
                buffer.pack(0, ts_recv_ns, Kind.SOURCE, WHOLE, first, 0, 0, 0, now, before, rivals.switches)
    return buffer.take()
