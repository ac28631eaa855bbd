"""Books: what a stream of market records adds up to, per instrument.

`rows.py` is the plain form, short enough to be read as the definition; `record` uses its books without the hash.
`kernels.py` is the compiled form for replay; `compiled.py` drives it. Differential tests hold
the two equal by state hash. `state_hash.py` says what that hash covers.
"""

from papertape.core.book.rows import Book, Books, Market
from papertape.core.book.view import BookView, MarketCounts

__all__ = ["Book", "BookView", "Books", "Market", "MarketCounts"]
