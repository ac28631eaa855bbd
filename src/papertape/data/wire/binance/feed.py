"""One symbol of a Binance market: typed payloads in, judged records out.

Ids are followed here (trade ids are contiguous; depth events by `book_sync`), numbers become
mantissas here, and a number finer than the scale opens the instrument's next epoch.
"""

import msgspec

from papertape.core.errors import DataError, DecodeError
from papertape.core.fixed import VALUE_MAX
from papertape.core.instruments import Instrument, instrument_event
from papertape.core.records import EVENT_RECORDS_MAX, NO_ID, Flag, GapCause, Kind, PrintCause, Verdict
from papertape.data.quality.gate import Gate, Side
from papertape.data.wire.binance import payloads
from papertape.data.wire.binance.book_sync import BookSync, Fate
from papertape.data.wire.binance.levels import read_levels
from papertape.data.wire.binance.numbers import Finer, Numbers
from papertape.data.wire.binance.payloads import time_ns
from papertape.data.wire.binance.rules import Rules
from papertape.data.wire.binance.trade_ids import Arrival, IdRange, TradeIds
from papertape.data.wire.binance.values_feed import ValuesFeed

_ASK = int(Flag.ASK)
_PRINT = int(Kind.PRINT)
_AGG_PRINT = int(Kind.AGG_PRINT)
_OTHER = int(PrintCause.OTHER)
_CAUSES = {"": PrintCause.NOT_SAID, "MARKET": PrintCause.MARKET, "INSURANCE_FUND": PrintCause.INSURANCE_FUND}

Sides = tuple[Side, Side]
"""Bids and asks."""


class SymbolFeed:
    """State of one listed symbol. The `take_*` methods leave no trace when they raise DecodeError, or `Finer`.

    After `Finer`, `open_finer` opens the epoch that holds the number, and what was taken is to be taken again.
    """

    def __init__(self, rules: Rules, symbol: str, index: int, gate: Gate, known: Instrument | None) -> None:
        self.symbol = symbol
        self.index = index
        self.sync = BookSync(rules)
        self.trade_ids = TradeIds()
        self.agg_ids = TradeIds()
        self.values = ValuesFeed(index, gate)
        self._gate = gate
        self._instrument: Instrument | None = None
        self._known = known
        self._prices = Numbers(symbol)
        self._sizes = Numbers(symbol)

    @property
    def instrument(self) -> Instrument | None:
        """The listed instrument in its present epoch, or None before it is listed."""
        return self._instrument

    def list_instrument(self, instrument: Instrument, ts_recv_ns: int) -> None:
        """List the symbol. On a tape that knows it, this continues its epochs; its old book is lost, and prints may be."""
        known, self._known = self._known, None
        if known is None:
            self._open_epoch(instrument, ts_recv_ns)
            return
        self._open_epoch(_continued(known, instrument), ts_recv_ns)
        for kind in (Kind.DEPTH_DELTA, Kind.PRINT):
            self._gap(ts_recv_ns, GapCause.CONNECTION_LOST, kind, IdRange(NO_ID, NO_ID))

    def relist(self, instrument: Instrument, ts_recv_ns: int) -> None:
        """The venue's rules of a listed symbol as asked for again: where they changed, the next epoch.

        Raises DataError when a value seen before would not fit there.
        """
        before = self._instrument
        if before is None:
            return
        now = _continued(before, instrument)
        if now == before:
            return
        if not self._fits(before, now):
            raise DataError(f"the new rules of {self.symbol} cannot be told in 64 bits beside the values seen before")
        self._open_epoch(now, ts_recv_ns)

    def _open_epoch(self, instrument: Instrument, ts_recv_ns: int) -> None:
        before, self._instrument = self._instrument or instrument, instrument
        self._prices.set_scale(instrument.price_scale)
        self._sizes.set_scale(instrument.size_scale)
        self._prices.largest *= 10 ** (instrument.price_scale - before.price_scale)
        self._sizes.largest *= 10 ** (instrument.size_scale - before.size_scale)
        self._gate.fact(instrument_event(instrument, self.index, ts_recv_ns))

    def take_trade(self, ts_recv_ns: int, trade: payloads.Trade) -> None:
        """One print from the stream."""
        price, size = self._prices[trade.p], self._sizes[trade.q]
        arrival = self.trade_ids.arrive(trade.t)
        if arrival is Arrival.AFTER_GAP:
            missing = self.trade_ids.open_ranges[-1]
            self._gap(ts_recv_ns, GapCause.IDS_MISSING, Kind.PRINT, missing)
        self._gate.trade(
            self.index,
            time_ns(trade.T or trade.E),
            ts_recv_ns,
            _PRINT,
            _ASK if trade.m else 0,
            arrival,
            price,
            size,
            _CAUSES.get(trade.X, _OTHER),
            0,
            trade.t,
        )

    def expect_trades(self, ts_recv_ns: int, until: int) -> None:
        """The venue has prints up to `until`; those after the last one that came are missing."""
        if self.trade_ids.expect_until(until):
            self._gap(ts_recv_ns, GapCause.IDS_MISSING, Kind.PRINT, self.trade_ids.open_ranges[-1])

    def take_rest_trades(self, ts_recv_ns: int, trades: list[payloads.RestTrade]) -> None:
        """Prints fetched to heal a gap: only those that are missing count."""
        lacks = self.trade_ids.lacks
        missing = [one for one in sorted(trades, key=lambda one: one.id) if lacks(one.id)]
        numbers = [(self._prices[one.price], self._sizes[one.qty]) for one in missing]
        for trade, (price, size) in zip(missing, numbers, strict=True):
            if not lacks(trade.id):
                continue
            self.trade_ids.arrive(trade.id)
            side = _ASK if trade.isBuyerMaker else 0
            ts, late = time_ns(trade.time), int(Verdict.OUT_OF_ORDER)
            flags = int(Flag.BACKFILL) | side
            self._gate.trade(self.index, ts, ts_recv_ns, _PRINT, flags, late, price, size, 0, 0, trade.id)

    def take_agg_trade(self, ts_recv_ns: int, trade: payloads.AggTrade) -> None:
        """One aggregate of prints."""
        price, size = self._prices[trade.p], self._sizes[trade.q]
        arrival = self.agg_ids.arrive(trade.a)
        if arrival is Arrival.AFTER_GAP:
            self._gap(ts_recv_ns, GapCause.IDS_MISSING, Kind.AGG_PRINT, self.agg_ids.open_ranges[-1])
        side = _ASK if trade.m else 0
        ts = time_ns(trade.T or trade.E)
        self._gate.trade(self.index, ts, ts_recv_ns, _AGG_PRINT, side, arrival, price, size, trade.f, trade.l, trade.a)

    def take_rest_agg_trades(self, ts_recv_ns: int, trades: list[payloads.AggTrade]) -> None:
        """Aggregates fetched to heal a gap: only those that are missing count."""
        lacks = self.agg_ids.lacks
        missing = [one for one in sorted(trades, key=lambda one: one.a) if lacks(one.a)]
        numbers = [(self._prices[one.p], self._sizes[one.q]) for one in missing]
        for trade, (price, size) in zip(missing, numbers, strict=True):
            if not lacks(trade.a):
                continue
            self.agg_ids.arrive(trade.a)
            flags = int(Flag.BACKFILL) | (_ASK if trade.m else 0)
            ts, late = time_ns(trade.T), int(Verdict.OUT_OF_ORDER)
            self._gate.trade(
                self.index, ts, ts_recv_ns, _AGG_PRINT, flags, late, price, size, trade.f, trade.l, trade.a
            )

    def take_book_ticker(self, ts_recv_ns: int, ticker: payloads.BookTicker) -> None:
        """One quote."""
        prices, sizes = self._prices, self._sizes
        time = ticker.T or ticker.E
        self._gate.quote(
            self.index,
            time and time_ns(time),
            ts_recv_ns,
            prices[ticker.b],
            sizes[ticker.B],
            prices[ticker.a],
            sizes[ticker.A],
            ticker.u,
        )

    def take_depth(self, ts_recv_ns: int, event: payloads.DepthUpdate) -> None:
        """One depth event: applied, or held until a snapshot joins it."""
        levels = self._levels(event.b, event.a)
        fate = self.sync.take_event(event)
        if fate is Fate.BREAK or fate is Fate.UNBRIDGED:
            cause = GapCause.IDS_MISSING
            self._gap(ts_recv_ns, cause, Kind.DEPTH_DELTA, IdRange(NO_ID, event.U - 1))
        ids = 0
        if fate is Fate.BREAK:
            ids = int(Verdict.SEQUENCE_GAP)
        elif fate is Fate.LATE:
            ids = int(Verdict.DUPLICATE if event.u == self.sync.last_id else Verdict.OUT_OF_ORDER)
        self._depth(ts_recv_ns, event, 0 if fate is Fate.APPLY else int(Flag.HELD), ids, levels)

    def take_snapshot(self, ts_recv_ns: int, snapshot: payloads.Snapshot) -> None:
        """A REST snapshot: the book starts here when the held events join it, which are then told again."""
        levels = self._levels(snapshot.bids, snapshot.asks)
        bridge = self.sync.take_snapshot(snapshot.lastUpdateId)
        flags = 0 if bridge.taken else int(Flag.HELD)
        ts = time_ns(snapshot.T or snapshot.E)
        kind = int(Kind.DEPTH_SNAPSHOT)
        self._gate.depth(self.index, ts, ts_recv_ns, kind, flags, 0, *levels, 0, 0, snapshot.lastUpdateId)
        for event in bridge.events:
            self._depth(ts_recv_ns, event, int(Flag.REPEAT), 0, self._levels(event.b, event.a))

    def take_partial(self, ts_recv_ns: int, partial: payloads.PartialDepth) -> None:
        """The top levels of the book as the venue sends them whole."""
        levels = self._levels(partial.bids, partial.asks)
        kind = int(Kind.DEPTH_PARTIAL)
        self._gate.depth(self.index, 0, ts_recv_ns, kind, 0, 0, *levels, 0, 0, partial.lastUpdateId)

    def take_partial_update(self, ts_recv_ns: int, event: payloads.DepthUpdate) -> None:
        """The same in USD-M's form, which looks like a depth event and is none."""
        levels = self._levels(event.b, event.a)
        kind = int(Kind.DEPTH_PARTIAL)
        ts = time_ns(event.T or event.E)
        self._gate.depth(self.index, ts, ts_recv_ns, kind, 0, 0, *levels, event.U, event.pu, event.u)

    def note_unreadable(self, ts_recv_ns: int) -> None:
        """A frame came that could not be read: what it held is missing, and of what kind is not known."""
        self._gate.buffer.gap(ts_recv_ns, self.index, GapCause.UNREADABLE_FRAME, 0)

    def lose(self, ts_recv_ns: int) -> None:
        """The connection that carried the depth events is lost."""
        if self.sync.synced:
            self._gap(ts_recv_ns, GapCause.CONNECTION_LOST, Kind.DEPTH_DELTA, IdRange(self.sync.last_id + 1, NO_ID))
        self.sync.lose()

    def begin_anew(self, ts_recv_ns: int) -> None:
        """Another recorder's frames follow: nothing before them is known to be missing."""
        self.lose(ts_recv_ns)
        self.trade_ids = TradeIds()
        self.agg_ids = TradeIds()
        self.values = ValuesFeed(self.index, self._gate)

    def _depth(self, ts_recv_ns: int, event: payloads.DepthUpdate, flags: int, ids: int, levels: Sides) -> None:
        ts = time_ns(event.T or event.E)
        kind = int(Kind.DEPTH_DELTA)
        self._gate.depth(self.index, ts, ts_recv_ns, kind, flags, ids, *levels, event.U, event.pu, event.u)

    def _gap(self, ts_recv_ns: int, cause: GapCause, kind: Kind, missing: IdRange) -> None:
        self._gate.buffer.gap(ts_recv_ns, self.index, cause, kind, *missing)

    def _levels(self, bids: msgspec.Raw, asks: msgspec.Raw) -> Sides:
        """Prices and sizes of the levels of both sides."""
        sides = read_levels(bids, self._prices, self._sizes), read_levels(asks, self._prices, self._sizes)
        count = len(sides[0][0]) + len(sides[1][0])
        if count > EVENT_RECORDS_MAX:
            raise DecodeError(f"expected at most {EVENT_RECORDS_MAX} levels in an event, was {count}")
        return sides

    def open_finer(self, ts_recv_ns: int, finer: Finer) -> None:
        """Open the epoch that holds a number which was too fine for the present one.

        Raises DecodeError when a value seen before, or a rule, would not fit there.
        """
        instrument = self._instrument
        if instrument is None:
            raise finer
        is_price = finer.numbers is self._prices
        price_scale = finer.decimals if is_price else instrument.price_scale
        size_scale = instrument.size_scale if is_price else finer.decimals
        try:
            opened = _next_epoch(instrument, price_scale, size_scale)
        except DataError as error:
            raise DecodeError(
                f"{finer.text} is finer than the rules of {self.symbol} can be told with: {error}"
            ) from error
        if not self._fits(instrument, opened):
            raise DecodeError(f"{finer.text} is finer than can be held in 64 bits beside the values seen before it")
        self._open_epoch(opened, ts_recv_ns)

    def _fits(self, before: Instrument, after: Instrument) -> bool:
        """Whether the values seen before can be told in the epoch `after` as well."""
        price: int = self._prices.largest * 10 ** (after.price_scale - before.price_scale)
        size: int = self._sizes.largest * 10 ** (after.size_scale - before.size_scale)
        return max(price, size) <= VALUE_MAX


def _continued(known: Instrument, listed: Instrument) -> Instrument:
    """`listed` as the epoch after `known`, or in the same one if nothing changed; scales never become coarser."""
    price_scale = max(known.price_scale, listed.price_scale)
    size_scale = max(known.size_scale, listed.size_scale)
    same = msgspec.structs.replace(listed.with_scales(price_scale, size_scale), epoch=known.epoch)
    return same if same == known else msgspec.structs.replace(same, epoch=known.epoch + 1)


def _next_epoch(instrument: Instrument, price_scale: int, size_scale: int) -> Instrument:
    """The next epoch at finer scales: the venue has shown a finer tick, or lot, than its rules said."""
    finer = instrument.with_scales(price_scale, size_scale)
    tick = 1 if price_scale > instrument.price_scale else finer.tick
    lot = 1 if size_scale > instrument.size_scale else finer.lot
    return msgspec.structs.replace(finer, tick=tick, lot=lot)
