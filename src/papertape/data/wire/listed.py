"""One listed instrument as numbers come in: texts become mantissas, and a finer one opens the next epoch."""

from collections import deque
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from papertape.core.errors import DataError, DecodeError, FinerThanScale
from papertape.core.fixed import VALUE_MAX, parse_fixed
from papertape.core.instruments import Instrument, check_listing, instrument_event
from papertape.core.records import NO_ID
from papertape.data.quality.gate import Gate

PARSED_MAX = 1 << 16
"""Parsed texts remembered per instrument and field; when full it starts anew."""
TRADES_REMEMBERED = 1_000
"""Ids of trades by which a repeated one is known: what a venue tells again after a connection was lost."""
DOUBLE_DIGITS = 15
"""Significant digits that every double keeps: a decimal number of at most so many comes out of one as it went in."""


def exact_text(value: object) -> str:
    """A number of a decoded payload as decimal text.

    Texts, integers and `Decimal` keep every digit. A float is read as the decimal number of at most 15
    significant digits that it is the nearest double of, which is the number that was sent if that had no more.
    Raises DecodeError for anything else.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    number = Decimal(f"{value:.{DOUBLE_DIGITS}g}") if isinstance(value, float) else value
    if isinstance(number, Decimal) and number.is_finite():
        return format(number, "f")
    raise DecodeError(f"expected a number, was {value!r}")


class Listed:
    """An instrument with its number on the tape; its epochs go through `gate`."""

    def __init__(self, instrument: Instrument, number: int, gate: Gate) -> None:
        self.instrument = instrument
        self.number = number
        self.gate = gate
        self._prices: dict[str, int] = {}
        self._sizes: dict[str, int] = {}
        self._trade_ids: deque[int] = deque(maxlen=TRADES_REMEMBERED)
        self._trades_seen: set[int] = set()

    def is_repeated(self, trade_id: int) -> bool:
        """Whether a trade of this id came before, among the latest; one without an id never did."""
        if trade_id == NO_ID:
            return False
        if trade_id in self._trades_seen:
            return True
        if len(self._trade_ids) == TRADES_REMEMBERED:
            self._trades_seen.discard(self._trade_ids[0])
        self._trade_ids.append(trade_id)
        self._trades_seen.add(trade_id)
        return False

    def open_epoch(self, instrument: Instrument, ts_recv_ns: int) -> None:
        """List `instrument` from here on. Raises DataError when it cannot be."""
        if (reason := check_listing(instrument)) is not None:
            raise DataError(f"{instrument.venue} {instrument.symbol} cannot be listed: {reason}")
        self.instrument = instrument
        self._prices.clear()
        self._sizes.clear()
        self.gate.fact(instrument_event(instrument, self.number, ts_recv_ns))

    def read(self, prices: Sequence[str], sizes: Sequence[str], ts_recv_ns: int) -> tuple[list[int], list[int]]:
        """Mantissas of one event's prices and sizes, all at the same scales. Raises DecodeError when one cannot be held."""
        while True:
            instrument = self.instrument
            try:
                scale = instrument.price_scale
                read_prices = [self._parse(text, self._prices, scale) for text in prices]
            except FinerThanScale as finer:
                self._widen(finer, finer.decimals, instrument.size_scale, ts_recv_ns)
                continue
            try:
                scale = instrument.size_scale
                return read_prices, [self._parse(text, self._sizes, scale) for text in sizes]
            except FinerThanScale as finer:
                self._widen(finer, instrument.price_scale, finer.decimals, ts_recv_ns)

    def _parse(self, text: str, parsed: dict[str, int], scale: int) -> int:
        known = parsed.get(text)
        if known is not None:
            return known
        mantissa = parse_fixed(text, scale)
        if abs(mantissa) > VALUE_MAX:
            raise DecodeError(
                f"expected a number that fits in 62 bits at the scale of {self.instrument.symbol}, was {text}"
            )
        if len(parsed) >= PARSED_MAX:
            parsed.clear()
        parsed[text] = mantissa
        return mantissa

    def _widen(self, finer: FinerThanScale, price_scale: int, size_scale: int, ts_recv_ns: int) -> None:
        """Open an epoch of finer scales; the venue has shown a finer tick, or lot, than its rules said."""
        old = self.instrument
        try:
            new = old.with_scales(price_scale, size_scale)
            tick = 1 if price_scale > old.price_scale else new.tick
            lot = 1 if size_scale > old.size_scale else new.lot
            self.open_epoch(msgspec.structs.replace(new, tick=tick, lot=lot), ts_recv_ns)
        except DataError as error:
            raise DecodeError(f"{finer}, and a finer scale is refused: {error}") from error
