"""The first gate: it judges every record on its way to the tape and drops none.

What the venue's protocol knows (ids that repeat or do not follow) comes in from the wire machine
as `ids`; the gate adds what the values themselves say.
"""

from collections.abc import Sequence
from itertools import starmap

from papertape.core.records import (
    HEAD_STRUCT,
    LEVEL_STRUCT,
    NO_ID,
    RECORD_BYTES,
    RECORD_STRUCT,
    TAIL_STRUCT,
    WHOLE,
    Flag,
    Kind,
    RecordBuffer,
    Verdict,
)
from papertape.core.values import Field

_CROSSED = int(Verdict.CROSSED)
_LOCKED = int(Verdict.LOCKED)
_NON_POSITIVE = int(Verdict.NON_POSITIVE)
_OUT_OF_ORDER = int(Verdict.OUT_OF_ORDER)
_DUPLICATE = int(Verdict.DUPLICATE)
_QUOTE = int(Kind.QUOTE)
_WHOLE = int(WHOLE)
_FIRST, _LAST, _ASK = int(Flag.FIRST), int(Flag.LAST), int(Flag.ASK)
_EMPTY, _REPEAT = int(Flag.EMPTY), int(Flag.REPEAT)

_POSITIVE = frozenset(
    (Field.OPEN, Field.HIGH, Field.LOW, Field.CLOSE, Field.MARK, Field.INDEX, Field.PRICE, Field.SIZE)
)
"""Values that are prices or sizes of something that happened."""

Side = tuple[Sequence[int], Sequence[int]]
"""The levels of one side: their prices, and as many sizes."""

_pack, _pack_head, _pack_level, _pack_tail = (
    one.pack for one in (RECORD_STRUCT, HEAD_STRUCT, LEVEL_STRUCT, TAIL_STRUCT)
)


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
        self.buffer.data += _pack(
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
        self.buffer.data += _pack(
            ts_event_ns, ts_recv_ns, kind, flags | _WHOLE, index, verdict, price, size, x, y, trade_id
        )

    def depth(  # noqa: PLR0913
        self,
        index: int,
        ts_event_ns: int,
        ts_recv_ns: int,
        kind: int,
        flags: int,
        ids: int,
        bids: Side,
        asks: Side,
        x: int,
        y: int,
        update_id: int,
    ) -> None:
        """Judge and pack one depth event, a record per level, bids first; an event without levels is one EMPTY record."""
        if not flags & _REPEAT:
            ids |= self._time_order(index, kind, ts_event_ns)
        count = len(bids[0]) + len(asks[0])
        if not count:
            bids, flags, count = ((0,), (0,)), flags | _EMPTY, 1
        if ids:
            self._count(ids, count)
        data = self.buffer.data
        start = len(data)
        tail = _pack_tail(x, y, update_id)
        for side, levels in ((0, bids), (_ASK, asks)):
            if levels[0]:
                head = _pack_head(ts_event_ns, ts_recv_ns, kind, flags | side, index, ids)
                data += head
                data += (tail + head).join(starmap(_pack_level, zip(*levels, strict=True)))
                data += tail
        self.buffer.end_event(start)
        if not flags & _EMPTY:
            self._judge_levels(start, ids, bids, asks)

    def _judge_levels(self, start: int, ids: int, bids: Side, asks: Side) -> None:
        """Mark the levels, packed from `start` on, whose values cannot be."""
        for prices, sizes in (bids, asks):
            if prices and (min(prices) <= 0 or min(sizes) < 0):
                for place, (price, size) in enumerate(zip(prices, sizes, strict=True)):
                    if price <= 0 or size < 0:
                        self._count(_NON_POSITIVE)
                        self.buffer.set_verdict(start + place * RECORD_BYTES, ids | _NON_POSITIVE)
            start += len(prices) * RECORD_BYTES

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

    def _count(self, verdict: int, records: int = 1) -> None:
        for bit in Verdict:
            if verdict & bit:
                self.found[bit] += records
