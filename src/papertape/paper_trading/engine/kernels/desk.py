"""Where orders, cancels and amends come in: checked when they are sent, checked again when they arrive."""

from papertape.core.book.kernels import level_size
from papertape.core.draws.kernels import draw_below
from papertape.core.draws.rows import purpose_id
from papertape.core.fixed.rows import MANTISSA_MAX, VALUE_MAX
from papertape.core.jit import njit
from papertape.paper_trading.engine.kernels.matching import (
    execute_market,
    fire,
    is_crossed,
    is_reached,
    join_queue,
    opposite,
    survey,
    take_levels,
    within,
)
from papertape.paper_trading.engine.kernels.money import capped, equity, fee, value
from papertape.paper_trading.engine.kernels.orders import (
    delist,
    end,
    enlist,
    find,
    free_slot,
    reducing_row,
    reserve,
    send,
    tell,
    tell_refused,
    tell_unknown,
)
from papertape.paper_trading.engine.rows import (
    LEVELS_AT_ONCE_MAX,
    NONE,
    UNKNOWN,
    Due,
    EventKind,
    Liquidity,
    OrderType,
    Reason,
    Side,
    Status,
    TimeInForce,
)

_MAX = MANTISSA_MAX
_VALUE_MAX = VALUE_MAX
_LATENCY = purpose_id("engine.latency")
_NONE, _UNKNOWN = NONE, UNKNOWN
_BUY, _SELL = int(Side.BUY), int(Side.SELL)
_MARKET, _LIMIT, _STOP = int(OrderType.MARKET), int(OrderType.LIMIT), int(OrderType.STOP)
_GTC, _IOC, _FOK, _POST_ONLY = (
    int(TimeInForce.GTC),
    int(TimeInForce.IOC),
    int(TimeInForce.FOK),
    int(TimeInForce.POST_ONLY),
)
_PENDING, _WORKING = int(Status.PENDING), int(Status.WORKING)
_NEW, _CANCEL, _AMEND = int(Due.NEW), int(Due.CANCEL), int(Due.AMEND)
_TAKER = int(Liquidity.TAKER)
_ACCEPTED, _CANCELLED, _EXPIRED, _AMENDED, _REFUSED = (
    int(EventKind.ACCEPTED),
    int(EventKind.CANCELLED),
    int(EventKind.EXPIRED),
    int(EventKind.AMENDED),
    int(EventKind.REFUSED),
)
_OK, _NOT_LISTED, _NOT_ON_TICK, _NOT_ON_LOT = (
    int(Reason.NOTHING),
    int(Reason.NOT_LISTED),
    int(Reason.NOT_ON_TICK),
    int(Reason.NOT_ON_LOT),
)
_BELOW_MIN_SIZE, _ABOVE_MAX_SIZE, _BELOW_MIN_NOTIONAL, _TOO_LARGE = (
    int(Reason.BELOW_MIN_SIZE),
    int(Reason.ABOVE_MAX_SIZE),
    int(Reason.BELOW_MIN_NOTIONAL),
    int(Reason.TOO_LARGE),
)
_NO_BALANCE, _NO_HOLDING, _NO_MARKET, _WOULD_TAKE, _NOT_FILLABLE = (
    int(Reason.NO_BALANCE),
    int(Reason.NO_HOLDING),
    int(Reason.NO_MARKET),
    int(Reason.WOULD_TAKE),
    int(Reason.NOT_FILLABLE),
)
_IOC_REST, _BY_REQUEST, _UNKNOWN_ORDER, _ENDED, _NO_ROOM, _BAD_REQUEST, _STOPPED, _OTHER_CURRENCY = (
    int(Reason.IOC_REST),
    int(Reason.BY_REQUEST),
    int(Reason.UNKNOWN_ORDER),
    int(Reason.ENDED),
    int(Reason.NO_ROOM),
    int(Reason.BAD_REQUEST),
    int(Reason.STOPPED),
    int(Reason.OTHER_CURRENCY),
)


@njit
def submit(state, account, instrument, side, kind, tif, price, size):
    """Send an order to the venue; returns its number. One that is refused is told of at once, and has a number too."""
    state.orders_made += 1
    number = state.orders_made
    reason = _BAD_REQUEST
    if _is_sound(side, kind, tif, price, size):
        reason = _check_new(state, account, instrument, side, kind, price, size)
    if reason != _OK:
        tell_refused(state, number, account, reason, instrument, side, price, size)
        return number
    slot = free_slot(state, number)
    order = state.orders[slot]
    order.id, order.account, order.instrument, order.side, order.type = number, account, instrument, side, kind
    order.tif, order.status, order.price, order["size"], order.filled = tif, _PENDING, price, size, 0
    order.ahead, order.shown, order.shown_ns, order.active_ns = 0, 0, 0, 0
    order.reserved, order.reduces = 0, 0
    order.list, order.next = _NONE, _NONE
    state.orders_live += 1
    order.reduces = size if _reduces(state, account, instrument, side, size, 0) else 0
    if order.reduces != 0:
        state.positions[account, instrument].reducing[reducing_row(side)] += size
    reserve(state, slot, _reference(state.instruments[instrument], side, kind, price))
    send(state, state.now_ns + _latency_ns(state, account, instrument), _NEW, number, account, 0, 0)
    return number


@njit
def cancel(state, account, number):
    """Ask the venue to end an order."""
    slot = find(state, account, number)
    if slot == _NONE or state.due_count >= len(state.due) - 1:
        tell_unknown(state, number, account, _UNKNOWN_ORDER if slot == _NONE else _NO_ROOM)
        return
    due_ns = state.now_ns + _latency_ns(state, account, state.orders[slot].instrument)
    send(state, due_ns, _CANCEL, number, account, 0, 0)


@njit
def amend(state, account, number, price, size):
    """Ask the venue to change an order's price and whole size."""
    slot, reason = find(state, account, number), _OK
    if slot == _NONE:
        reason = _UNKNOWN_ORDER
    elif state.orders[slot].type == _MARKET or not _is_sound(_BUY, _LIMIT, _GTC, price, size):
        reason = _BAD_REQUEST
    elif state.due_count >= len(state.due) - 1:
        reason = _NO_ROOM
    else:
        reason = _check_rules(state.instruments[state.orders[slot].instrument], price, price, size)
    if slot == _NONE:
        tell_unknown(state, number, account, reason)
        return
    if reason != _OK:
        tell(state, slot, _REFUSED, reason)
        return
    due_ns = state.now_ns + _latency_ns(state, account, state.orders[slot].instrument)
    send(state, due_ns, _AMEND, number, account, price, size)


@njit
def _is_sound(side, kind, tif, price, size):
    """Whether the fields are such as an order can have, whatever the instrument."""
    if (side != _BUY and side != _SELL) or not _MARKET <= kind <= _STOP or not _GTC <= tif <= _POST_ONLY:
        return False
    if tif == _POST_ONLY and kind != _LIMIT:
        return False
    return -_VALUE_MAX <= price <= _VALUE_MAX and -_VALUE_MAX <= size <= _VALUE_MAX and (kind != _MARKET or price == 0)


@njit
def _reference(inst, side, kind, price):
    """The price at which an order is valued: its own, or the best opposite one."""
    return opposite(inst, side) if kind == _MARKET else price


@njit
def _check_new(state, account, instrument, side, kind, price, size):
    """The first rule that a new order breaks, or NOTHING."""
    if state.accounts[account].stopped != 0:
        return _STOPPED
    if not 0 <= instrument < state.instruments_used or state.instruments[instrument].listed == 0:
        return _NOT_LISTED
    if state.instruments[instrument].currency != state.accounts[account].currency:
        return _OTHER_CURRENCY
    if 2 * (state.orders_live + 1) > len(state.orders) or state.due_count >= len(state.due) - 1:
        return _NO_ROOM
    inst = state.instruments[instrument]
    reference = _reference(inst, side, kind, price)
    reason = _check_rules(inst, price if kind != _MARKET else inst.tick, reference, size)
    if reason != _OK:
        return reason
    if kind == _MARKET and reference == 0:
        return _NO_MARKET
    return _check_balance(state, account, instrument, side, reference, size, 0, 0)


@njit
def _check_rules(inst, price, reference, size):
    """The venue's rules on price and size; an unknown `reference` of 0 is not valued."""
    if price <= 0 or price % inst.tick != 0:
        return _NOT_ON_TICK
    if size <= 0 or size % inst.lot != 0:
        return _NOT_ON_LOT
    if size < inst.min_size:
        return _BELOW_MIN_SIZE
    if inst.max_size != 0 and size > inst.max_size:
        return _ABOVE_MAX_SIZE
    fits, amount = value(inst, reference, size)
    if not fits:
        return _TOO_LARGE
    if reference != 0 and amount < inst.min_value:
        return _BELOW_MIN_NOTIONAL
    return _OK


@njit
def _reduces(state, account, instrument, side, rest, freed):
    """Whether an order only takes back a perpetual position, together with those that already do; `freed` is what an
    amended one is counted with among them.
    """
    position = state.positions[account, instrument]
    if state.instruments[instrument].is_spot or position["size"] * side >= 0:
        return False
    return rest <= abs(position["size"]) - (position.reducing[reducing_row(side)] - freed)


@njit
def _check_balance(state, account, instrument, side, price, rest, freed, freed_reducing):
    """Whether an account can carry an order of this size; `freed` is what an amended order reserves already."""
    inst, purse = state.instruments[instrument], state.accounts[account]
    position = state.positions[account, instrument]
    amount = value(inst, price, rest)[1]
    if inst.is_spot:
        if side == _SELL:
            return _OK if rest <= position["size"] - (position.reserved - freed) else _NO_HOLDING
        need = capped(amount, fee(amount, inst.taker_rate))
        return _OK if need <= purse.cash - (purse.reserved - freed) else _NO_BALANCE
    if _reduces(state, account, instrument, side, rest, freed_reducing):
        return _OK
    worth, exposed = equity(state, account)
    limit = max(worth, 0) * purse.leverage if worth <= _MAX // purse.leverage else _MAX
    used = capped(exposed, purse.reserved - freed)
    return _OK if capped(used, amount) <= limit else _NO_BALANCE


@njit
def _latency_ns(state, account, instrument):
    """How long what an account sends now is under way. Its draws are numbered by itself: others change nothing in them."""
    inst, purse = state.instruments[instrument], state.accounts[account]
    purse.sent += 1
    if inst.latency_jitter_ns == 0:
        return inst.latency_out_ns
    draw = draw_below(inst.latency_jitter_ns + 1, state.seed, _LATENCY, purse.sent, 0)
    return inst.latency_out_ns + draw


@njit
def arrive(state, books):
    """What is due first arrives at the venue; the caller drops it from the queue."""
    first = state.due[0]
    what, number, account, price, size = first.what, first.order, first.account, first.price, first["size"]
    state.arrivals += 1
    state.levels_left = LEVELS_AT_ONCE_MAX
    slot = find(state, account, number)
    if what == _NEW:
        if slot != _NONE:
            _arrive_order(state, books, slot)
    elif slot == _NONE:
        tell_unknown(state, number, account, _ENDED)
    elif what == _CANCEL:
        end(state, slot, _CANCELLED, _BY_REQUEST)
    else:
        _arrive_amend(state, books, slot, price, size)


@njit
def _arrive_order(state, books, slot):
    order = state.orders[slot]
    book, inst = books[order.instrument], state.instruments[order.instrument]
    order.status, order.active_ns = _WORKING, state.now_ns
    if order.type == _MARKET:
        execute_market(state, book, slot)
    elif order.type == _LIMIT:
        _arrive_limit(state, book, slot)
    elif is_reached(inst, order.side, order.price):
        fire(state, book, slot)
    else:
        enlist(state, slot)
        tell(state, slot, _ACCEPTED, 0)


@njit
def _arrive_limit(state, book, slot):
    order = state.orders[slot]
    inst = state.instruments[order.instrument]
    best = opposite(inst, order.side)
    if best != 0 and not is_crossed(inst):
        if order.tif == _POST_ONLY and within(order.side, best, order.price):
            end(state, slot, _EXPIRED, _WOULD_TAKE)
            return
        if order.tif == _FOK and survey(state, book, slot, order.price)[0] < order["size"] - order.filled:
            end(state, slot, _EXPIRED, _NOT_FILLABLE)
            return
        if take_levels(state, book, slot, order.price, _TAKER):
            return
    if order.tif == _IOC or order.tif == _FOK:
        end(state, slot, _EXPIRED, _IOC_REST if order.tif == _IOC else _NOT_FILLABLE)
        return
    behind = _UNKNOWN
    if book.synced != 0:
        side = 0 if order.side == _BUY else 1
        behind = level_size(book, side, order.price if side == 0 else -order.price)
    join_queue(state, inst, order, behind)
    enlist(state, slot)
    tell(state, slot, _ACCEPTED, 0)


@njit
def _arrive_amend(state, books, slot, price, size):
    order = state.orders[slot]
    if size <= order.filled:
        end(state, slot, _CANCELLED, _BY_REQUEST)
        return
    rest = size - order.filled
    freed = order.reserved
    reason = _check_balance(state, order.account, order.instrument, order.side, price, rest, freed, order.reduces)
    if reason != _OK:
        tell(state, slot, _REFUSED, reason)
        return
    reserve(state, slot, 0)
    keeps = order.status == _PENDING or (order.type == _LIMIT and price == order.price and size < order["size"])
    if not keeps:
        delist(state, slot)
    order.price, order["size"] = price, size
    order.reduces = rest if _reduces(state, order.account, order.instrument, order.side, rest, order.reduces) else 0
    state.positions[order.account, order.instrument].reducing[reducing_row(order.side)] += order.reduces
    reserve(state, slot, price)
    tell(state, slot, _AMENDED, 0)
    if not keeps:
        _arrive_order(state, books, slot)
