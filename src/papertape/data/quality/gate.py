"""The first gate: it judges every record on its way to the tape and drops none.

What the venue's protocol knows (ids that repeat or do not follow) comes in from the wire machine
as `ids`; the gate adds what the values themselves say.
"""

from collections.abc import Iterable, Sequence

from papertape.core.records import NO_ID, WHOLE, Flag, Kind, RecordBuffer, Verdict
from papertape.core.values import Field

_CROSSED = int(Verdict.CROSSED)
_LOCKED = int(Verdict.LOCKED)
_NON_POSITIVE = int(Verdict.NON_POSITIVE)
_OUT_OF_ORDER = int(Verdict.OUT_OF_ORDER)
_DUPLICATE = int(Verdict.DUPLICATE)
_QUOTE = int(Kind.QUOTE)
_WHOLE = int(WHOLE)
_FIRST, _LAST, _EMPTY, _REPEAT = int(Flag.FIRST), int(Flag.LAST), int(Flag.EMPTY), int(Flag.REPEAT)

_POSITIVE = frozenset(
    (Field.OPEN, Field.HIGH, Field.LOW, Field.CLOSE, Field.MARK, Field.INDEX, Field.PRICE, Field.SIZE)
)
"""Values that are prices or sizes of something that happened."""

Level = tuple[int, int, int]
"""Flag.ASK or 0, price, size."""


class Gate:
    """Judges events and packs them into `buffer`. `found` counts the records that carry each verdict."""

    def __init__(self, buffer: RecordBuffer) -> None:
        self.buffer = buffer
        self.found: dict[Verdict, int] = dict.fromkeys(Verdict, 0)
        self._quote_ids: dict[int, int] = {}
        self._latest_ns: dict[tuple[int, int], int] = {}

    def fact(self, records: bytes) -> None:
        """Pack records that are not the venue's data and need no judgement."""
        self.buffer.extend(records)

    def quote(  # noqa: PLR0913 - a quote has these fields, and this is the hot path
        self,
        index: int,
        ts_event_ns: int,
        ts_recv_ns: int,
        bid: int,
        bid_size: int,
        ask: int,
        ask_size: int,
        update_id: int,
        flags: int = _WHOLE,
    ) -> None:
        """Judge and pack one quote; one without an id is in order."""
        verdict = 0
        if bid >= ask:
            verdict = _CROSSED if bid > ask else _LOCKED
        if bid <= 0 or ask <= 0 or bid_size < 0 or ask_size < 0:
            verdict |= _NON_POSITIVE
        latest = self._quote_ids.get(index, -1)
        if update_id > latest:
            self._quote_ids[index] = update_id
        elif update_id != NO_ID:
            verdict |= _DUPLICATE if update_id == latest else _OUT_OF_ORDER
        if verdict:
            self._count(verdict)
        self.buffer.pack(
            ts_event_ns, ts_recv_ns, _QUOTE, flags, index, verdict, bid, bid_size, ask, ask_size, update_id
        )

    def trade(  # noqa: PLR0913
        self,
        index: int,
        ts_event_ns: int,
        ts_recv_ns: int,
        kind: int,
        flags: int,
        ids: int,
        price: int,
        size: int,
        x: int,
        y: int,
        trade_id: int,
    ) -> None:
        """Judge and pack one print or aggregate of prints."""
        verdict = ids
        if price <= 0 or size <= 0:
            verdict |= _NON_POSITIVE
        if verdict:
            self._count(verdict)
        self.buffer.pack(ts_event_ns, ts_recv_ns, kind, flags | _WHOLE, index, verdict, price, size, x, y, trade_id)

    def depth(  # noqa: PLR0913
        self,
        index: int,
        ts_event_ns: int,
        ts_recv_ns: int,
        kind: int,
        flags: int,
        ids: int,
        levels: Iterable[Level],
        x: int,
        y: int,
        update_id: int,
    ) -> None:
        """Judge and pack one depth event, a record per level; an event without levels is one EMPTY record."""
        if not flags & _REPEAT:
            ids |= self._time_order(index, kind, ts_event_ns)
        pack = self.buffer.pack
        first = _FIRST
        levels = list(levels) or [(_EMPTY, 0, 0)]
        last = len(levels) - 1
        for position, (side, price, size) in enumerate(levels):
            verdict = ids
            if (price <= 0 and side != _EMPTY) or size < 0:
                verdict |= _NON_POSITIVE
            if verdict:
                self._count(verdict)
            end = _LAST if position == last else 0
            pack(
                ts_event_ns, ts_recv_ns, kind, flags | side | first | end, index, verdict, price, size, x, y, update_id
            )
            first = 0

    def values(
        self,
        index: int,
        ts_event_ns: int,
        ts_recv_ns: int,
        kind: int,
        flags: int,
        ids: int,
        values: Sequence[tuple[Field, int, int]],
    ) -> None:
        """Judge and pack one event of values, a record per value, in the order given."""
        verdict = ids
        if any(units < 0 or not (units or parts) for field, units, parts in values if field in _POSITIVE):
            verdict |= _NON_POSITIVE
        pack = self.buffer.pack
        last = len(values) - 1
        for position, (field, x, y) in enumerate(values):
            ends = (_FIRST if position == 0 else 0) | (_LAST if position == last else 0)
            if verdict:
                self._count(verdict)
            pack(ts_event_ns, ts_recv_ns, kind, flags | ends, index, verdict, 0, 0, x, y, field)

    def _time_order(self, index: int, kind: int, ts_event_ns: int) -> int:
        """OUT_OF_ORDER when an event is older than the one before it on the same stream."""
        if not ts_event_ns:
            return 0
        key = (index, kind)
        if ts_event_ns < self._latest_ns.get(key, 0):
            return _OUT_OF_ORDER
        self._latest_ns[key] = ts_event_ns
        return 0

    def _count(self, verdict: int) -> None:
        for bit in Verdict:
            if verdict & bit:
                self.found[bit] += 1
