"""`advance`: records in, state forward, until someone must be asked. Live, replay and recovery call this and nothing else."""

from papertape.core.bars.kernels import add_record
from papertape.core.book.kernels import is_listed, lose_sync, take
from papertape.core.fixed.rows import MANTISSA_MAX
from papertape.core.jit import call_at, njit, njit_inline
from papertape.core.records import FIRST_MARKET_KIND, Flag, Kind, PrintCause, Verdict
from papertape.paper_trading.engine.kernels import desk
from papertape.paper_trading.engine.kernels.matching import (
    fire_stops,
    level_changed,
    take_print,
    top_changed,
)
from papertape.paper_trading.engine.kernels.money import equity
from papertape.paper_trading.engine.kernels.orders import (
    BUYS,
    SELLS,
    STOPS_TO_BUY,
    STOPS_TO_SELL,
    drop_first_due,
    refresh_next,
)
from papertape.paper_trading.engine.kernels.quiet import concerns_orders, quiet_quotes, take_quiet
from papertape.paper_trading.engine.rows import LEVELS_AT_ONCE_MAX, NONE, SECOND_NS, Feed, Why

_NEVER = MANTISSA_MAX
_NONE = NONE
_SECOND_NS = SECOND_NS
_FIRST_MARKET, _INSTRUMENT, _CLOCK_OFFSET, _GAP = (
    int(FIRST_MARKET_KIND),
    int(Kind.INSTRUMENT),
    int(Kind.CLOCK_OFFSET),
    int(Kind.GAP),
)
_QUOTE, _PRINT, _DELTA, _SNAPSHOT = int(Kind.QUOTE), int(Kind.PRINT), int(Kind.DEPTH_DELTA), int(Kind.DEPTH_SNAPSHOT)
_LAST, _ASK, _EMPTY, _HELD, _BACKFILL = (
    int(Flag.LAST),
    int(Flag.ASK),
    int(Flag.EMPTY),
    int(Flag.HELD),
    int(Flag.BACKFILL),
)
_BAD_QUOTE = int(Verdict.NON_POSITIVE | Verdict.CROSSED | Verdict.OUT_OF_ORDER | Verdict.DUPLICATE)
_BAD_PRINT = int(Verdict.NON_POSITIVE | Verdict.DUPLICATE)
_INSURANCE_FUND = int(PrintCause.INSURANCE_FUND)
_DONE, _LISTING, _BOOK_CAPACITY, _UNLISTED, _WOKEN, _TIMER, _FULL = (
    int(Why.DONE),
    int(Why.LISTING),
    int(Why.BOOK_CAPACITY),
    int(Why.UNLISTED),
    int(Why.WOKEN),
    int(Why.TIMER),
    int(Why.FULL),
)
_FEED_QUOTE, _FEED_PRINT, _FEED_BOOK = int(Feed.QUOTE), int(Feed.PRINT), int(Feed.BOOK)


@njit
def advance(records, start, books, states, wake_ns, act):
    """Take records from `start` on, until engine time reaches `wake_ns`; returns the position reached, why (`Why`), and
    the only subscription to wake, or NONE.

    At WOKEN and DONE the records before that position are taken. At all else the record at that position is still to
    be taken; so may it be at WOKEN, when something due before it woke someone. `act` is the address of the compiled
    strategy of the account `compiled_account`; it is called with the state, that account and each record taken.
    """
    state = states[0]
    state.wake_ns = wake_ns
    refresh_next(state)
    room, compiled = len(state.events) // 2, state.compiled_account
    at = start - 1
    while at + 1 < len(records):
        at += 1
        record = records[at]
        kind = record["kind"]
        if kind < _INSTRUMENT:
            continue
        if kind == _CLOCK_OFFSET:
            state.offset_ns = record["x"]
        # Engine time begins with the first of the venue's own data: before it the clock's offset may not be known yet.
        if state.now_ns != 0 or kind >= _FIRST_MARKET:
            now_ns = max(state.now_ns, record["ts_recv_ns"] + state.offset_ns)
            if now_ns >= state.next_ns or state.event_count > room:
                why = reach(state, books, now_ns)
                if why != _DONE:
                    return at, why, _NONE
            state.now_ns = now_ns
        if kind < _FIRST_MARKET:
            if kind == _INSTRUMENT:
                return at, _LISTING, _NONE
            if kind != _GAP or record["id"] != _DELTA:
                continue
        instrument = int(record["instrument"])
        if not is_listed(books, instrument):
            return at, _UNLISTED, _NONE
        if kind == _GAP:
            _lose(state, books[instrument], instrument)
            continue
        traded = instrument < state.instruments_used and state.instruments[instrument].listed != 0
        if traded and kind == _QUOTE and compiled == _NONE and _more_quotes(records, at, instrument):
            count = quiet_quotes(records, at, state, books[instrument], instrument, _NONE)
            if count != 0:
                take_quiet(records, at, at + count, state, books[instrument], instrument, _NONE)
                at += count - 1
                continue
        fresh = record["id"] > books[instrument].quote_id
        if not take(books[instrument], record):
            return at, _BOOK_CAPACITY, _NONE
        if traded:
            _follow(state, books[instrument], instrument, record, fresh)
            if compiled != _NONE:
                call_at(act, state, compiled, record)
                refresh_next(state)
            if state.wake_count + state.closed_count + state.listened != 0:
                return at + 1, _WOKEN, _only_wake(state)
    return len(records), _DONE, _NONE


@njit_inline
def _more_quotes(records, at, instrument):
    """Whether the next record is a quote of this instrument too: only then it pays to look ahead."""
    following = min(at + 1, len(records) - 1)
    return following != at and records[following]["kind"] == _QUOTE and records[following]["instrument"] == instrument


@njit
def _only_wake(state):
    """The subscription that was woken, when it is the only thing to ask about; it is forgotten then. Else NONE."""
    if state.wake_count != 1 or state.closed_count + state.listened != 0:
        return _NONE
    state.wake_count = 0
    return state.wakes[0]


@njit
def settle(books, states, until_ns, arrivals_max):
    """Carry out what is due at or before `until_ns`, at most so many arrivals, without a record; returns `Why`."""
    state = states[0]
    refresh_next(state)
    until_arrivals = state.arrivals + arrivals_max
    while state.due_count != 0 and state.due[0].due_ns <= until_ns and state.arrivals < until_arrivals:
        why = _one_due(state, books)
        if why != _DONE:
            return why
    return _DONE


@njit
def move_clock(states, now_ns):
    """Engine time goes on to `now_ns` with nothing due before; False when the marks must be taken first."""
    state = states[0]
    return _clock_to(state, max(now_ns, state.now_ns))


@njit
def reach(state, books, now_ns):
    """Everything due at or before `now_ns`, then the clock: DONE when the record may be taken."""
    while True:
        due_ns = state.due[0].due_ns if state.due_count != 0 else _NEVER
        if min(due_ns, state.wake_ns) > now_ns:
            break
        if due_ns <= state.wake_ns:
            why = _one_due(state, books)
            if why != _DONE:
                return why
        elif _clock_to(state, max(state.now_ns, state.wake_ns)):
            state.wake_ns = _NEVER
            refresh_next(state)
            return _TIMER
        else:
            return _FULL
    if state.event_count > len(state.events) // 2 or not _clock_to(state, now_ns):
        return _FULL
    return _DONE


@njit
def _one_due(state, books):
    if state.event_count > len(state.events) // 2 or not _clock_to(state, max(state.now_ns, state.due[0].due_ns)):
        return _FULL
    desk.arrive(state, books)
    drop_first_due(state)
    return _WOKEN if state.listened != 0 else _DONE


@njit
def _clock_to(state, now_ns):
    """Engine time moves; a whole second crossed is marked first. False, with nothing done, when there is no room."""
    if now_ns >= state.second_ns:
        if state.mark_count + len(state.accounts) > len(state.marks):
            return False
        second_ns = now_ns - now_ns % _SECOND_NS
        for account in range(len(state.accounts)):
            if state.accounts[account].open == 0:
                continue
            mark = state.marks[state.mark_count]
            mark.ts_ns, mark.account, mark.cash = second_ns, account, state.accounts[account].cash
            mark.equity = equity(state, account)[0]
            state.mark_count += 1
        state.second_ns = second_ns + _SECOND_NS
        refresh_next(state)
    state.now_ns = now_ns
    return True


@njit
def _lose(state, book, instrument):
    """The book lost synchrony; a top that came from it is gone with it."""
    lose_sync(book)
    if instrument < state.instruments_used and state.instruments[instrument].from_quote == 0:
        inst = state.instruments[instrument]
        inst.bid, inst.bid_size, inst.ask, inst.ask_size = 0, 0, 0, 0


@njit_inline
def _follow(state, book, instrument, record, fresh):
    """What a record that the book has taken means for orders, bars and those who listen."""
    inst = state.instruments[instrument]
    state.levels_left = LEVELS_AT_ONCE_MAX
    kind, feed = record["kind"], _NONE
    if kind != _PRINT:
        inst.told_ns = record["ts_event_ns"] if record["ts_event_ns"] != 0 else state.now_ns
    if kind == _QUOTE:
        feed = _FEED_QUOTE
        if fresh and not record["verdict"] & _BAD_QUOTE and record["price"] > 0 and record["x"] > 0:
            inst.quote_id = record["id"]
            if book.synced == 0 or book.update_id <= record["id"]:
                inst.from_quote = 1
                _new_top(state, book, instrument, record["price"], record["size"], record["x"], record["y"])
    elif kind == _PRINT:
        feed = _FEED_PRINT
        _follow_print(state, book, instrument, record)
    elif kind == _DELTA or kind == _SNAPSHOT:
        if record["flags"] & _HELD:
            return
        _follow_level(state, inst, record)
        if record["flags"] & _LAST:
            feed = _FEED_BOOK
            if record["id"] >= inst.quote_id:
                inst.from_quote = 0
                _new_top(state, book, instrument, book.top[0], book.top[1], book.top[2], book.top[3])
    _make_bars(state, inst, record)
    if feed != _NONE and inst.feeds[feed] != _NONE:
        _wake(state, inst.feeds[feed])


@njit_inline
def _new_top(state, book, instrument, bid, bid_size, ask, ask_size):
    """A top that counts; one that is the same as before changes nothing."""
    inst = state.instruments[instrument]
    if inst.bid == bid and inst.ask == ask and inst.bid_size == bid_size and inst.ask_size == ask_size:
        return
    inst.bid, inst.bid_size, inst.ask, inst.ask_size = bid, bid_size, ask, ask_size
    if inst.bid != 0 and inst.ask != 0:
        if inst.bid >= inst.ask:
            return
        inst.mid2 = inst.bid + inst.ask
    # One look at the first keys tells most tops from those that concern an order.
    if concerns_orders(inst, bid if bid != 0 else ask, ask if ask != 0 else bid):
        top_changed(state, book, instrument)


@njit
def _follow_print(state, book, instrument, record):
    inst = state.instruments[instrument]
    if record["verdict"] & _BAD_PRINT or record["flags"] & _BACKFILL or record["x"] == _INSURANCE_FUND:
        return
    if record["price"] <= 0 or record["size"] <= 0:
        return
    sold = record["flags"] & _ASK != 0
    take_print(state, book, instrument, record, sold)
    inst.last, inst.has_prints = record["price"], 1
    if inst.head[STOPS_TO_SELL] != _NONE or inst.head[STOPS_TO_BUY] != _NONE:
        fire_stops(state, book, instrument)


@njit
def _follow_level(state, inst, record):
    """A level of an applied depth event; one that is older than the quote says nothing about the best price."""
    price, size = record["price"], record["size"]
    if record["flags"] & _EMPTY or price <= 0 or size < 0:
        return
    side = 1 if record["flags"] & _ASK else 0
    if side == 0:
        if inst.key[BUYS] < price or (record["id"] < inst.quote_id and 0 < inst.bid <= price):
            return
    elif inst.key[SELLS] < -price or (record["id"] < inst.quote_id and price <= inst.ask):
        return
    level_changed(state, inst, side, price, size)


@njit_inline
def _make_bars(state, inst, record):
    at = inst.bars
    while at != _NONE:
        bar = state.bars[at]
        if add_record(bar.state, record, state.closed[state.closed_count].bar):
            state.closed[state.closed_count].slot = at
            state.closed_count += 1
        at = bar.next


@njit_inline
def _wake(state, first):
    at = first
    while at != _NONE:
        row = state.subscriptions[at]
        row.left -= 1
        if row.left == 0:
            row.left = row.every
            state.wakes[state.wake_count] = at
            state.wake_count += 1
        at = row.next
