"""Matching: walking the displayed levels, queue positions, prints, stops, and what a fill does to an account.

The rules are told in `docs/explanation/the-engine.md`. Sides of a book are 0 for bids and 1 for asks.
"""

from papertape.core.book.kernels import next_level
from papertape.core.fixed.kernels import mul_div
from papertape.core.fixed.rows import MANTISSA_MAX, Rounding
from papertape.core.jit import njit
from papertape.paper_trading.engine.kernels.money import capped, fee, value
from papertape.paper_trading.engine.kernels.orders import (
    BUYS,
    SELLS,
    STOPS_TO_BUY,
    STOPS_TO_SELL,
    end,
    reserve,
    tell,
    tell_fill,
)
from papertape.paper_trading.engine.rows import (
    LEVELS_WALKED_MAX,
    NONE,
    TAKEN_KEPT,
    UNKNOWN,
    EventKind,
    Liquidity,
    OrderType,
    Reason,
    Side,
)

_HALF_EVEN = int(Rounding.HALF_EVEN)
_MAX = MANTISSA_MAX
_NONE, _UNKNOWN = NONE, UNKNOWN
_BUY = int(Side.BUY)
_LIMIT = int(OrderType.LIMIT)
_MAKER, _TAKER = int(Liquidity.MAKER), int(Liquidity.TAKER)
_FILL, _EXPIRED, _REJECTED, _TRIGGERED = (
    int(EventKind.FILL),
    int(EventKind.EXPIRED),
    int(EventKind.REJECTED),
    int(EventKind.TRIGGERED),
)
_NO_MARKET, _NO_LIQUIDITY, _NO_BALANCE = int(Reason.NO_MARKET), int(Reason.NO_LIQUIDITY), int(Reason.NO_BALANCE)


@njit
def is_crossed(inst):
    """Whether both sides have a best price and the bid is at or above the ask."""
    return inst.bid != 0 and inst.ask != 0 and inst.bid >= inst.ask


@njit
def opposite(inst, side):
    """Best price on the other side of an order; 0 when there is none."""
    return inst.ask if side == _BUY else inst.bid


@njit
def within(side, price, limit):
    """Whether an order of this side and limit may trade at `price`; a limit of 0 is none."""
    return limit == 0 or (price <= limit if side == _BUY else price >= limit)


@njit
def _first_level(inst, book, side):
    """The best level that an order of this side meets: price and size, (0, 0) when there is none."""
    if inst.from_quote == 0:
        return (book.top[2], book.top[3]) if side == _BUY else (book.top[0], book.top[1])
    return (inst.ask, inst.ask_size) if side == _BUY else (inst.bid, inst.bid_size)


@njit
def _level_behind(book, taken_side, price):
    """The level behind `price` on one side of the book: price and size, (0, 0) when none is known."""
    if book.synced == 0:
        return 0, 0
    key, size = next_level(book, taken_side, price if taken_side == 0 else -price)
    return (key if taken_side == 0 else -key) if size != 0 else 0, size


@njit
def _taken_row(state, account, instrument, side, price):
    for k in range(min(state.accounts[account].taken_count, TAKEN_KEPT)):
        row = state.taken[account, k]
        if row.price == price and row.instrument == instrument and row.side == side:
            return k
    return _NONE


@njit
def _left_of(state, order, price, displayed):
    """How much of a displayed level an account has not taken."""
    k = _taken_row(state, order.account, order.instrument, order.side, price)
    if k == _NONE or state.taken[order.account, k].displayed != displayed:
        return displayed
    return displayed - state.taken[order.account, k].taken


@njit
def _note_taken(state, order, price, displayed, size):
    account = state.accounts[order.account]
    k = _taken_row(state, order.account, order.instrument, order.side, price)
    if k == _NONE:
        k = account.taken_count % TAKEN_KEPT
        account.taken_count += 1
        row = state.taken[order.account, k]
        row.instrument, row.side, row.price, row.displayed, row.taken = (
            order.instrument,
            order.side,
            price,
            displayed,
            0,
        )
    row = state.taken[order.account, k]
    if row.displayed != displayed:
        row.displayed, row.taken = displayed, 0
    row.taken += size


@njit
def survey(state, book, slot, limit):
    """What an order could take now: (size, value and fees of it)."""
    order = state.orders[slot]
    inst = state.instruments[order.instrument]
    price, displayed = _first_level(inst, book, order.side)
    rest, cost = order["size"] - order.filled, 0
    for _ in range(LEVELS_WALKED_MAX):
        if price == 0 or rest == 0 or not within(order.side, price, limit):
            break
        got = rest
        if displayed != 0 and inst.whole_fills == 0:
            got = min(rest, _left_of(state, order, price, displayed))
        fits, amount = value(inst, price, got)
        cost = capped(cost, amount + fee(amount, inst.taker_rate)) if fits else _MAX
        rest -= got
        price, displayed = _level_behind(book, 1 if order.side == _BUY else 0, price)
    return order["size"] - order.filled - rest, cost


@njit
def take_levels(state, book, slot, limit, liquidity):
    """Take what is displayed up to `limit`: a taker at the levels' prices, a maker at its own. True when it is filled."""
    order = state.orders[slot]
    inst = state.instruments[order.instrument]
    price, displayed = _first_level(inst, book, order.side)
    for _ in range(min(LEVELS_WALKED_MAX, state.levels_left)):
        if price == 0 or not within(order.side, price, limit):
            break
        state.levels_left -= 1
        got = order["size"] - order.filled
        is_remembered = displayed != 0 and inst.whole_fills == 0
        if is_remembered:
            got = min(got, _left_of(state, order, price, displayed))
        if not value(inst, price, got)[0]:
            break  # no money can count it
        if got != 0 and is_remembered:
            _note_taken(state, order, price, displayed, got)
        if got != 0 and fill(state, slot, order.price if liquidity == _MAKER else price, got, liquidity):
            return True
        price, displayed = _level_behind(book, 1 if order.side == _BUY else 0, price)
    return False


@njit
def fill(state, slot, price, size, liquidity):
    """An order trades. True when that was its last part: its slot is free then."""
    order = state.orders[slot]
    inst = state.instruments[order.instrument]
    amount = value(inst, price, size)[1]
    charge = fee(amount, inst.maker_rate if liquidity == _MAKER else inst.taker_rate)
    position = state.positions[order.account, order.instrument]
    account = state.accounts[order.account]
    if max(abs(account.cash), abs(position.cost)) > _MAX - amount - abs(charge):
        state.overflow = 1
    if inst.is_spot:
        profit = _trade_spot(position, order.side, size, amount)
        account.cash -= order.side * amount + charge
    else:
        profit = _trade_perpetual(state, inst, position, order.side, price, size, amount)
        account.cash += profit - charge
    position.realised += profit
    position.fees += charge
    position.fills += 1
    account.realised += profit
    account.fees += charge
    order.filled += size
    tell_fill(state, slot, price, size, liquidity, amount, charge, profit)
    if order.filled == order["size"]:
        end(state, slot, _FILL, 0)
        return True
    if order.type == _LIMIT:
        reserve(state, slot, order.price)
    return False


@njit
def _trade_spot(position, side, size, amount):
    """The holding and its cost after a trade; returns the realised profit."""
    if side == _BUY:
        position["size"] += size
        position.cost += amount
        return 0
    part = mul_div(position.cost, size, position["size"], _HALF_EVEN)[1]
    position["size"] -= size
    position.cost -= part
    return amount - part


@njit
def _trade_perpetual(state, inst, position, side, price, size, amount):
    """The position and its cost after a trade; returns the realised profit."""
    held = position["size"]
    if held * side >= 0:
        position["size"] += side * size
        position.cost += side * amount
        return 0
    closed = min(size, abs(held))
    closing = amount if closed == size else value(inst, price, closed)[1]
    part = mul_div(position.cost, closed, abs(held), _HALF_EVEN)[1]
    position["size"] += side * size
    position.cost += side * (amount - closing) - part
    return -side * closing - part


@njit
def execute_market(state, book, slot):
    """A market order, or a stop that fired, trades now; what is left of it ends. Its reservation is freed before."""
    order = state.orders[slot]
    inst = state.instruments[order.instrument]
    reserve(state, slot, 0)
    if is_crossed(inst) or opposite(inst, order.side) == 0:
        end(state, slot, _REJECTED, _NO_MARKET)
        return
    account = state.accounts[order.account]
    if inst.is_spot and order.side == _BUY and survey(state, book, slot, 0)[1] > account.cash - account.reserved:
        end(state, slot, _REJECTED, _NO_BALANCE)
        return
    if not take_levels(state, book, slot, 0, _TAKER):
        end(state, slot, _EXPIRED, _NO_LIQUIDITY)


@njit
def join_queue(state, inst, order, displayed_behind):
    """Where a resting order stands at arrival; `displayed_behind` is the book's size at its price, UNKNOWN without one."""
    order.shown, order.shown_ns = 0, 0
    best, best_size = (inst.bid, inst.bid_size) if order.side == _BUY else (inst.ask, inst.ask_size)
    if best == 0:
        order.ahead = _UNKNOWN
    elif order.price == best:
        order.ahead = best_size
    elif within(order.side, best, order.price) and best != order.price:
        order.ahead = 0
    else:
        order.ahead = displayed_behind


@njit
def move_up(order, displayed, told_ns):
    """A level shows a size: nobody can be behind more than that. What went may have been traded, and its print be on its way."""
    if order.ahead == _UNKNOWN:
        order.ahead = displayed
    elif displayed < order.ahead:
        order.shown += order.ahead - displayed
        order.shown_ns = told_ns
        order.ahead = displayed


@njit
def level_changed(state, inst, side, price, displayed):
    """A level of the book was set: orders at that very price move up."""
    which = BUYS if side == 0 else SELLS
    key = price if side == 0 else -price
    at = inst.head[which] if inst.key[which] >= key else _NONE
    while at != _NONE:
        order = state.orders[at]
        if order.price == price:
            move_up(order, displayed, inst.told_ns)
        elif (order.price if side == 0 else -order.price) < key:
            return
        at = order.next


@njit
def top_changed(state, book, instrument):
    """The top is another one and not crossed: resting orders that it reaches fill, the rest move up, stops fire."""
    inst = state.instruments[instrument]
    for which in (BUYS, SELLS):
        reach = inst.ask if which == BUYS else -inst.bid
        at = inst.head[which] if reach != 0 and inst.key[which] >= reach else _NONE
        while at != _NONE:
            order = state.orders[at]
            behind = order.next
            if (order.price if which == BUYS else -order.price) < reach:
                break
            if not take_levels(state, book, at, order.price, _MAKER):
                move_up(order, 0, inst.told_ns)
            at = behind
        best, shown = (inst.bid, inst.bid_size) if which == BUYS else (-inst.ask, inst.ask_size)
        at = inst.head[which] if best != 0 and inst.key[which] >= best else _NONE
        while at != _NONE:
            order = state.orders[at]
            key = order.price if which == BUYS else -order.price
            if key < best:
                break
            move_up(order, 0 if key > best else shown, inst.told_ns)
            at = order.next
    fire_stops(state, book, instrument)


@njit
def fire_stops(state, book, instrument):
    """Stops whose trigger is reached become market orders; without a price to trade at they wait on."""
    inst = state.instruments[instrument]
    if is_crossed(inst):
        return
    for which in (STOPS_TO_SELL, STOPS_TO_BUY):
        side = -1 if which == STOPS_TO_SELL else 1
        while inst.head[which] != _NONE and is_reached(inst, side, state.orders[inst.head[which]].price):
            fire(state, book, inst.head[which])


@njit
def is_reached(inst, side, trigger):
    """Whether a stop fires now."""
    price = opposite(inst, side)
    if price == 0 or is_crossed(inst):
        return False
    if inst.has_prints != 0:
        price = inst.last
    return price >= trigger if side == _BUY else price <= trigger


@njit
def fire(state, book, slot):
    """A stop becomes a market order."""
    tell(state, slot, _TRIGGERED, 0)
    execute_market(state, book, slot)


@njit
def take_print(state, book, instrument, record, sold):
    """A print of the opposite aggressor fills resting orders and moves them up."""
    inst = state.instruments[instrument]
    which, price = (BUYS if sold else SELLS), record["price"]
    key = price if sold else -price
    if inst.key[which] < key:
        return
    state.spent[:] = 0
    at = inst.head[which]
    while at != _NONE:
        order = state.orders[at]
        behind = order.next
        own = order.price if sold else -order.price
        if own < key:
            break
        if record["ts_event_ns"] == 0 or record["ts_event_ns"] >= order.active_ns:
            # Whole fills may have taken more than the print brought.
            left = max(record["size"] - state.spent[order.account], 0)
            _meet_print(state, at, own > key, left, inst.whole_fills, record["ts_event_ns"])
        at = behind


@njit
def _meet_print(state, slot, went_through, left, whole_fills, traded_ns):
    """One resting order meets a print of which `left` is not used by its account."""
    order = state.orders[slot]
    rest, ahead = order["size"] - order.filled, order.ahead
    if went_through:
        got = rest if whole_fills else min(rest, left)
        order.ahead, order.shown = 0, 0
    elif ahead == _UNKNOWN:
        return
    else:
        if traded_ns > order.shown_ns:
            order.shown = 0
        counted = min(order.shown, left)
        order.shown -= counted
        left -= counted
        got = min(rest, left - ahead)
        if whole_fills and left > ahead:
            got = rest
        order.ahead = max(ahead - left, 0)
    if got > 0:
        state.spent[order.account] += got
        fill(state, slot, order.price, got, _MAKER)
