"""The doors to the kernels: functions of plain integers, addresses among them.

To tell the type of an array with this many fields takes longer than most calls do, so arrays come in by address. The
caller keeps them alive and says how long they are.
"""

from functools import cache
from typing import NamedTuple

from numba import carray, cfunc, config, from_dtype, types  # type: ignore[attr-defined]

from papertape.core.jit import at_address, njit
from papertape.core.records import RECORD_DTYPE
from papertape.paper_trading.engine.kernels import advance as kernel
from papertape.paper_trading.engine.kernels import desk, quiet
from papertape.paper_trading.engine.kernels.money import equity

_INT = types.int64
RECORD = from_dtype(RECORD_DTYPE)


class Doors(NamedTuple):
    """The kernels for one layout of books and state; `states` and `books` are addresses."""

    advance: object
    """(records, count, start, books, books' count, states, wake time, strategy) -> (position, `Why`, subscription)."""
    quiet_ahead: object
    """(records, count, start, books, books' count, states, subscription) -> how many."""
    pass_quiet: object
    """(records, start, end, books, books' count, states, subscription)."""
    settle: object
    """(books, books' count, states, until, most arrivals) -> `Why`."""
    move_clock: object
    submit: object
    cancel: object
    amend: object
    equity: object


@cache
def doors(book_dtype, state_dtype):
    """The kernels for these layouts, from the cache or compiled."""

    def advance(records, count, start, books, books_count, states, wake_ns, act):
        return kernel.advance(
            at_address(records, count, RECORD_DTYPE),
            start,
            at_address(books, books_count, book_dtype),
            at_address(states, 1, state_dtype),
            wake_ns,
            act,
        )

    def quiet_ahead(records, count, start, books, books_count, states, told):
        there, state = at_address(records, count, RECORD_DTYPE), at_address(states, 1, state_dtype)[0]
        return quiet.quiet_ahead(there, start, state, at_address(books, books_count, book_dtype), told)

    def pass_quiet(records, start, end, books, books_count, states, told):
        there, state = at_address(records, end, RECORD_DTYPE), at_address(states, 1, state_dtype)[0]
        instrument = state.subscriptions[told].instrument
        book = at_address(books, books_count, book_dtype)[instrument]
        quiet.take_quiet(there, start, end, state, book, instrument, told)

    def settle(books, books_count, states, until_ns, arrivals_max):
        books_there = at_address(books, books_count, book_dtype)
        return kernel.settle(books_there, at_address(states, 1, state_dtype), until_ns, arrivals_max)

    def move_clock(states, now_ns):
        return kernel.move_clock(at_address(states, 1, state_dtype), now_ns)

    def submit(states, account, instrument, side, kind, tif, price, size):
        state = at_address(states, 1, state_dtype)[0]
        return desk.submit(state, account, instrument, side, kind, tif, price, size)

    def cancel(states, account, number):
        desk.cancel(at_address(states, 1, state_dtype)[0], account, number)

    def amend(states, account, number, price, size):
        desk.amend(at_address(states, 1, state_dtype)[0], account, number, price, size)

    def equity_of(states, account):
        return equity(at_address(states, 1, state_dtype)[0], account)[0]

    every = (advance, quiet_ahead, pass_quiet, settle, move_clock, submit, cancel, amend, equity_of)
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return Doors(*every)
    return Doors(*(njit((_INT,) * one.__code__.co_argcount)(one) for one in every))


@cache
def compiled_strategy(act, state_dtype):
    """The address of a strategy function `act(state, account, record)` for this layout, and what keeps it alive; itself when nothing is compiled."""
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return act, act

    def call(state, account, record):
        act(carray(state, 1)[0], account, carray(record, 1)[0])
        return 0

    made = cfunc(_INT(types.CPointer(from_dtype(state_dtype)), _INT, types.CPointer(RECORD)))(call)
    return made.address, made
