"""The engine: one market, its accounts and orders, driven by records. The control plane's hands on the kernels."""

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from papertape.core.book.compiled import CompiledMarket
from papertape.core.book.state_hash import MASK64
from papertape.core.book.view import unlisted
from papertape.core.errors import DataError, IntegrityError
from papertape.core.fixed import MANTISSA_MAX
from papertape.core.instruments import Instrument
from papertape.core.records import RECORD_DTYPE, as_records
from papertape.paper_trading.engine import state as states
from papertape.paper_trading.engine.kernels.entry import compiled_strategy, doors
from papertape.paper_trading.engine.rows import LARGE, MARKS_MAX, NONE, SMALL, Why
from papertape.paper_trading.engine.state_hash import (
    EngineView,
    EventView,
    engine_hash,
    run_hash,
)
from papertape.paper_trading.engine.terms import Terms
from papertape.paper_trading.ledger import check_postable

Records = np.ndarray[Any, np.dtype[Any]]
MARK_CHUNKS_KEPT = 1_024
"""Chunks of marks that wait to be taken; older ones are let go."""
Act = Callable[..., Any]
_WOKEN, _TIMER, _DONE, _FULL = int(Why.WOKEN), int(Why.TIMER), int(Why.DONE), int(Why.FULL)
_LISTING, _BOOK_CAPACITY, _UNLISTED = int(Why.LISTING), int(Why.BOOK_CAPACITY), int(Why.UNLISTED)


class Engine:
    """Takes records in order; orders go in by `submit`, what becomes of them comes out of `take_events`.

    `terms` says what trading an instrument costs, asked when it is listed; `seed` decides what chance decides.
    """

    def __init__(self, terms: Callable[[Instrument], Terms], seed: int) -> None:
        self.market = CompiledMarket()
        self.states = states.new_states(SMALL, seed)
        self.accounts: list[str] = []
        self.listings = 0
        """How many INSTRUMENT events were taken."""
        self._currencies: list[str] = []
        self._terms = terms
        self._compiled: Act | None = None
        self._act: Any = 0
        self._bind()
        self._heard_only = False
        self._events: list[EventView] = []
        self.load(np.zeros(0, RECORD_DTYPE))
        self._marks: deque[Records] = deque(maxlen=MARK_CHUNKS_KEPT)

    @property
    def now_ns(self) -> int:
        """Engine time."""
        return self._head[states.NOW_NS]

    @property
    def arrivals(self) -> int:
        """How much has arrived at the venue so far."""
        return self._head[states.ARRIVALS]

    @property
    def has_quote(self) -> bool:
        """Whether any instrument has a best price to trade at."""
        rows = self.states[0]["instruments"]
        return bool((rows["bid"] | rows["ask"]).any())

    def open_account(self, name: str, cash: int, leverage: int = 1, currency: str = "USDT") -> int:
        """Open an account with so much money, at eight decimals; returns its index. Raises DataError when it cannot be."""
        index = len(self.accounts)
        if name in self.accounts:
            raise DataError(f"expected an account name that is not in use, was {name!r}")
        if not 0 <= cash <= MANTISSA_MAX or leverage < 1:
            raise DataError(
                f"account {name}: expected cash of 0 or more and a leverage of 1 or more, was {cash}, {leverage}"
            )
        if index == LARGE.accounts:
            raise DataError(f"expected at most {LARGE.accounts} accounts, was one more: {name!r}")
        if index == len(self.states[0]["accounts"]):
            self._enlarge()
        row = self.states[0]["accounts"][index]
        row["open"], row["cash"], row["leverage"], row["currency"] = 1, cash, leverage, self._currency(currency)
        self.accounts.append(name)
        return index

    def use_compiled(self, act: Act, account: int) -> None:
        """Call `act(state, account, record)`, which is compiled, with each record taken. Raises DataError for a second one."""
        if self._compiled is not None:
            raise DataError(
                f"expected at most one compiled strategy in a run, was a second one for {self.accounts[account]}"
            )
        self._compiled = act
        self.states[0]["compiled_account"] = account
        self._bind()

    def load(self, records: Records) -> None:
        """Lay records ready for `advance`."""
        self._records, self._records_at, self._records_count = records, address_of(records), len(records)

    def quiet_ahead(self, start: int, subscription: int) -> int:
        """How many loaded records from `start` on are quotes that concern nobody but this subscription."""
        market = self._books_at, self._books_count, self._states_at
        return int(self._doors.quiet_ahead(self._records_at, self._records_count, start, *market, subscription))

    def pass_quiet(self, start: int, end: int, subscription: int) -> None:
        """Take loaded records of which the subscription has been told already, as many as `quiet_ahead` allowed or fewer."""
        market = self._books_at, self._books_count, self._states_at
        self._doors.pass_quiet(self._records_at, start, end, *market, subscription)

    def advance(self, start: int, wake_ns: int = MANTISSA_MAX) -> tuple[int, int, int]:
        """Take loaded records from `start` on until someone must be asked, at the latest when engine time reaches `wake_ns`.

        Returns the position reached, `Why.DONE`, `Why.WOKEN` or `Why.TIMER`, and the subscription that was woken if it is
        all there is to ask about; else NONE, and the state says who was.
        """
        position, data, count, doors = start, self._records_at, self._records_count, self._doors
        while True:
            position, why, only = doors.advance(
                data, count, position, self._books_at, self._books_count, self._states_at, wake_ns, self._act
            )
            if why in (_WOKEN, _TIMER):
                return position, why, only
            if why == _DONE:
                self._check()
                return position, why, only
            if why == _LISTING:
                position = self._list(self._records, position)
            elif why == _BOOK_CAPACITY:
                self.market.enlarge()
                self._bind()
            elif why == _UNLISTED:
                raise unlisted(int(self._records["instrument"][position]))
            else:
                self._empty_buffers()
            doors = self._doors

    def take(self, records: Records | bytes) -> None:
        """Take whole records in order, whoever may be woken by them."""
        array = as_records(records) if isinstance(records, bytes) else records
        self.load(array)
        position, why = 0, _WOKEN
        while why != _DONE:
            position, why, _ = self.advance(position)
            self.take_woken()
            self._empty_buffers()

    def settle(self, until_ns: int | None = None, arrivals_max: int = MANTISSA_MAX // 2) -> bool:
        """Carry out what is due at or before engine time, or `until_ns`; True when someone is woken by it, and more may be due."""
        until = self.now_ns if until_ns is None else until_ns
        while True:
            why = self._doors.settle(self._books_at, self._books_count, self._states_at, until, arrivals_max)
            if why != _FULL:
                self._check()
                return bool(why == _WOKEN)
            self._empty_buffers()

    def move_clock(self, now_ns: int) -> None:
        """Engine time goes on to `now_ns`; nothing may be due before."""
        if not self._doors.move_clock(self._states_at, now_ns):
            self._empty_buffers()
            self._doors.move_clock(self._states_at, now_ns)

    def submit(
        self,
        account: int,
        instrument: int,
        side: int,
        type: int,  # noqa: A002
        tif: int,
        price: int,
        size: int,
    ) -> int:
        """Send an order; returns its number. A refusal is an event."""
        if 2 * (self._head[states.ORDERS_LIVE] + 1) > self._orders_max:
            self._enlarge()
        self._make_room()
        return int(self._doors.submit(self._states_at, account, instrument, side, type, tif, price, size))

    def cancel(self, account: int, order: int) -> None:
        """Ask for the end of an order."""
        self._make_room()
        self._doors.cancel(self._states_at, account, order)

    def amend(self, account: int, order: int, price: int, size: int) -> None:
        """Ask for another price and whole size of an order."""
        self._make_room()
        self._doors.amend(self._states_at, account, order, price, size)

    def equity(self, account: int) -> int:
        """Equity of an account now, at eight decimals."""
        return int(self._doors.equity(self._states_at, account))

    def take_events(self) -> list[EventView]:
        """Events since the last call."""
        self._empty_buffers()
        events, self._events = self._events, []
        return events

    def take_marks(self) -> list[tuple[int, int, int, int]]:
        """Marks of the accounts since the last call, the latest million or so: (time, account, equity, cash)."""
        self._keep_marks()
        marks: list[tuple[int, int, int, int]] = [row for chunk in self._marks for row in chunk.tolist()]
        self._marks.clear()
        return marks

    def _keep_marks(self) -> None:
        self._marks.append(states.take_marks(self.states))

    def drop_unheard(self) -> None:
        """From now on `take_events` may leave out events that are no fills and of accounts that do not listen."""
        self._heard_only = True

    def take_woken(self) -> tuple[list[tuple[int, tuple[int, ...]]], list[int]]:
        """Who was woken, which is forgotten then: bars that closed, each with its slot, and subscriptions."""
        head, closed, woken = self._head, [], []
        if head[states.CLOSED_COUNT]:
            closed = self.states["closed"][0, : head[states.CLOSED_COUNT]].tolist()
        if head[states.WAKE_COUNT]:
            woken = self.states["wakes"][0, : head[states.WAKE_COUNT]].tolist()
        head[states.CLOSED_COUNT] = head[states.WAKE_COUNT] = head[states.LISTENED] = 0
        return closed, woken

    def view(self) -> EngineView:
        """All live values."""
        self._empty_buffers()
        state = self.states[0]
        return EngineView(
            self.now_ns,
            int(state["orders_made"]),
            self.arrivals,
            int(state["events_made"]),
            f"{int(state['event_word']) & MASK64:016x}",
            states.account_views(self.states, self.accounts),
            states.position_views(self.states),
            states.order_views(self.states),
            states.due_views(self.states),
        )

    def state_hash(self) -> str:
        """The hash of the market and of this engine."""
        return run_hash(self.market.state_hash(), engine_hash(self.view()))

    def _empty_buffers(self) -> None:
        self._check()
        count = self._head[states.EVENT_COUNT]
        if count:
            self._events += states.events_of(self.states, count, heard_only=self._heard_only)
            self._head[states.EVENT_COUNT] = 0
        if self._head[states.MARK_COUNT] > MARKS_MAX // 2:
            self._keep_marks()

    def _make_room(self) -> None:
        """Commands tell events too: the half of the buffer that a record needs stays free, however many there are."""
        if self._head[states.EVENT_COUNT] > self._events_max // 2:
            self._empty_buffers()

    def orders_of(self, account: int) -> list[int]:
        """Numbers of the live orders of an account, in the order in which they were sent."""
        return states.orders_of(self.states, account)

    def export(self) -> dict[str, Any]:
        """All that the engine is, as plain values and bytes; its buffers must be empty."""
        return {
            "market": self.market.export(),
            "class": states.CLASSES.index(states.capacity_of(self.states)),
            "state": self.states.tobytes(),
            "accounts": self.accounts,
            "currencies": self._currencies,
            "listings": self.listings,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Become what `export` told. Raises IntegrityError when it is of another layout."""
        self.market = CompiledMarket.restore(saved["market"])
        self.states = states.read_states(states.CLASSES[saved["class"]], saved["state"])
        self.accounts, self._currencies = list(saved["accounts"]), list(saved["currencies"])
        self.listings = saved["listings"]
        self._bind()

    def _currency(self, code: str) -> int:
        if code not in self._currencies:
            self._currencies.append(code)
        return self._currencies.index(code)

    def _list(self, records: Records, start: int) -> int:
        index = int(records["instrument"][start])
        old = self.market.instruments.get(index)
        self.listings += 1
        end = self.market.list_at(records, start)
        new = self.market.instruments[index]
        while index >= len(self.states[0]["instruments"]) and states.capacity_of(self.states) != LARGE:
            self._enlarge()
        if index < len(self.states[0]["instruments"]):
            if old is not None:
                states.rescale(self.states, index, old, new)
            currency = NONE if check_postable(new) else self._currency(new.quote)
            states.set_terms(self.states, index, new, self._terms(new), currency)
        self._bind()
        return end

    def _enlarge(self) -> None:
        larger = states.CLASSES.index(states.capacity_of(self.states)) + 1
        if larger < len(states.CLASSES):
            self.states = states.enlarged(self.states, states.CLASSES[larger])
            self._bind()

    def _bind(self) -> None:
        """Take the kernels for the layouts of books and state, which are other arrays now."""
        self._doors: Any = doors(self.market.books.dtype, self.states.dtype)
        self._books_at, self._books_count = address_of(self.market.books), len(self.market.books)
        self._states_at, self._head = address_of(self.states), states.head_of(self.states)
        self._orders_max, self._events_max = len(self.states[0]["orders"]), len(self.states[0]["events"])
        if self._compiled is not None:
            self._act, self._act_alive = compiled_strategy(self._compiled, self.states.dtype)

    def _check(self) -> None:
        if self._head[states.OVERFLOW]:
            raise IntegrityError("expected values that fit in 64 bits and events that fit their buffer, was more")


def address_of(array: Records) -> int:
    """Where an array begins in memory. Raises DataError for one whose records do not follow one another."""
    if not array.flags.c_contiguous:
        raise DataError("expected an array of consecutive records, was one with gaps")
    return int(array.__array_interface__["data"][0])


def warm_up() -> None:
    """Compile the kernels, or load them from the cache, before time is taken."""
    engine = Engine(lambda _: Terms(), 0)
    account = engine.open_account("warm", 0)
    engine.take(np.zeros(0, RECORD_DTYPE))
    engine.submit(account, 0, 1, 0, 0, 0, 1)
    engine.cancel(account, 1)
    engine.amend(account, 1, 1, 1)
    engine.settle()
    engine.move_clock(0)
    engine.equity(account)
