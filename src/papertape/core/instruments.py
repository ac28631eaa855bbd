"""What is traded: kinds, decimal scales, rules of the venue and opening hours, valid for one epoch.

A finer price or size than the scales hold opens the next epoch (`with_scales`); prices and sizes on the tape are
mantissas at the scales of the INSTRUMENT event before them.
"""

from enum import StrEnum
from typing import Any

import msgspec
import numpy as np

from papertape.core.contract_terms import ContractTerms
from papertape.core.errors import DataError, DecodeError
from papertape.core.fixed import SCALE_MAX, VALUE_MAX, Rounding, rescale
from papertape.core.records import INSTRUMENTS_MAX, Flag, Kind, RecordBuffer, payload_text, text_payload

MONEY_SCALE = 8
"""Decimals at which the value of an order is counted when an instrument is listed."""
VALUED_TICKS_MIN = 10_000
"""The largest order allowed must still have a value that fits in int64 at a price of this many ticks."""

_MINUTE_NS = 60_000_000_000
_WEEK_MINUTES = 7 * 24 * 60
_EPOCH_MINUTE = 3 * 24 * 60
"""1970-01-01 was a Thursday; the week starts on Monday."""


class InstrumentKind(StrEnum):
    """What an instrument is."""

    CRYPTO_SPOT = "crypto_spot"
    LINEAR_PERPETUAL = "linear_perpetual"
    FX_PAIR = "fx_pair"
    CFD = "cfd"


class Instrument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One instrument in one epoch. Rules that the venue does not have are 0; currencies that data alone does not tell are empty."""

    venue: str
    symbol: str
    kind: InstrumentKind
    base: str
    quote: str
    settle: str
    """Currency that profit and loss are paid in."""
    price_scale: int
    size_scale: int
    tick: int
    """Smallest step of a price, at `price_scale`."""
    lot: int
    """Smallest step of a size, at `size_scale`."""
    min_size: int = 0
    max_size: int = 0
    min_notional: int = 0
    """Smallest price x size of an order, at `price_scale + size_scale`, so that the plain product compares."""
    contract_size: int = 1
    """Units of `base` in a size of 1; a standard lot of an FX pair holds 100000."""
    sessions: tuple[tuple[int, int], ...] = ()
    """Weekly (open, close) in minutes since Monday 00:00 UTC; open > close runs over the week's end; () is always open."""
    epoch: int = 0
    terms: ContractTerms | msgspec.UnsetType = msgspec.UNSET
    """Margin, swaps and commission, where the venue tells them."""
    status: str | msgspec.UnsetType = msgspec.UNSET
    """The venue's word, such as BREAK or HALT, while it does not trade normally; unset while it does, or nobody said."""

    def is_open(self, ts_ns: int) -> bool:
        """Whether the time `ts_ns` (UTC) lies in a session; the closing minute does not."""
        if not self.sessions:
            return True
        minute = (ts_ns // _MINUTE_NS + _EPOCH_MINUTE) % _WEEK_MINUTES
        return any(
            opens <= minute < closes if opens < closes else minute >= opens or minute < closes
            for opens, closes in self.sessions
        )

    def with_scales(self, price_scale: int, size_scale: int) -> "Instrument":
        """The next epoch: the same rules told at other scales.

        Raises DataError when a rule is not exact there or does not fit in 64 bits.
        """
        return msgspec.structs.replace(
            self,
            price_scale=price_scale,
            size_scale=size_scale,
            tick=_exact(self.tick, self.price_scale, price_scale),
            lot=_exact(self.lot, self.size_scale, size_scale),
            min_size=_exact(self.min_size, self.size_scale, size_scale),
            max_size=_exact(self.max_size, self.size_scale, size_scale),
            min_notional=_exact(self.min_notional, self.price_scale + self.size_scale, price_scale + size_scale),
            terms=self._terms_at(size_scale),
            epoch=self.epoch + 1,
        )

    def _terms_at(self, size_scale: int) -> ContractTerms | msgspec.UnsetType:
        if isinstance(self.terms, msgspec.UnsetType):
            return self.terms
        limit = _exact(self.terms.volume_limit, self.size_scale, size_scale)
        return msgspec.structs.replace(self.terms, volume_limit=limit)


def _exact(mantissa: int, from_scale: int, to_scale: int) -> int:
    result = rescale(mantissa, from_scale, to_scale, Rounding.FLOOR)
    if rescale(result, to_scale, from_scale, Rounding.FLOOR) != mantissa:
        raise DataError(f"{mantissa} at {from_scale} decimals cannot be told exactly with {to_scale}")
    return result


def check_listing(instrument: Instrument) -> str | None:
    """Why `instrument` cannot be listed, or None when it can.

    Prices and sizes are int64 mantissas, and their product is only taken through 128 bits. What could still
    overflow is the value of an order: with `max_size` given, it must fit up to a price of ten thousand ticks; the
    value of a dearer order is checked when the order comes.
    """
    for name in ("venue", "symbol"):
        if not getattr(instrument, name):
            return f"{name} is empty"
    for name, low, high in (
        ("price_scale", 0, SCALE_MAX),
        ("size_scale", 0, SCALE_MAX),
        ("tick", 1, VALUE_MAX),
        ("lot", 1, VALUE_MAX),
        ("min_size", 0, VALUE_MAX),
        ("max_size", 0, VALUE_MAX),
        ("min_notional", 0, VALUE_MAX),
        ("contract_size", 1, VALUE_MAX),
        ("epoch", 0, VALUE_MAX),
    ):
        value = getattr(instrument, name)
        if not low <= value <= high:
            return f"expected {name} from {low} to {high}, was {value}"
    if 0 < instrument.max_size < max(instrument.min_size, instrument.lot):
        return f"expected max_size of at least min_size and lot, was {instrument.max_size}"
    for opens, closes in instrument.sessions:
        if not (0 <= opens < _WEEK_MINUTES and 0 <= closes <= _WEEK_MINUTES and opens != closes):
            return f"expected a session of two different minutes of the week, was ({opens}, {closes})"
    return _check_value(instrument)


def _check_value(instrument: Instrument) -> str | None:
    price = instrument.tick * VALUED_TICKS_MIN
    value = price * instrument.max_size * instrument.contract_size
    limit = VALUE_MAX * 10 ** (instrument.price_scale + instrument.size_scale)
    if price <= VALUE_MAX and value * 10**MONEY_SCALE <= limit:
        return None
    return (
        f"an order of max_size {instrument.max_size} at a price of {VALUED_TICKS_MIN} ticks of {instrument.tick} could "
        f"overflow 64 bits at {MONEY_SCALE} decimals of money; list it with a smaller max_size or tick"
    )


def instrument_event(instrument: Instrument, index: int, ts_recv_ns: int) -> bytes:
    """The INSTRUMENT event, packed: its head, and the instrument as JSON. `index` is the instrument's number on this tape."""
    if not 0 <= index < INSTRUMENTS_MAX:
        raise DataError(f"expected an instrument number from 0 to {INSTRUMENTS_MAX - 1}, was {index}")
    texts = text_payload(msgspec.json.encode(instrument).decode())
    head = (instrument.tick, instrument.lot, instrument.price_scale, instrument.size_scale, instrument.epoch)
    buffer = RecordBuffer()
    for place, payload in enumerate([head, *texts]):
        flags = Flag.FIRST * (place == 0) | Flag.LAST * (place == len(texts))
        buffer.pack(0, ts_recv_ns, Kind.INSTRUMENT, flags, index, 0, *payload)
    return buffer.take()


def read_instrument_event(records: np.ndarray) -> Instrument:
    """The instrument that one whole INSTRUMENT event tells. Raises DecodeError when its records are none."""
    kinds_right = len(records) > 1 and bool((records["kind"] == Kind.INSTRUMENT).all())
    if not kinds_right or not records["flags"][0] & Flag.FIRST or not records["flags"][-1] & Flag.LAST:
        raise DecodeError(f"expected one whole INSTRUMENT event, was {len(records)} records of other kind or order")
    try:
        instrument = msgspec.json.decode(payload_text(records[1:]), type=Instrument)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeError(f"an INSTRUMENT event does not hold an instrument: {error}") from error
    head = tuple(int(records[name][0]) for name in ("price", "size", "x", "y", "id"))
    said = (instrument.tick, instrument.lot, instrument.price_scale, instrument.size_scale, instrument.epoch)
    if head != said:
        raise DecodeError(f"an INSTRUMENT event contradicts itself: its head says {head}, its text {said}")
    return instrument


def listed_in(records: np.ndarray[Any, np.dtype[Any]]) -> dict[int, Instrument]:
    """The latest epoch of every instrument that a batch lists, by number."""
    places = np.flatnonzero(records["kind"] == Kind.INSTRUMENT)
    flags = records["flags"][places]
    starts, ends = places[(flags & Flag.FIRST) != 0], places[(flags & Flag.LAST) != 0]
    events = [records[start : end + 1] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    return {int(event["instrument"][0]): read_instrument_event(event) for event in events}
