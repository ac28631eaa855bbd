"""The state record of the kernels: made, listed into, enlarged, and read out as views."""

import struct
from typing import Any

import numpy as np

from papertape.core.book.kernels import with_attributes
from papertape.core.errors import DataError, IntegrityError
from papertape.core.fixed import MANTISSA_MAX, Rounding, divide
from papertape.core.instruments import MONEY_SCALE, Instrument, InstrumentKind
from papertape.paper_trading.engine.rows import LARGE, NONE, SMALL, Capacity, EventKind, state_dtype
from papertape.paper_trading.engine.state_hash import AccountView, DueView, EventView, OrderView, PositionView
from papertape.paper_trading.engine.terms import Terms

States = np.ndarray[Any, np.dtype[Any]]
CLASSES = (SMALL, LARGE)


def _place(name: str) -> int:
    """Where a number stands that both classes begin with."""
    dtype = state_dtype(SMALL)
    return int(dtype.fields[name][1]) // 8 if dtype.fields else 0


NOW_NS, ARRIVALS, ORDERS_LIVE, OVERFLOW = (_place(name) for name in ("now_ns", "arrivals", "orders_live", "overflow"))
EVENT_COUNT, MARK_COUNT, CLOSED_COUNT, WAKE_COUNT, LISTENED = (
    _place(name) for name in ("event_count", "mark_count", "closed_count", "wake_count", "listened")
)
_HEAD_COUNT = _place("instruments")
_EVENT = struct.Struct(f"<{len(EventView._fields)}q")
_FEW = 16
"""So few events are quicker told than looked through."""
_VALUE_DIGITS_MAX = 18


def new_states(capacity: Capacity, seed: int) -> States:
    """An engine's state before anything has happened: an array of one record."""
    states = np.zeros(1, state_dtype(capacity))
    state = states[0]
    state["seed"] = seed
    state["wake_ns"] = state["next_ns"] = MANTISSA_MAX
    state["compiled_account"] = NONE
    state["instruments"]["head"] = state["instruments"]["feeds"] = state["instruments"]["bars"] = NONE
    state["instruments"]["key"] = -MANTISSA_MAX
    return with_attributes(states)


def read_states(capacity: Capacity, raw: bytes) -> States:
    """A state from its bytes. Raises IntegrityError when they are of another layout."""
    dtype = state_dtype(capacity)
    if len(raw) != dtype.itemsize:
        raise IntegrityError(f"expected an engine's state of {dtype.itemsize} bytes, was {len(raw)}")
    return with_attributes(np.frombuffer(bytearray(raw), dtype))


def capacity_of(states: States) -> Capacity:
    """The class that a state was made in."""
    return next(one for one in CLASSES if one.orders == len(states[0]["orders"]))


def enlarged(states: States, capacity: Capacity) -> States:
    """The same state in a larger class."""
    larger = new_states(capacity, 0)
    for name in states.dtype.names or ():
        old, new = states[0][name], larger[0]
        if not isinstance(old, np.ndarray):
            new[name] = old
        elif old.ndim == 1:
            new[name][: len(old)] = old
        else:
            new[name][: old.shape[0], : old.shape[1]] = old
    return larger


def set_terms(states: States, index: int, instrument: Instrument, terms: Terms, currency: int) -> None:
    """List an instrument, or list it anew; `currency` is the number of that which it is settled in, NONE without one.

    Raises DataError when it cannot be traded exactly.
    """
    row = states[0]["instruments"][index]
    digits = instrument.price_scale + instrument.size_scale - MONEY_SCALE
    if not -_VALUE_DIGITS_MAX <= digits <= _VALUE_DIGITS_MAX:
        raise DataError(f"expected scales of {instrument.symbol} that money can be counted at, was {digits} digits off")
    row["listed"], row["currency"] = 1, currency
    row["is_spot"] = instrument.kind is InstrumentKind.CRYPTO_SPOT
    for name in ("tick", "lot", "min_size", "max_size"):
        row[name] = getattr(instrument, name)
    row["value_times"] = instrument.contract_size * 10 ** max(-digits, 0)
    row["value_over"] = 10 ** max(digits, 0)
    least = instrument.min_notional * int(row["value_times"])
    row["min_value"] = divide(least, int(row["value_over"]), Rounding.CEILING)
    for name in ("maker_rate", "taker_rate", "latency_out_ns", "latency_jitter_ns", "whole_fills"):
        row[name] = getattr(terms, name)
    states[0]["instruments_used"] = max(int(states[0]["instruments_used"]), index + 1)


def rescale(states: States, index: int, old: Instrument, new: Instrument) -> None:
    """Tell all that is held of an instrument at its new scales. Raises DataError when those are coarser."""
    price_digits, size_digits = new.price_scale - old.price_scale, new.size_scale - old.size_scale
    if min(price_digits, size_digits) < 0:
        raise DataError(
            f"expected scales of {new.symbol} no coarser than before, was {new.price_scale}, {new.size_scale}"
        )
    state = states[0]
    prices, sizes = 10**price_digits, 10**size_digits
    row = state["instruments"][index]
    for name in ("bid", "ask", "mid2", "last"):
        row[name] *= prices
    for name in ("bid_size", "ask_size"):
        row[name] *= sizes
    listed = row["head"] != NONE
    row["key"][listed] *= prices
    orders = state["orders"]
    mine = (orders["id"] != 0) & (orders["instrument"] == index)
    orders["price"][mine] *= prices
    for name in ("size", "filled", "reduces"):
        orders[name][mine] *= sizes
    orders["ahead"][mine & (orders["ahead"] > 0)] *= sizes
    if row["is_spot"]:
        orders["reserved"][mine & (orders["side"] < 0)] *= sizes
        state["positions"]["reserved"][:, index] *= sizes
    for name in ("size", "reducing"):
        state["positions"][name][:, index] *= sizes
    taken = state["taken"]
    here = taken["instrument"] == index
    taken["price"][here] *= prices
    taken["displayed"][here] *= sizes
    taken["taken"][here] *= sizes
    due = state["due"][: int(state["due_count"])]
    ids = orders["id"][mine]
    theirs = np.isin(due["order"], ids)
    due["price"][theirs] *= prices
    due["size"][theirs] *= sizes


def account_views(states: States, names: list[str]) -> list[AccountView]:
    """All accounts, in the order in which they were opened."""
    rows = states[0]["accounts"]
    fields = AccountView._fields[1:]
    return [AccountView(name, *(int(rows[k][field]) for field in fields)) for k, name in enumerate(names)]


def position_views(states: States) -> list[PositionView]:
    """Positions that were ever traded, by account and instrument."""
    rows = states[0]["positions"]
    traded = np.argwhere(rows["fills"] != 0).tolist()
    fields = PositionView._fields[2:]
    return [PositionView(a, i, *(int(rows[a, i][field]) for field in fields)) for a, i in traded]


def order_views(states: States) -> list[OrderView]:
    """Live orders, by number."""
    rows = states[0]["orders"]
    live = rows[rows["id"] != 0]
    views = [OrderView(*(int(row[field]) for field in OrderView._fields)) for row in live]
    return sorted(views)


def due_views(states: States) -> list[DueView]:
    """What is on its way, the earliest first."""
    rows = states[0]["due"][: int(states[0]["due_count"])]
    return sorted(DueView(*(int(row[field]) for field in DueView._fields)) for row in rows)


def orders_of(states: States, account: int) -> list[int]:
    """Numbers of the live orders of an account, in the order in which they were sent."""
    rows = states[0]["orders"]
    return sorted(rows["id"][(rows["id"] != 0) & (rows["account"] == account)].tolist())


def head_of(states: States) -> memoryview:
    """The numbers that a state begins with, to be read and set at the places above: many times as quick as its fields."""
    return states.view(np.int64)[:_HEAD_COUNT].data


def events_of(states: States, count: int, *, heard_only: bool) -> list[EventView]:
    """The first `count` events in the buffer; with `heard_only` those alone that are fills or of accounts that listen."""
    rows = states["events"][0, :count]
    if heard_only and count > _FEW:
        listens = states["accounts"]["listens"][0]
        rows = rows[(rows["kind"] == EventKind.FILL) | (listens[rows["account"]] != 0)]
    return list(map(EventView._make, _EVENT.iter_unpack(rows.tobytes())))


def take_marks(states: States) -> States:
    """Marks since the last call: (time, account, equity, cash)."""
    state = states[0]
    rows: States = state["marks"][: int(state["mark_count"])].copy()
    state["mark_count"] = 0
    return rows
