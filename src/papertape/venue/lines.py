"""The lines of a reel as the box reads them: its own decoder, apart from the connectors'."""

from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation

import msgspec

from papertape.core.errors import InputError
from papertape.tape.reels import Frame

Level = tuple[str, str]


class Line(msgspec.Struct, gc=False):
    """What tells the kinds of lines apart; `data` and `symbols` stay as they are written."""

    stream: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")
    last_update_id: int = msgspec.field(name="lastUpdateId", default=-1)
    symbols: msgspec.Raw = msgspec.Raw(b"")


class Snapshot(msgspec.Struct):
    """An inline REST depth answer; E and T stand on futures only."""

    bids: list[Level]
    asks: list[Level]
    last_update_id: int = msgspec.field(name="lastUpdateId")
    event_ms: int = msgspec.field(name="E", default=0)
    transaction_ms: int = msgspec.field(name="T", default=0)


class DepthEvent(msgspec.Struct):
    """A depth change; `previous_id` (pu) stands on futures only."""

    first_id: int = msgspec.field(name="U")
    final_id: int = msgspec.field(name="u")
    bids: list[Level] = msgspec.field(name="b")
    asks: list[Level] = msgspec.field(name="a")
    previous_id: int = msgspec.field(name="pu", default=-1)
    event_ms: int = msgspec.field(name="E", default=0)
    transaction_ms: int = msgspec.field(name="T", default=0)


class Ticker(msgspec.Struct):
    """A best bid and ask."""

    update_id: int = msgspec.field(name="u")
    bid: str = msgspec.field(name="b")
    bid_size: str = msgspec.field(name="B")
    ask: str = msgspec.field(name="a")
    ask_size: str = msgspec.field(name="A")
    transaction_ms: int = msgspec.field(name="T", default=0)


class Trade(msgspec.Struct):
    """A print; `best_match` (M) stands on spot only."""

    id: int = msgspec.field(name="t")
    price: str = msgspec.field(name="p")
    size: str = msgspec.field(name="q")
    time_ms: int = msgspec.field(name="T")
    buyer_is_maker: bool = msgspec.field(name="m")
    best_match: bool = msgspec.field(name="M", default=True)


class _Stamp(msgspec.Struct, gc=False):
    event_ms: int = msgspec.field(name="E", default=0)


_line = msgspec.json.Decoder(Line)
_any = msgspec.json.Decoder(msgspec.Raw)
_stamp = msgspec.json.Decoder(_Stamp)
snapshot_decoder = msgspec.json.Decoder(Snapshot)
depth_decoder = msgspec.json.Decoder(DepthEvent)
ticker_decoder = msgspec.json.Decoder(Ticker)
trade_decoder = msgspec.json.Decoder(Trade)


def parsed(frames: Iterable[Frame]) -> Iterator[tuple[Frame, Line]]:
    """Each frame with its line read. Raises InputError with the place of a line that is not JSON."""
    for frame in frames:
        payload = frame.payload
        try:
            if payload[:1] == b"{":
                yield frame, _line.decode(payload)
            else:
                _any.decode(payload)
                yield frame, Line()
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise unreadable(frame, error) from error


def unreadable(frame: Frame, error: Exception) -> InputError:
    """The error for a line whose content the box cannot use."""
    return InputError(f"reel {frame.place}: expected a Binance frame, was {frame.payload[:60]!r} ({error})")


def event_ms_of(data: bytes) -> int:
    """The event time E in milliseconds, 0 where the payload has none."""
    return _stamp.decode(data).event_ms if data[:1] == b"{" else 0


def number(text: str) -> Decimal:
    """An exact decimal number; raises ValueError for anything else."""
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"expected a decimal number, was {text!r}") from error
    if not value.is_finite():
        raise ValueError(f"expected a decimal number, was {text!r}")
    return value
