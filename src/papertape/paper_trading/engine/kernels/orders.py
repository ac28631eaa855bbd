"""The order array: slots, the sorted lists of each instrument, what is on its way, and the events told."""

from papertape.core.book.state_hash import K_STEP, signed
from papertape.core.fixed.rows import MANTISSA_MAX
from papertape.core.jit import njit
from papertape.paper_trading.engine.kernels.money import fee, value
from papertape.paper_trading.engine.rows import NONE, EventKind, OrderType, Side

_NONE = NONE
_NO_KEY = -MANTISSA_MAX
_NEVER = MANTISSA_MAX
_BUY = int(Side.BUY)
_STOP = int(OrderType.STOP)
_FILL, _REJECTED, _REFUSED = int(EventKind.FILL), int(EventKind.REJECTED), int(EventKind.REFUSED)
_KH, _LOW32 = signed(K_STEP), (1 << 32) - 1
BUYS, SELLS, STOPS_TO_SELL, STOPS_TO_BUY = 0, 1, 2, 3
"""The lists of an instrument. The first order is the one that trades or fires first; its key is the largest."""


@njit
def refresh_next(state):
    """The earliest time at which anything but a record happens."""
    due_ns = state.due[0].due_ns if state.due_count != 0 else _NEVER
    state.next_ns = min(due_ns, state.wake_ns, state.second_ns)


@njit
def find(state, account, number):
    """Slot of the live order `number` of this account, or NONE."""
    mask = len(state.orders) - 1
    for k in range(len(state.orders)):
        slot = (number + k) & mask
        if state.orders[slot].id == number:
            return slot if state.orders[slot].account == account else _NONE
    return _NONE


@njit
def free_slot(state, number):
    """A slot for the order `number`; the control plane and `submit` see to it that there is one."""
    mask = len(state.orders) - 1
    slot = number & mask
    while state.orders[slot].id != 0:
        slot = (slot + 1) & mask
    return slot


@njit
def list_of(order):
    """Which list of its instrument a working order stands in."""
    if order.type == _STOP:
        return STOPS_TO_BUY if order.side == _BUY else STOPS_TO_SELL
    return BUYS if order.side == _BUY else SELLS


@njit
def key_of(which, price):
    """The sort key of a price in a list: the largest key is first."""
    return price if which == BUYS or which == STOPS_TO_SELL else -price


@njit
def enlist(state, slot):
    """Put a working order behind those of its price or a better one."""
    order = state.orders[slot]
    inst = state.instruments[order.instrument]
    which = list_of(order)
    key = key_of(which, order.price)
    before, at = _NONE, inst.head[which]
    while at != _NONE and key_of(which, state.orders[at].price) >= key:
        before, at = at, state.orders[at].next
    order.list, order.next = which, at
    if before == _NONE:
        inst.head[which], inst.key[which] = slot, key
    else:
        state.orders[before].next = slot


@njit
def delist(state, slot):
    """Take a working order out of its list."""
    order = state.orders[slot]
    if order.list == _NONE:
        return
    inst, which = state.instruments[order.instrument], order.list
    before, at = _NONE, inst.head[which]
    while at != slot:
        before, at = at, state.orders[at].next
    if before != _NONE:
        state.orders[before].next = order.next
    else:
        inst.head[which] = order.next
        inst.key[which] = key_of(which, state.orders[order.next].price) if order.next != _NONE else _NO_KEY
    order.list, order.next = _NONE, _NONE


@njit
def reducing_row(side):
    """Where a position counts the orders of one side that only take it back."""
    return 0 if side == _BUY else 1


@njit
def reserve(state, slot, price):
    """Count anew what the rest of an order reserves, at `price`; `price` 0 frees everything."""
    order = state.orders[slot]
    inst = state.instruments[order.instrument]
    account, position = state.accounts[order.account], state.positions[order.account, order.instrument]
    rest = order["size"] - order.filled if price != 0 else 0
    if inst.is_spot and order.side != _BUY:
        position.reserved += rest - order.reserved
        order.reserved = rest
        return
    if order.reduces != 0:
        position.reducing[reducing_row(order.side)] += rest - order.reduces
        order.reduces = rest
        return
    amount = value(inst, price, rest)[1]
    if inst.is_spot:
        amount += fee(amount, inst.taker_rate)
    account.reserved += amount - order.reserved
    order.reserved = amount


@njit
def tell(state, slot, kind, reason):
    """An event about an order that is there."""
    order = state.orders[slot]
    event = _event(state, kind, order.id, order.account, reason)
    _describe(event, order.instrument, order.side, order.price, order["size"], order["size"] - order.filled)
    _seal(state, event)


@njit
def tell_fill(state, slot, price, size, liquidity, amount, charge, profit):
    """A fill of an order."""
    order = state.orders[slot]
    event = _event(state, _FILL, order.id, order.account, 0)
    _describe(event, order.instrument, order.side, price, size, order["size"] - order.filled)
    event.liquidity, event.notional, event.fee, event.realised = liquidity, amount, charge, profit
    _seal(state, event)


@njit
def tell_refused(state, number, account, reason, instrument, side, price, size):
    """A new order was refused when it was sent."""
    event = _event(state, _REJECTED, number, account, reason)
    _describe(event, instrument, side, price, size, size)
    _seal(state, event)


@njit
def tell_unknown(state, number, account, reason):
    """A request about an order that is not there was refused."""
    _seal(state, _event(state, _REFUSED, number, account, reason))


@njit
def _describe(event, instrument, side, price, size, rest):
    event.instrument, event.side, event.price, event["size"], event.rest = instrument, side, price, size, rest


@njit
def _event(state, kind, number, account, reason):
    """A new event about an order number, to be completed and sealed."""
    state.events_made += 1
    at = state.event_count
    if at == len(state.events) - 1:
        state.overflow = 1
    else:
        state.event_count += 1
    event = state.events[at]
    event.number, event.ts_ns, event.kind, event.order = state.events_made, state.now_ns, kind, number
    event.account, event.reason, event.instrument = account, reason, _NONE
    event.side, event.price, event["size"], event.rest, event.liquidity = 0, 0, 0, 0, 0
    event.notional, event.fee, event.realised = 0, 0, 0
    return event


@njit
def _seal(state, event):
    """An event is complete: it enters the running hash, as in `state_hash.next_event_word`, and whoever listens is woken."""
    mixed = ((event.number * _KH + event.ts_ns) * _KH + event.kind) * _KH + event.order
    mixed = ((mixed * _KH + event.account) * _KH + event.instrument) * _KH + event.side
    mixed = ((mixed * _KH + event.price) * _KH + event["size"]) * _KH + event.rest
    mixed = ((mixed * _KH + event.liquidity) * _KH + event.notional) * _KH + event.fee
    mixed = (mixed * _KH + event.realised) * _KH + event.reason
    word = (state.event_word ^ mixed) * _KH
    state.event_word = word ^ (word >> 32 & _LOW32)
    if state.accounts[event.account].listens != 0:
        state.listened = 1


@njit
def end(state, slot, kind, reason):
    """An order ends: it leaves its list, frees what it reserved, and is told of; its slot is free."""
    delist(state, slot)
    reserve(state, slot, 0)
    if kind != _FILL:
        tell(state, slot, kind, reason)
    state.orders[slot].id = 0
    state.orders_live -= 1


@njit
def send(state, due_ns, what, number, account, price, size):
    """Something leaves for the venue; there is room, the caller has looked."""
    state.due_number += 1
    at = state.due_count
    state.due_count += 1
    row = state.due[at]
    row.due_ns, row.number, row.what, row.order = due_ns, state.due_number, what, number
    row.account, row.price, row["size"] = account, price, size
    while at > 0:
        above = (at - 1) // 2
        if not _earlier(state, at, above):
            break
        _swap(state, at, above)
        at = above
    refresh_next(state)


@njit
def drop_first_due(state):
    """Remove what is due first."""
    state.due_count -= 1
    if state.due_count != 0:
        _copy(state, state.due_count, 0)
    at = 0
    while True:
        least = at
        for below in (2 * at + 1, 2 * at + 2):
            if below < state.due_count and _earlier(state, below, least):
                least = below
        if least == at:
            break
        _swap(state, at, least)
        at = least
    refresh_next(state)


@njit
def _earlier(state, a, b):
    one, other = state.due[a], state.due[b]
    return one.due_ns < other.due_ns or (one.due_ns == other.due_ns and one.number < other.number)


@njit
def _copy(state, source, target):
    a, b = state.due[source], state.due[target]
    b.due_ns, b.number, b.what, b.order = a.due_ns, a.number, a.what, a.order
    b.account, b.price, b["size"] = a.account, a.price, a["size"]


@njit
def _swap(state, a, b):
    # The last row is never in use: `submit` keeps it free for this.
    spare = len(state.due) - 1
    _copy(state, a, spare)
    _copy(state, b, a)
    _copy(state, spare, b)
