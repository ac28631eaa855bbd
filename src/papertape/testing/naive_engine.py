"""The engine in plain objects and exact fractions, short enough to be read in one go: the judge of the compiled one.

It does what `docs/explanation/the-engine.md` says, in `naive_market.py` (prices, queues), `naive_account.py` (money),
`naive_matching.py` (orders at the venue) and here: time, what is on its way, and what the control plane may ask.
"""

from bisect import insort
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from papertape.core.book.rows import Market
from papertape.core.draws import draw_below, purpose_id
from papertape.core.errors import DataError
from papertape.core.fixed import VALUE_MAX
from papertape.core.instruments import Instrument
from papertape.core.records import RECORD_BYTES, RECORD_STRUCT, Flag, Kind
from papertape.paper_trading.engine.rows import (
    LEVELS_AT_ONCE_MAX,
    SECOND_NS,
    Due,
    EventKind,
    OrderType,
    Reason,
    Side,
    Status,
    TimeInForce,
)
from papertape.paper_trading.engine.state_hash import (
    AccountView,
    DueView,
    EngineView,
    EventView,
    OrderView,
    PositionView,
    engine_hash,
    next_event_word,
    run_hash,
)
from papertape.paper_trading.engine.terms import Terms
from papertape.testing.naive_account import Account
from papertape.testing.naive_market import Listing, Order, Record
from papertape.testing.naive_matching import NaiveMatching

LATENCY = purpose_id("engine.latency")


class Travelling(NamedTuple):
    """Something on its way to the venue; they arrive in the order of the tuple."""

    due_ns: int
    number: int
    what: int
    order: int
    account: int
    price: int
    size: int


class NaiveEngine:
    """The naive engine: `take` records, `submit`, `cancel` and `amend` orders in between, read events and marks.

    An instrument may be listed anew. When its scales change, no order or position of it may be there: they would have
    to be told anew, which no engine does yet; DataError.
    """

    def __init__(self, terms: Callable[[Instrument], Terms], seed: int) -> None:
        self._terms, self._seed = terms, seed
        self._market = Market()
        self._venue = NaiveMatching()
        self._offset_ns = self._orders_made = self._sent = self._arrivals = 0
        self._due: list[Travelling] = []
        self._listing_event = b""
        self._event_word, self._events_told = 0, 0
        self._marks: list[tuple[int, int, int, int]] = []

    # Time.

    def take(self, records: "bytes | np.ndarray[Any, np.dtype[Any]]") -> None:
        """Take whole records in order, however they are batched."""
        data = records if isinstance(records, bytes) else records.tobytes()
        for start in range(0, len(data), RECORD_BYTES):
            raw = data[start : start + RECORD_BYTES]
            record = Record(*RECORD_STRUCT.unpack(raw))
            if record.kind >= Kind.INSTRUMENT:
                self._take(record, raw)

    def _take(self, record: Record, raw: bytes) -> None:
        if record.kind == Kind.CLOCK_OFFSET:
            self._offset_ns = record.x
        if self._venue.now_ns or record.kind >= Kind.QUOTE:
            ts_ns = max(self._venue.now_ns, record.ts_recv_ns + self._offset_ns)
            self._carry_out(ts_ns)
            self._move_to(ts_ns)
        if record.kind == Kind.INSTRUMENT:
            self._listing_event = raw if record.flags & Flag.FIRST else self._listing_event + raw
            if record.flags & Flag.LAST:
                self._list(record.instrument)
        else:
            self._apply(record, raw)

    def settle(self) -> None:
        """Carry out what is due at or before now."""
        self._carry_out(self._venue.now_ns)

    def _carry_out(self, until_ns: int) -> None:
        while self._due and self._due[0].due_ns <= until_ns:
            due = self._due.pop(0)
            self._move_to(max(self._venue.now_ns, due.due_ns))
            self._arrive(due)

    def _move_to(self, ts_ns: int) -> None:
        second = ts_ns // SECOND_NS
        if second > self._venue.now_ns // SECOND_NS:
            for number, account in enumerate(self._venue.accounts):
                row = (second * SECOND_NS, number, account.equity(self._venue.listings), account.cash)
                self._marks.append(row)
        self._venue.now_ns = ts_ns

    # Records.

    def _list(self, number: int) -> None:
        listing = self._venue.listings.get(number)
        before = listing.instrument if listing else None
        self._market.apply(self._listing_event)
        book = self._market.books[number]
        now, terms = book.instrument, self._terms(book.instrument)
        if listing is None:
            listing = self._venue.listings[number] = Listing(book, terms)
        listing.terms = terms
        if before is not None and (before.price_scale, before.size_scale) != (now.price_scale, now.size_scale):
            self._rescale(number, listing, before)

    def _rescale(self, number: int, listing: Listing, before: Instrument) -> None:
        in_use = any(order.instrument == number for order in self._venue.orders.values())
        if in_use or any(account.size_of(number) for account in self._venue.accounts):
            raise DataError(
                f"expected no order or position of {before.symbol} when it is listed at other scales, was some; "
                "end them before"
            )
        listing.rescale(before)
        for account in self._venue.accounts:
            account.taken = {level: sizes for level, sizes in account.taken.items() if level[0] != number}

    def _apply(self, record: Record, raw: bytes) -> None:
        self._venue.levels_left = LEVELS_AT_ONCE_MAX
        listing = self._venue.listings.get(record.instrument)
        if listing and record.kind >= Kind.QUOTE and record.kind != Kind.PRINT:
            listing.told_ns = record.ts_event_ns or self._venue.now_ns
        quote_id_before = listing.book.quote_id if listing else -1
        self._market.apply(raw)
        if listing is None or (record.kind < Kind.QUOTE and record.kind != Kind.GAP):
            return
        changed = False
        if record.kind == Kind.GAP and record.id == Kind.DEPTH_DELTA:
            listing.lose_book()
        elif record.is_usable_print:
            self._venue.print_fills(listing, record)
        elif record.kind == Kind.QUOTE:
            changed = listing.take_quote(record, quote_id_before)
        elif record.is_applied_depth:
            listing.move_up_by_level(record)
            changed = bool(record.flags & Flag.LAST) and listing.take_book(record.id)
        if changed:
            self._venue.top_fills(listing)
        self._venue.fire_stops(listing)

    # What arrives at the venue.

    def _arrive(self, due: Travelling) -> None:
        self._arrivals += 1
        self._venue.levels_left = LEVELS_AT_ONCE_MAX
        order = self._venue.orders.get(due.order)
        if order is None:
            if due.what != Due.NEW:
                self._venue.tell_unknown(due.account, due.order, Reason.ENDED)
        elif due.what == Due.NEW:
            self._venue.arrive(order)
        elif due.what == Due.CANCEL or due.size <= order.filled:
            self._venue.end(order, EventKind.CANCELLED, Reason.BY_REQUEST)
        else:
            self._amend(order, due.price, due.size)

    def _amend(self, order: Order, price: int, size: int) -> None:
        venue, listing = self._venue, self._venue.listings[order.instrument]
        wanted = replace(order, price=price, size=size, valued_at=price)
        if reason := venue.reserve(listing, wanted):
            venue.tell(EventKind.REFUSED, order, reason)
            return
        keeps_place = order.type == OrderType.LIMIT and price == order.price and size < order.size
        arrives_anew = order.status == Status.WORKING and not keeps_place
        if arrives_anew:
            listing.leave(order)
        order.price, order.size, order.valued_at = price, size, price
        order.reserved, order.reduces = wanted.reserved, wanted.reduces
        venue.tell(EventKind.AMENDED, order)
        if arrives_anew:
            venue.arrive(order)

    # What the control plane asks.

    def open_account(self, name: str, cash: int, leverage: int = 1, currency: str = "USDT") -> int:
        """Open an account with `cash` at eight decimals; returns its number, from 0."""
        self._venue.accounts.append(Account(name, cash, leverage, currency))
        return len(self._venue.accounts) - 1

    def submit(self, account: int, instrument: int, side: int, type: int, tif: int, price: int, size: int) -> int:  # noqa: A002 - the order's own word
        """Send an order; a market order has price 0. Returns its number; a refused one has a number as well."""
        venue = self._venue
        self._orders_made += 1
        order = Order(self._orders_made, account, instrument, side, type, tif, price, size)
        if not _is_sound(order):
            venue.tell(EventKind.REJECTED, order, Reason.BAD_REQUEST)
            return order.id
        listing = venue.listings.get(instrument)
        if listing is None:
            venue.tell(EventKind.REJECTED, order, Reason.NOT_LISTED)
            return order.id
        if listing.instrument.quote != venue.accounts[account].currency:
            venue.tell(EventKind.REJECTED, order, Reason.OTHER_CURRENCY)
            return order.id
        order.valued_at = listing.best(-side)[0] if type == OrderType.MARKET else price
        reason = venue.faults(listing, order) or venue.reserve(listing, order)
        if reason:
            venue.tell(EventKind.REJECTED, order, reason)
        else:
            venue.orders[order.id] = order
            self._send(order, Due.NEW)
        return order.id

    def cancel(self, account: int, order: int) -> None:
        """Ask for the end of an order."""
        live = self._live(account, order)
        if live is None:
            self._venue.tell_unknown(account, order, Reason.UNKNOWN_ORDER)
        else:
            self._send(live, Due.CANCEL)

    def amend(self, account: int, order: int, price: int, size: int) -> None:
        """Ask for another price and size, what is filled included."""
        live = self._live(account, order)
        if live is None:
            self._venue.tell_unknown(account, order, Reason.UNKNOWN_ORDER)
            return
        wanted = replace(live, price=price, size=size, valued_at=price)
        is_market = live.type == OrderType.MARKET
        reason = Reason.BAD_REQUEST if is_market else self._venue.faults(self._venue.listings[live.instrument], wanted)
        if reason:
            self._venue.tell(EventKind.REFUSED, live, reason)
        else:
            self._send(live, Due.AMEND, price, size)

    def _live(self, account: int, order: int) -> Order | None:
        found = self._venue.orders.get(order)
        return found if found is not None and found.account == account else None

    def _send(self, order: Order, what: Due, price: int = 0, size: int = 0) -> None:
        self._sent += 1
        account = self._venue.accounts[order.account]
        account.sent += 1
        terms = self._venue.listings[order.instrument].terms
        jitter = terms.latency_jitter_ns
        drawn = draw_below(jitter + 1, self._seed, LATENCY, account.sent, 0) if jitter else 0
        due_ns = self._venue.now_ns + terms.latency_out_ns + drawn
        insort(self._due, Travelling(due_ns, self._sent, what, order.id, order.account, price, size))

    # What it says.

    def take_events(self) -> list[EventView]:
        """The events since the last call."""
        self._hash_events()
        events, self._venue.events = self._venue.events, []
        self._events_told = 0
        return events

    def take_marks(self) -> list[tuple[int, int, int, int]]:
        """The marks since the last call: time, account, equity, cash."""
        marks, self._marks = self._marks, []
        return marks

    def _hash_events(self) -> None:
        """Bring the running hash up to the latest event."""
        self._event_word = next_event_word(self._event_word, self._venue.events[self._events_told :])
        self._events_told = len(self._venue.events)

    @property
    def marks(self) -> list[tuple[int, int, int, int]]:
        """The marks that have not been taken."""
        return self._marks

    def view(self) -> EngineView:
        """All live values."""
        self._hash_events()
        venue = self._venue
        accounts = [
            AccountView(one.name, one.cash, venue.reserved(number), one.realised, one.fees, one.sent)
            for number, one in enumerate(venue.accounts)
        ]
        positions = [
            PositionView(number, instrument, one.size, one.cost, one.realised, one.fees, one.fills)
            for number, account in enumerate(venue.accounts)
            for instrument, one in sorted(account.positions.items())
        ]
        orders = [_order_view(order) for _, order in sorted(venue.orders.items())]
        due = [DueView(one.due_ns, one.number, int(one.what), one.order, one.price, one.size) for one in self._due]
        counts = (venue.now_ns, self._orders_made, self._arrivals, venue.events_made)
        return EngineView(*counts, f"{self._event_word:016x}", accounts, positions, orders, due)

    def state_hash(self) -> str:
        """The state hash of the run so far."""
        return run_hash(self._market.state_hash(), engine_hash(self.view()))


def _is_sound(order: Order) -> bool:
    """Whether an order can be meant at all."""
    if order.side not in tuple(Side) or order.type not in tuple(OrderType) or order.tif not in tuple(TimeInForce):
        return False
    if (order.type == OrderType.MARKET and order.price) or max(abs(order.price), abs(order.size)) > VALUE_MAX:
        return False
    return order.type == OrderType.LIMIT or order.tif != TimeInForce.POST_ONLY


def _order_view(order: Order) -> OrderView:
    return OrderView(
        *(order.id, order.account, order.instrument, int(order.side), int(order.type), int(order.tif)),
        *(int(order.status), order.price, order.size, order.filled, order.ahead, order.active_ns, order.reserved),
        *(order.shown, order.shown_ns),
    )
