"""The texts of one field of an instrument, as mantissas: the prices, or the sizes. The hot path of decoding.

A text that has come before costs a look into a dict. Levels of depth bring so many new ones at once
that they are read together.
"""

from collections.abc import Sequence
from operator import itemgetter

from papertape.core.errors import DecodeError, FinerThanScale, UnknownInstrument
from papertape.core.fixed import VALUE_MAX, parse_fixed

PARSED_MAX = 1 << 9
"""Parsed texts remembered per instrument and field; when full it starts anew. What repeats, repeats soon: 4,096 decode quotes
2 % quicker, and cost fifty instruments 50 MB."""
TEXT_TYPICAL = 32
"""Longest text, on average, that `many` reads without a look at each."""


class Finer(Exception):
    """A number of `numbers` needs more `decimals` than their scale has: the instrument's next epoch is to be opened."""

    def __init__(self, numbers: "Numbers", text: str, decimals: int) -> None:
        self.numbers = numbers
        self.text = text
        self.decimals = decimals


class Numbers(dict[str, int]):
    """`numbers[text]` is the mantissa of `text` at `scale`, exact; `largest` is the greatest magnitude seen so far.

    Raises DecodeError for what is no number or does not fit, Finer when it needs more decimals, and
    UnknownInstrument before the instrument is listed, while `scale` is None.
    """

    def __init__(self, symbol: str) -> None:
        super().__init__()
        self.symbol = symbol
        self.scale: int | None = None
        self.largest = 0
        self._decimals = 0
        """How many the venue wrote last."""
        self._point = itemgetter(-1)
        """Takes the character of a text that should be its point."""

    def set_scale(self, scale: int) -> None:
        """The instrument's scale from now on: what was read at another one is forgotten."""
        self.clear()
        self.scale = scale

    def __missing__(self, text: str) -> int:
        if self.scale is None:
            raise UnknownInstrument(f"expected {self.symbol} to be listed before its first frame")
        try:
            mantissa = parse_fixed(text, self.scale)
        except FinerThanScale as finer:
            raise Finer(self, text, finer.decimals) from finer
        if mantissa > self.largest or mantissa < 0:
            self._note(abs(mantissa), text)
        if text[-self._decimals - 1 : -self._decimals] != ".":
            self._decimals = len(text.partition(".")[2])
            self._point = itemgetter(-self._decimals - 1)
        if len(self) >= PARSED_MAX:
            self.clear()
        self[text] = mantissa
        return mantissa

    def many(self, texts: Sequence[str]) -> list[int]:
        """The mantissas of all `texts`, in their order.

        Texts as the venue writes them, all with the same decimals, are read at once, and what is found out of that
        form is read one by one, by the same rules.
        """
        together = self._together(texts) if texts else []
        return [self[text] for text in texts] if together is None else together

    def _together(self, texts: Sequence[str]) -> list[int] | None:
        """All at once, or None when a text may be of another form. Nothing is remembered of them but `largest`."""
        decimals, scale, count = self._decimals, self.scale, len(texts)
        joined = ",".join(texts) + ","
        if scale is None or not decimals or len(joined) > TEXT_TYPICAL * count:
            return None
        if joined.count(".") != count or joined.count(",") != count or joined[0] == "." or ",." in joined:
            return None
        try:
            points = "".join(map(self._point, texts))
        except IndexError:
            return None
        if points != "." * count:
            return None
        zeros = "0" * abs(decimals - scale) + ","
        if decimals < scale:
            joined = joined.replace(",", zeros)
        elif joined.count(zeros) == count:  # beyond the scale stand zeros only, which are cut off
            joined = joined.replace(zeros, ",")
        else:
            return None
        digits = joined.replace(".", "")
        plain = digits.replace(",", "")
        if not (plain.isdigit() and plain.isascii()):
            return None
        mantissas = list(map(int, digits[:-1].split(",")))
        self._note(max(mantissas), texts)
        return mantissas

    def _note(self, magnitude: int, shown: object) -> None:
        if magnitude > self.largest:
            if magnitude > VALUE_MAX:
                raise DecodeError(
                    f"expected numbers that fit in 62 bits at the scale of {self.symbol}, was {str(shown)[:80]}"
                )
            self.largest = magnitude
