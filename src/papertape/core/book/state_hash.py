"""The market part of the state hash, and the running hash of one record.

The hash covers a canonical form of live values, never memory: per instrument, in the order of
venue and symbol, the book, the latest quote, and a running hash over what the venue itself said.
Arrival times, clock offsets, verdicts and positions on the tape are left out, and numbers are
taken without their scale, so a tape and the reel captured with it give the same hash.

The running hash works on 64-bit words that wrap. A mantissa m at scale s enters as
m * 10**(18 - s): the same number gives the same word at every scale.
"""

import hashlib
from collections.abc import Iterable
from functools import cache

from papertape.core.book.view import BookView
from papertape.core.fixed import format_trimmed
from papertape.core.records import Flag

MASK64 = (1 << 64) - 1
HASHED_FLAGS = int(Flag.FIRST | Flag.LAST | Flag.ASK | Flag.EMPTY)
HASH_SCALE = 18

# Odd constants: the fractional parts of the square roots of the primes 2, 3, 5, 7, 11, 13, 17 and 19.
K_TIME = 0x6A09E667F3BCC909
K_FORM = 0xBB67AE8584CAA73B
K_PRICE = 0x3C6EF372FE94F82B
K_SIZE = 0xA54FF53A5F1D36F1
K_X = 0x510E527FADE682D1
K_Y = 0x9B05688C2B3E6C1F
K_ID = 0x1F83D9ABFB41BD6B
K_STEP = 0x5BE0CD19137E2179


def signed(word: int) -> int:
    """A 64-bit word as the signed integer that kernels hold."""
    word &= MASK64
    return word - (1 << 64) if word >> 63 else word


@cache
def scale_word(scale: int) -> int:
    """What mantissas at `scale` are multiplied with in the running hash."""
    word: int = 10 ** (HASH_SCALE - scale)
    return word


def step(running: int, kind: int, flags: int, words: tuple[int, int, int, int, int, int]) -> int:
    """The running hash after one record; `words` are event time, price, size, x, y and id, scaled."""
    ts, price, size, x, y, ident = words
    mixed = ts * K_TIME + (kind << 8 | flags & HASHED_FLAGS) * K_FORM + price * K_PRICE + size * K_SIZE
    mixed += x * K_X + y * K_Y + ident * K_ID
    word = ((running ^ mixed) * K_STEP) & MASK64
    return word ^ word >> 32


def market_hash(views: Iterable[BookView]) -> str:
    """The hash of a market: 32 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    for view in sorted(views, key=lambda one: (one.instrument.venue, one.instrument.symbol)):
        digest.update(_canonical(view).encode())
    return digest.hexdigest()


def _canonical(view: BookView) -> str:
    instrument = view.instrument

    def level(price: int, size: int) -> str:
        return f"{format_trimmed(price, instrument.price_scale)} {format_trimmed(size, instrument.size_scale)}"

    bid, bid_size, ask, ask_size = view.quote
    lines = [
        f"{instrument.venue} {instrument.symbol} {view.running & MASK64:016x}",
        f"quote {view.quote_id} {level(bid, bid_size)} {level(ask, ask_size)}",
        f"book {int(view.synced)} {view.update_id}",
        *(f"bid {level(*one)}" for one in view.bids),
        *(f"ask {level(*one)}" for one in view.asks),
    ]
    return "\n".join(lines) + "\n"
