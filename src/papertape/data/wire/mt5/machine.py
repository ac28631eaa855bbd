"""The MetaTrader 5 wire machine: ticks in, judged QUOTE records out. No I/O.

Prices are floats that the terminal made from decimals: at the symbol's digits they become exact integers again. The
terminal tells no sizes; a quote stands for the largest order that the symbol takes. The update id of a quote is its own stamp by the broker's clock, in ms, times
`IDS_PER_MS`, plus its place among the ticks of that millisecond: it rises, and the tape alone says where to read on.
"""

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from papertape.core.errors import DataError
from papertape.core.fixed import VALUE_MAX
from papertape.core.instruments import Instrument, instrument_event
from papertape.core.records import NO_ID, WHOLE, Flag, GapCause, Kind
from papertape.data.quality.gate import Gate
from papertape.data.wire.mt5.broker_time import BrokerTime
from papertape.data.wire.mt5.ticks import Rows, TickCursor

IDS_PER_MS = 100_000
HELD_TICKS_MAX = 10_000
"""Ticks that wait, at most, until the broker's offset is certain."""
FINER_MAX = 3
"""A price may have so many decimals more than the symbol said; the instrument's next epoch then has them."""
_RESIDUE_MAX = 1e-3
"""How far a price may lie from a whole number of its last place; doubles of quotes err by 1e-9 of it."""


class TickBatch(NamedTuple):
    """Ticks of one symbol, in order, the ones behind `before`, read at `ts_recv_ns`.

    `fresh` when they came to be since the reading just before; what is not was fetched afterwards, and its quotes are flagged
    BACKFILL. A reading that begins without a cursor begins with a
    batch of no ticks, which tells its place.
    """

    symbol: str
    rows: Rows
    ts_recv_ns: int
    fresh: bool
    before: TickCursor

    @property
    def after(self) -> TickCursor:
        """The cursor behind them."""
        return self.before.after(self.rows)


class _Feed:
    def __init__(self, index: int, instrument: Instrument | None) -> None:
        self.index = index
        self.instrument = instrument
        self.cursor = TickCursor()

    @property
    def quote_size(self) -> int:
        """What a quote is good for: the largest order, else the smallest step of one."""
        return (self.instrument.max_size or self.instrument.lot) if self.instrument is not None else 0


class Mt5Machine:
    """All symbols of one terminal; records gather in `gate.buffer`.

    `indices` are the symbols' numbers on the tape, `known` the instruments that it lists already. `ticks` counts what was
    taken, `unreadable` those whose prices are none, `undated` those written without a time of their own because the
    broker's offset stayed unknown.
    """

    def __init__(
        self,
        indices: Mapping[str, int],
        gate: Gate,
        broker: BrokerTime,
        known: Mapping[str, Instrument] | None = None,
        held_max: int = HELD_TICKS_MAX,
    ) -> None:
        self.gate = gate
        self.broker = broker
        self.ticks = self.unreadable = self.undated = 0
        known = known or {}
        self._feeds = {symbol: _Feed(index, known.get(symbol)) for symbol, index in indices.items()}
        self._told_offset_ns = broker.offset_ns
        self._certain = broker.offset_ns is not None
        self._held: deque[TickBatch] = deque()
        self._held_ticks = 0
        self._held_max = held_max

    @property
    def holding(self) -> bool:
        """Whether ticks wait for the broker's offset: nothing that arrived later may be packed before them."""
        return bool(self._held)

    def add(self, symbol: str, index: int, known: Instrument | None = None) -> bool:
        """Take a symbol's ticks too, under this number; False when that is so already. It is to be listed before them."""
        if symbol in self._feeds:
            return False
        self._feeds[symbol] = _Feed(index, known)
        return True

    def drop(self, symbol: str) -> Instrument | None:
        """A symbol is not taken any more, whose held ticks were released; the instrument as it was listed last."""
        feed = self._feeds.pop(symbol, None)
        return feed.instrument if feed else None

    def list_instrument(self, instrument: Instrument, ts_recv_ns: int) -> None:
        """List one of the symbols. On a tape that knows it, this continues its epochs."""
        feed = self._feeds[instrument.symbol]
        if feed.instrument is not None:
            instrument = _continued(feed.instrument, instrument)
        feed.instrument = instrument
        self.gate.fact(instrument_event(instrument, feed.index, ts_recv_ns))

    def take(self, batch: TickBatch) -> None:
        """Take ticks; they are packed at once, or held until the broker's offset is certain."""
        if not len(batch.rows):
            return
        if batch.fresh:
            self._certain = self.broker.look(batch.symbol, int(batch.rows["time_msc"][-1]), batch.ts_recv_ns)
        self._held.append(batch)
        self._held_ticks += len(batch.rows)
        if self._certain or self._held_ticks > self._held_max:
            self.release()

    def release(self) -> None:
        """Pack what is held, by the offset as it is known now."""
        offset_ns = self.broker.offset_ns
        if offset_ns is not None and offset_ns != self._told_offset_ns and self._held:
            self._told_offset_ns = offset_ns
            recv_ns = self._held[0].ts_recv_ns
            self.gate.buffer.pack(0, recv_ns, Kind.BROKER_TIME, WHOLE, 0, 0, 0, 0, offset_ns, 0, 0)
        while self._held:
            self._pack(self._held.popleft(), offset_ns)
        self._held_ticks = 0

    def note_gap(self, symbol: str, ts_recv_ns: int) -> None:
        """Ticks of `symbol` behind its cursor may be missing: the terminal's history does not have them any more."""
        feed = self._feeds[symbol]
        first = feed.cursor.time_msc * IDS_PER_MS + feed.cursor.seen
        self._gap(feed.index, ts_recv_ns, GapCause.CONNECTION_LOST, first, NO_ID)

    def _gap(self, index: int, ts_recv_ns: int, cause: GapCause, first: int, last: int) -> None:
        self.gate.buffer.gap(ts_recv_ns, index, cause, Kind.QUOTE, first, last)

    def _pack(self, batch: TickBatch, offset_ns: int | None) -> None:
        feed = self._feeds[batch.symbol]
        rows, recv_ns = batch.rows, batch.ts_recv_ns
        prices = self._prices(feed, rows, recv_ns)
        stamps = rows["time_msc"].tolist()
        last_msc, seen = batch.before
        quote, index, size = self.gate.quote, feed.index, feed.quote_size
        flags = int(WHOLE) if batch.fresh else int(WHOLE | Flag.BACKFILL)
        if offset_ns is None:
            self.undated += len(rows)
        for stamp, bid, ask in zip(stamps, *prices, strict=True):
            seen = seen + 1 if stamp == last_msc else 1
            last_msc = stamp
            ident = stamp * IDS_PER_MS + seen - 1
            if bid is None or ask is None:
                self.unreadable += 1
                self._gap(index, recv_ns, GapCause.UNREADABLE_FRAME, ident, ident)
                continue
            event_ns = stamp * 1_000_000 - offset_ns if offset_ns is not None else 0
            quote(index, event_ns, recv_ns, bid, size, ask, size, ident, flags)
        self.ticks += len(rows)
        feed.cursor = batch.after

    def _prices(self, feed: _Feed, rows: Rows, recv_ns: int) -> tuple[list[int | None], list[int | None]]:
        """Bids and asks at the instrument's scale, which is widened when they need it; None for what is no price."""
        instrument = feed.instrument
        if instrument is None:
            raise DataError(f"expected a symbol that was listed before its first tick, number {feed.index} was not")
        for finer in range(FINER_MAX + 1):
            scale = instrument.price_scale + finer
            bids, asks = mantissas(rows["bid"], scale), mantissas(rows["ask"], scale)
            if None not in bids and None not in asks:
                break
        else:
            return mantissas(rows["bid"], instrument.price_scale), mantissas(rows["ask"], instrument.price_scale)
        if finer:
            self.list_instrument(replace(instrument.with_scales(scale, instrument.size_scale), tick=1), recv_ns)
        return bids, asks


def mantissas(prices: Rows, scale: int) -> list[int | None]:
    """Floats as integers at `scale` decimals; None for those that are none there."""
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = prices * 10.0**scale
        whole = np.rint(scaled)
        right = np.isfinite(scaled) & (np.abs(scaled - whole) <= _RESIDUE_MAX) & (np.abs(whole) < VALUE_MAX)
    values = np.where(right, whole, 0).astype(np.int64).tolist()
    if right.all():
        return list(values)
    return [value if good else None for value, good in zip(values, right.tolist(), strict=True)]


def cursor_of(update_id: int) -> TickCursor:
    """Where to read on behind the quote with this update id."""
    time_msc, place = divmod(update_id, IDS_PER_MS)
    return TickCursor(time_msc, place + 1)


def _continued(known: Instrument, listed: Instrument) -> Instrument:
    """`listed` as the epoch after `known`, or in the same one if nothing changed; scales never become coarser."""
    price_scale = max(known.price_scale, listed.price_scale)
    size_scale = max(known.size_scale, listed.size_scale)
    same = replace(listed.with_scales(price_scale, size_scale), epoch=known.epoch)
    return same if same == known else replace(same, epoch=known.epoch + 1)
