"""The engine's part of the state hash: a canonical text of live values, the same for every form of the engine."""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from papertape.core.book.state_hash import K_STEP, MASK64


class EventView(NamedTuple):
    """One event of an order; `docs/explanation/the-engine.md` tells the fields. Kinds and reasons are their numbers."""

    number: int
    ts_ns: int
    kind: int
    order: int
    account: int
    instrument: int
    side: int
    price: int
    size: int
    rest: int
    liquidity: int
    notional: int
    fee: int
    realised: int
    reason: int


class AccountView(NamedTuple):
    """One account; money is a mantissa at eight decimals."""

    name: str
    cash: int
    reserved: int
    realised: int
    fees: int
    sent: int
    """Orders, cancels and amends that it sent to the venue; they number its draws of latency."""


class PositionView(NamedTuple):
    """What an account has of an instrument; shown once it has traded it."""

    account: int
    instrument: int
    size: int
    cost: int
    realised: int
    fees: int
    fills: int


class OrderView(NamedTuple):
    """One live order."""

    id: int
    account: int
    instrument: int
    side: int
    type: int
    tif: int
    status: int
    price: int
    size: int
    filled: int
    ahead: int
    active_ns: int
    reserved: int
    shown: int
    shown_ns: int


class DueView(NamedTuple):
    """Something on its way to the venue."""

    due_ns: int
    number: int
    what: int
    order: int
    price: int
    size: int


class EngineView(NamedTuple):
    """All live values. Accounts in the order in which they were opened, positions by account and instrument, orders by
    id, dues by time and number; `event_word` is `next_event_word` over all events so
    far, from 0, in 16 hexadecimal digits.
    """

    now_ns: int
    orders_made: int
    arrivals: int
    events_made: int
    event_word: str
    accounts: list[AccountView]
    positions: list[PositionView]
    orders: list[OrderView]
    due: list[DueView]


def next_event_word(word: int, events: Iterable[EventView]) -> int:
    """The running hash over events, after `events`: 64 bits that wrap, as kernels count them."""
    for event in events:
        mixed = 0
        for value in event:
            mixed = mixed * K_STEP + value
        word = ((word ^ mixed) * K_STEP) & MASK64
        word ^= word >> 32
    return word


def engine_hash(view: EngineView) -> str:
    """The hash of an engine: 32 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"engine {' '.join(map(str, view[:5]))}\n".encode())
    for name, rows in zip(("account", "position", "order", "due"), view[5:], strict=True):
        for row in rows:  # type: ignore[attr-defined]
            digest.update(f"{name} {' '.join(map(str, row))}\n".encode())
    return digest.hexdigest()


def run_hash(market: str, engine: str) -> str:
    """The state hash of a run, from that of its market and that of its engine."""
    return hashlib.blake2b(f"{market} {engine}".encode(), digest_size=16).hexdigest()
