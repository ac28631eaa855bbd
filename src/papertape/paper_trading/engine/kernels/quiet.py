"""Quotes that concern nobody, many at once: counted first, then taken in one pass each for the book and every bar.

What comes of it is what `advance` makes of them one by one; they are most of what an engine sees.
"""

from papertape.core.bars.kernels import add_quotes, quotes_window
from papertape.core.book.kernels import take_quotes
from papertape.core.fixed.rows import MANTISSA_MAX
from papertape.core.jit import njit, njit_inline
from papertape.core.records import Flag, Kind
from papertape.paper_trading.engine.kernels.orders import BUYS, SELLS, STOPS_TO_BUY, STOPS_TO_SELL
from papertape.paper_trading.engine.rows import NONE, QUIET_MAX, Feed

_NONE = NONE
_MAX = MANTISSA_MAX
_QUIET_MAX = QUIET_MAX
_QUOTE, _REPEAT, _FEED_QUOTE = int(Kind.QUOTE), int(Flag.REPEAT), int(Feed.QUOTE)
_VALUE_BITS = 62
"""Values that a bar takes have no more."""


@njit_inline
def concerns_orders(inst, bid, ask):
    """Whether a top may fill, move up or fire an order."""
    if inst.key[BUYS] >= bid or inst.key[SELLS] >= -ask:
        return True
    return inst.head[STOPS_TO_SELL] != _NONE or inst.head[STOPS_TO_BUY] != _NONE


@njit
def quiet_quotes(records, start, state, book, instrument, told):
    """How many records from `start` on are new quotes of this instrument that concern nobody, `QUIET_MAX` at most.

    Nothing is due before them, no mark is made, no order moves, no bar closes, and no subscription but `told` is woken
    by them; what is odd about a quote is left to `advance` too. A compiled strategy is not thought of.
    """
    inst = state.instruments[instrument]
    if state.event_count > len(state.events) // 2:
        return 0
    first_ns, end_ns = -_MAX, _MAX
    at = inst.bars
    while at != _NONE:
        bar = state.bars[at]
        first_ns, end_ns = quotes_window(bar.state, first_ns, end_ns)
        at = bar.next
    end = min(len(records), start + _QUIET_MAX)
    at = inst.feeds[_FEED_QUOTE]
    while at != _NONE:
        if at != told:
            end = min(end, start + state.subscriptions[at].left - 1)
        at = state.subscriptions[at].next
    next_ns = state.next_ns - state.offset_ns
    known_id = book.quote_id if book.synced == 0 else max(book.quote_id, book.update_id)
    for at in range(start, end):
        record = records[at]
        bid, bid_size, ask, ask_size = record["price"], record["size"], record["x"], record["y"]
        ts_ns = record["ts_event_ns"] if record["ts_event_ns"] != 0 else record["ts_recv_ns"]
        if (
            record["kind"] != _QUOTE
            or record["instrument"] != instrument
            or record["ts_recv_ns"] >= next_ns
            or not first_ns <= ts_ns < end_ns
            or record["id"] <= known_id
            or record["verdict"] != 0
            or record["flags"] & _REPEAT != 0
            or (bid | bid_size | ask | ask_size) >> _VALUE_BITS != 0
            or not 0 < bid < ask
            or bid_size == 0
            or ask_size == 0
            or concerns_orders(inst, bid, ask)
        ):
            return at - start
        known_id = record["id"]
    return max(end - start, 0)


@njit
def quiet_ahead(records, start, state, books, told):
    """How many records from `start` on wake the subscription `told` and concern nobody else.

    Whoever listens may be told of them before the engine takes them.
    """
    mine = state.subscriptions[told]
    if mine.feed != _FEED_QUOTE or mine.every != 1 or state.compiled_account != _NONE:
        return 0
    return quiet_quotes(records, start, state, books[mine.instrument], mine.instrument, told)


@njit
def take_quiet(records, start, end, state, book, instrument, told):
    """Take the quotes that `quiet_quotes` counted, or the first few of them."""
    inst = state.instruments[instrument]
    recv_ns = records[start]["ts_recv_ns"]
    for at in range(start + 1, end):
        recv_ns = max(recv_ns, records[at]["ts_recv_ns"])
    state.now_ns = max(state.now_ns, recv_ns + state.offset_ns)
    take_quotes(book, records, start, end)
    at = inst.bars
    while at != _NONE:
        bar = state.bars[at]
        add_quotes(bar.state, records, start, end)
        at = bar.next
    at = inst.feeds[_FEED_QUOTE]
    while at != _NONE:
        if at != told:
            state.subscriptions[at].left -= end - start
        at = state.subscriptions[at].next
    last = records[end - 1]
    inst.told_ns = last["ts_event_ns"] if last["ts_event_ns"] != 0 else state.now_ns
    inst.quote_id, inst.from_quote = last["id"], 1
    inst.bid, inst.bid_size, inst.ask, inst.ask_size = last["price"], last["size"], last["x"], last["y"]
    inst.mid2 = inst.bid + inst.ask
