"""The levels of one side of a book, from the venue's text to mantissas. The hot path of depth.

`[["2681.62","1.50"],…]` is looked at as a whole: without its digits it must be nothing but that pattern, and
behind each point must stand as many digits as the venue wrote last. Then only numbers are left when the rest is taken
out. A text of any other form is decoded as JSON and read text by text, to the same numbers or to the error it deserves.
"""

import msgspec
import numpy as np

from papertape.data.quality.gate import Side
from papertape.data.wire.binance.numbers import Numbers

_LEVEL = b'[".","."],'
_DIGITS = b"0123456789"
_PRICE_ENDS, _SIZE_ENDS = b'","', b'"]'
_AS_ZERO = bytes.maketrans(_DIGITS, b"0" * len(_DIGITS))
_TOO_LONG = b"0" * 19
"""So many digits may not fit in 64 bits."""

decode_levels = msgspec.json.Decoder(list[tuple[str, str]]).decode


def read_levels(raw: msgspec.Raw, prices: Numbers, sizes: Numbers) -> Side:
    """Prices and sizes of the levels that `raw`, which must be valid JSON, holds, in their order.

    Raises msgspec's errors for what is no list of pairs of texts, and those of `Numbers`.
    """
    text = bytes(raw)
    if text == b"[]":
        return (), ()
    mantissas = _together(text, prices, sizes)
    if mantissas is None:
        levels = decode_levels(text)
        return [prices[price] for price, _ in levels], [sizes[size] for _, size in levels]
    found = mantissas[::2], mantissas[1::2]
    prices.note(max(found[0]), text)
    sizes.note(max(found[1]), text)
    return found


def _together(text: bytes, prices: Numbers, sizes: Numbers) -> list[int] | None:
    """Price and size of each level in turn, or None where some text may be of another form."""
    pattern = text.translate(None, _DIGITS)
    count = len(pattern) // len(_LEVEL)
    if not count or pattern != b"[" + (_LEVEL * count)[:-1] + b"]" or b'".' in text:
        return None
    form = text.translate(_AS_ZERO)
    for ends, numbers in ((_PRICE_ENDS, prices), (_SIZE_ENDS, sizes)):
        written, scale = numbers.decimals, numbers.scale
        if scale is None or not written or form.count(b"." + b"0" * written + ends) != count:
            return None
        zeros = b"0" * abs(written - scale)
        if written < scale:
            text = text.replace(ends, zeros + ends)
        elif text.count(zeros + ends) == count:  # beyond the scale stand zeros only, which are cut off
            text = text.replace(zeros + ends, ends)
        else:
            return None
    plain = text.translate(None, b'."[]')
    if _TOO_LONG in plain.translate(_AS_ZERO):
        return None
    mantissas: list[int] = np.fromstring(plain, np.int64, sep=",").tolist()
    return mantissas
