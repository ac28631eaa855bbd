"""The market, compiled: one structured record per instrument, advanced over packed records.

Each side of a book is a dense ladder of mantissas around the best price, plus an open-addressing
table (linear probing, deletion by shifting back, size 0 = free slot) for everything outside the
window. Sides are stored by key, price for bids and -price for asks, so that the largest key is
always the best. `rows.py` defines the meaning; this file only makes it fast.
"""

from typing import Any

import numpy as np
from numba import config, int64

from papertape.core.book.state_hash import (
    HASHED_FLAGS,
    K_FORM,
    K_ID,
    K_PRICE,
    K_SIZE,
    K_STEP,
    K_TIME,
    K_X,
    K_Y,
    signed,
)
from papertape.core.book.view import QUOTES_PENDING_MAX, TOPS_KEPT
from papertape.core.jit import njit
from papertape.core.records import FIRST_MARKET_KIND, Flag, Kind, Verdict

DONE, LISTING, CAPACITY, UNLISTED = 0, 1, 2, 3
"""Why `advance` returned: end of the batch, an INSTRUMENT record, a book to enlarge first, an instrument nobody listed."""

_PENDING = QUOTES_PENDING_MAX
_TOPS = TOPS_KEPT
_FIRST_MARKET = int(FIRST_MARKET_KIND)
_FIRST = int(Flag.FIRST)
_LAST = int(Flag.LAST)
_ASK = int(Flag.ASK)
_EMPTY = int(Flag.EMPTY)
_HELD = int(Flag.HELD)
_REPEAT = int(Flag.REPEAT)
_DUPLICATE = int(Verdict.DUPLICATE)
_SEQUENCE_GAP = int(Verdict.SEQUENCE_GAP)
_QUOTE, _PRINT, _DELTA, _SNAPSHOT = int(Kind.QUOTE), int(Kind.PRINT), int(Kind.DEPTH_DELTA), int(Kind.DEPTH_SNAPSHOT)
_INSTRUMENT, _GAP = int(Kind.INSTRUMENT), int(Kind.GAP)
_HASHED = HASHED_FLAGS
_KT, _KF, _KP, _KS = signed(K_TIME), signed(K_FORM), signed(K_PRICE), signed(K_SIZE)
_KX, _KY, _KI, _KH = signed(K_X), signed(K_Y), signed(K_ID), signed(K_STEP)
_LOW32 = (1 << 32) - 1
_NONE = -1


def with_attributes(books: np.ndarray[Any, np.dtype[Any]]) -> np.ndarray[Any, np.dtype[Any]]:
    """`books` as kernels take them: fields are attributes, which plain Python (NUMBA_DISABLE_JIT=1) must be told.

    Fields of market records are read as items, since numpy's own `size` and `flags` hide them there.
    """
    return books.view(np.recarray) if config.DISABLE_JIT else books  # type: ignore[attr-defined]


def book_dtype(window: int, far: int) -> np.dtype[Any]:
    """State of one instrument: `window` mantissas around the best, `far` slots (a power of two) beyond, per side."""
    return np.dtype(
        [
            *((name, "<i8") for name in ("price_word", "size_word", "synced", "update_id", "quote_id", "running")),
            *((name, "<i8") for name in ("records", "prints", "checks", "mismatches", "breaks", "crossed")),
            *((name, "<i8") for name in ("pending_head", "pending_count", "tops_count")),
            ("quote", "<i8", (4,)),
            ("top", "<i8", (4,)),
            ("bottom", "<i8", (2,)),
            ("best", "<i8", (2,)),
            ("levels", "<i8", (2,)),
            ("far_count", "<i8", (2,)),
            ("pending", "<i8", (_PENDING, 5)),
            ("tops", "<i8", (_TOPS, 5)),
            ("ladder", "<i8", (2, window)),
            ("far_key", "<i8", (2, far)),
            ("far_size", "<i8", (2, far)),
        ]
    )


@njit
def _slot(book, side, key):
    """Slot of `key` in the far table, or the free slot where it would go."""
    mask = book.far_key.shape[1] - 1
    at = (key * 0x1E3779B97F4A7C15 >> 20) & mask
    while book.far_size[side, at] != 0 and book.far_key[side, at] != key:
        at = (at + 1) & mask
    return at


@njit
def _far_set(book, side, key, size):
    at = _slot(book, side, key)
    if size != 0:
        if book.far_size[side, at] == 0:
            book.far_count[side] += 1
        book.far_key[side, at] = key
        book.far_size[side, at] = size
        return
    if book.far_size[side, at] == 0:
        return
    book.far_count[side] -= 1
    mask = book.far_key.shape[1] - 1
    hole = at
    book.far_size[side, hole] = 0
    at = (at + 1) & mask
    while book.far_size[side, at] != 0:
        home = (book.far_key[side, at] * 0x1E3779B97F4A7C15 >> 20) & mask
        if ((at - home) & mask) >= ((at - hole) & mask):
            book.far_key[side, hole] = book.far_key[side, at]
            book.far_size[side, hole] = book.far_size[side, at]
            book.far_size[side, at] = 0
            hole = at
        at = (at + 1) & mask


@njit
def clear_side(book, side):
    """Forget all levels of one side."""
    if book.levels[side] != 0:
        book.ladder[side, :] = 0
    if book.far_count[side] != 0:
        book.far_size[side, :] = 0
    book.levels[side] = 0
    book.far_count[side] = 0
    book.best[side] = _NONE


@njit
def side_levels(book, side, keys, sizes):
    """Lay all levels of one side into `keys` and `sizes`, in no order; returns how many."""
    count = 0
    if book.levels[side] != 0:
        for at in range(book.ladder.shape[1]):
            if book.ladder[side, at] != 0:
                keys[count] = book.bottom[side] + at
                sizes[count] = book.ladder[side, at]
                count += 1
    if book.far_count[side] != 0:
        for at in range(book.far_size.shape[1]):
            if book.far_size[side, at] != 0:
                keys[count] = book.far_key[side, at]
                sizes[count] = book.far_size[side, at]
                count += 1
    return count


@njit
def _recentre(book, side, key):
    """Lay the ladder anew with `key` at three quarters of it; False when the far table could not take the rest."""
    total = book.levels[side] + book.far_count[side]
    if total >= book.far_key.shape[1] * 3 // 4:
        return False
    keys = np.empty(total, np.int64)
    sizes = np.empty(total, np.int64)
    side_levels(book, side, keys, sizes)
    clear_side(book, side)
    book.bottom[side] = key - book.ladder.shape[1] * 3 // 4
    for k in range(total):
        at = keys[k] - book.bottom[side]
        if 0 <= at < book.ladder.shape[1]:
            book.ladder[side, at] = sizes[k]
            book.levels[side] += 1
            book.best[side] = max(book.best[side], at)
        else:
            _far_set(book, side, keys[k], sizes[k])
    return True


@njit
def set_level(book, side, key, size):
    """Set one level to its absolute size, 0 removes it; False, with nothing changed, when there is no room."""
    window = book.ladder.shape[1]
    empty = book.levels[side] == 0
    at = key - book.bottom[side]
    if size != 0 and (at >= window or (empty and book.far_count[side] == 0)):
        if not _recentre(book, side, key):
            return False
        at = key - book.bottom[side]
    if 0 <= at < window:
        old = book.ladder[side, at]
        book.ladder[side, at] = size
        if size != 0:
            if old == 0:
                book.levels[side] += 1
            if at > book.best[side]:
                book.best[side] = at
        elif old != 0:
            book.levels[side] -= 1
            if book.levels[side] == 0:
                book.best[side] = _NONE
            elif at == book.best[side]:
                at -= 1
                while book.ladder[side, at] == 0:
                    at -= 1
                book.best[side] = at
        return True
    if size != 0 and book.far_count[side] >= book.far_key.shape[1] * 3 // 4:
        return False
    _far_set(book, side, key, size)
    return True


@njit
def _best(book, side):
    """Bring the best level of one side into the ladder; its key and size land in `top`. False without room."""
    if book.levels[side] == 0 and book.far_count[side] != 0:
        key = int64(-(1 << 62)) * 2
        for at in range(book.far_size.shape[1]):
            if book.far_size[side, at] != 0 and book.far_key[side, at] > key:
                key = book.far_key[side, at]
        if not _recentre(book, side, key):
            return False
    book.top[2 * side] = 0
    book.top[2 * side + 1] = 0
    if book.levels[side] != 0:
        key = book.bottom[side] + book.best[side]
        book.top[2 * side] = key if side == 0 else -key
        book.top[2 * side + 1] = book.ladder[side, book.best[side]]
    return True


@njit
def level_size(book, side, key):
    """Size of the level `key` of one side, 0 when there is none."""
    at = key - book.bottom[side]
    if 0 <= at < book.ladder.shape[1]:
        return book.ladder[side, at]
    if book.far_count[side] == 0:
        return int64(0)
    return book.far_size[side, _slot(book, side, key)]


@njit
def next_level(book, side, key):
    """Key and size of the best level of one side below `key`; size 0 when there is none."""
    if book.levels[side] != 0:
        at = min(key - 1 - book.bottom[side], book.best[side])
        while at >= 0:
            if book.ladder[side, at] != 0:
                return book.bottom[side] + at, book.ladder[side, at]
            at -= 1
    best, found = int64(0), int64(0)
    if book.far_count[side] != 0:
        for at in range(book.far_size.shape[1]):
            far = book.far_key[side, at]
            if book.far_size[side, at] != 0 and far < key and (found == 0 or far > best):
                best, found = far, book.far_size[side, at]
    return best, found


@njit
def lose_sync(book):
    """The book is not known any more, until the next snapshot."""
    book.synced = 0
    book.update_id = 0
    book.pending_head = 0
    book.pending_count = 0
    book.tops_count = 0
    book.top[:] = 0
    clear_side(book, 0)
    clear_side(book, 1)


@njit
def _check(book, top, quote):
    book.checks += 1
    for k in range(1, 5):
        if top[k] != quote[k]:
            book.mismatches += 1
            return


@njit
def _take_quote(book, record):
    if record["price"] > record["x"]:
        book.crossed += 1
    if record["id"] <= book.quote_id:
        return
    book.quote_id = record["id"]
    book.quote[0], book.quote[1], book.quote[2], book.quote[3] = (
        record["price"],
        record["size"],
        record["x"],
        record["y"],
    )
    if book.synced == 0 or record["id"] > book.update_id:
        if book.pending_count == _PENDING:
            book.pending_head = (book.pending_head + 1) % _PENDING
            book.pending_count -= 1
        at = (book.pending_head + book.pending_count) % _PENDING
        book.pending_count += 1
    else:
        at = -1
        for known in range(min(book.tops_count, _TOPS)):
            if book.tops[known, 0] == record["id"]:
                at = known
        if at < 0:
            return
        quote = np.empty(5, np.int64)
        quote[1:] = book.quote
        _check(book, book.tops[at], quote)
        return
    book.pending[at, 0] = record["id"]
    book.pending[at, 1:] = book.quote


@njit
def _close_event(book, kind, update_id):
    book.update_id = update_id
    book.synced = 1
    if book.top[2] != 0 and book.top[0] > book.top[2]:
        book.crossed += 1
    at = book.tops_count % _TOPS
    if kind == _DELTA:
        book.tops[at, 0] = update_id
        book.tops[at, 1:] = book.top
        book.tops_count += 1
    while book.pending_count != 0 and book.pending[book.pending_head, 0] <= update_id:
        if kind == _DELTA and book.pending[book.pending_head, 0] == update_id:
            _check(book, book.tops[at], book.pending[book.pending_head])
        book.pending_head = (book.pending_head + 1) % _PENDING
        book.pending_count -= 1


@njit
def _take_level(book, record):
    """One level of an applied depth event; False, with nothing counted yet, when there is no room."""
    if record["flags"] & _FIRST and record["kind"] == _SNAPSHOT:
        clear_side(book, 0)
        clear_side(book, 1)
        book.tops_count = 0
    if not record["flags"] & _EMPTY and record["price"] > 0 and record["size"] >= 0:
        side = 1 if record["flags"] & _ASK else 0
        if not set_level(book, side, record["price"] if side == 0 else -record["price"], record["size"]):
            return False
    if record["flags"] & _LAST:
        if not (_best(book, 0) and _best(book, 1)):
            return False
        _close_event(book, record["kind"], record["id"])
    return True


@njit
def _run(book, record):
    """The running hash of the venue's own fields: `state_hash.step`."""
    x, y = record["x"], record["y"]
    if record["kind"] == _QUOTE:
        x *= book.price_word
        y *= book.size_word
    mixed = record["ts_event_ns"] * _KT + (int64(record["kind"]) << 8 | int64(record["flags"]) & _HASHED) * _KF
    mixed += record["price"] * book.price_word * _KP + record["size"] * book.size_word * _KS
    mixed += x * _KX + y * _KY + record["id"] * _KI
    word = (book.running ^ mixed) * _KH
    book.running = word ^ (word >> 32 & _LOW32)


@njit
def is_listed(books, index):
    """Whether an instrument has this number."""
    return index < len(books) and books[index].price_word != 0


@njit
def take(book, record):
    """One record of the venue's data; False, with nothing counted yet, when there is no room."""
    kind = record["kind"]
    if (kind == _DELTA or kind == _SNAPSHOT) and not record["flags"] & _HELD:
        if not _take_level(book, record):
            return False
    elif kind == _QUOTE:
        _take_quote(book, record)
    elif kind == _PRINT and not record["verdict"] & _DUPLICATE:
        book.prints += 1
    if not record["flags"] & _REPEAT:
        book.records += 1
        _run(book, record)
    if record["flags"] & _FIRST and record["verdict"] & _SEQUENCE_GAP:
        book.breaks += 1
    return True


@njit
def take_quotes(book, records, start, end):
    """As `take` for quotes that follow one another: each newer than all before it and than the book, and unremarkable."""
    price_word, size_word = book.price_word, book.size_word
    by_price, by_size, by_x, by_y = price_word * _KP, size_word * _KS, price_word * _KX, size_word * _KY
    running, head, count = book.running, book.pending_head, book.pending_count
    for at in range(start, end):
        record = records[at]
        ident, price, size, x, y = record["id"], record["price"], record["size"], record["x"], record["y"]
        if count == _PENDING:
            head = (head + 1) % _PENDING
            count -= 1
        row = book.pending[(head + count) % _PENDING]
        row[0], row[1], row[2], row[3], row[4] = ident, price, size, x, y
        count += 1
        mixed = record["ts_event_ns"] * _KT + (_QUOTE << 8 | int64(record["flags"]) & _HASHED) * _KF
        mixed += price * by_price + size * by_size + x * by_x + y * by_y + ident * _KI
        word = (running ^ mixed) * _KH
        running = word ^ (word >> 32 & _LOW32)
    book.running, book.pending_head, book.pending_count = running, head, count
    book.records += end - start
    last = records[end - 1]
    book.quote_id = last["id"]
    book.quote[0], book.quote[1], book.quote[2], book.quote[3] = last["price"], last["size"], last["x"], last["y"]


@njit
def advance(records, start, books):
    """Take records from position `start` on; returns the position reached and why it stopped there.

    At all but DONE the record at that position has not been taken.
    """
    for at in range(start, len(records)):
        record = records[at]
        kind = record["kind"]
        if kind == _INSTRUMENT:
            return at, LISTING
        loses = kind == _GAP and record["id"] == _DELTA
        if not loses and kind < _FIRST_MARKET:
            continue
        if not is_listed(books, record["instrument"]):
            return at, UNLISTED
        if loses:
            lose_sync(books[record["instrument"]])
        elif not take(books[record["instrument"]], record):
            return at, CAPACITY
    return len(records), DONE
