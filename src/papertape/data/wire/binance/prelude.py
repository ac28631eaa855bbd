"""The time before the instruments are known: what the first frames of a stream say of them."""

import msgspec

from papertape.core.instruments import Instrument
from papertape.data.wire.binance import payloads
from papertape.data.wire.binance.listing import DecimalsSeen, from_decimals, from_exchange_info
from papertape.data.wire.binance.payloads import readable
from papertape.data.wire.binance.rules import Rules

FRAMES_BEFORE_GUESS = 1_000
"""Frames looked at for decimals when neither exchangeInfo nor a snapshot stands among them."""


TICKERS = ("hrTicker", "hTicker", "dTicker", "MiniTicker")
"""Ends of the event types whose `p` and `q` are no price and no size."""


class _Numbers(msgspec.Struct):
    """The fields of any market payload that hold prices and sizes."""

    e: str = ""
    p: str | None = None
    q: str | None = None
    b: str | list[tuple[str, str]] | None = None
    B: str | None = None
    a: str | int | list[tuple[str, str]] | None = None
    A: str | None = None


class _Frame(msgspec.Struct):
    stream: str = ""
    data: _Numbers | None = None


_decode_frame = msgspec.json.Decoder(_Frame).decode


class Prelude:
    """The first frames of a stream that comes without a listing. Whoever feeds it keeps the frames to take them later."""

    def __init__(self) -> None:
        self._payloads: list[bytes] = []
        self._exchange_info: bytes | None = None
        self._snapshot: bytes | None = None

    def look(self, payload: bytes) -> bool:
        """Look at one frame; True when the instruments can be told. Raises DecodeError at text that is not JSON."""
        self._payloads.append(payload)
        if payload[:1] == b"{" and not payload.startswith(b'{"stream":'):
            envelope = readable(payloads.decode_envelope, payload, "JSON of the venue")
            if envelope.symbols:
                self._exchange_info = payload
            elif envelope.lastUpdateId is not None:
                self._snapshot = payload
        told = self._exchange_info is not None or self._snapshot is not None
        return told or len(self._payloads) >= FRAMES_BEFORE_GUESS

    def instrument(self, rules: Rules, symbol: str) -> Instrument:
        """What `symbol` is: by exchangeInfo, else the snapshot's decimals, else those of its frames.

        Raises UnknownInstrument when exchangeInfo does not list it.
        """
        if self._exchange_info is not None:
            info = readable(payloads.decode_exchange_info, self._exchange_info, "exchangeInfo")
            return from_exchange_info(rules, info, symbol)
        seen = DecimalsSeen()
        if self._snapshot is not None:
            seen.look_at_snapshot(readable(payloads.decode_snapshot, self._snapshot, "a depth snapshot"))
        else:
            for payload in self._payloads:
                _look(seen, payload, symbol)
        return from_decimals(rules, symbol, seen)


def _look(seen: DecimalsSeen, payload: bytes, symbol: str) -> None:
    """Look at one frame; what cannot be read is passed over here, and told when the frame is taken."""
    try:
        frame = _decode_frame(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    data = frame.data
    if data is None or data.e.endswith(TICKERS) or not frame.stream.startswith(f"{symbol.lower()}@"):
        return
    if isinstance(data.b, list) and isinstance(data.a, list):
        seen.look((*data.b, *data.a))
    elif data.p and data.q:
        seen.look(((data.p, data.q),))
    elif isinstance(data.b, str) and isinstance(data.a, str) and data.B and data.A:
        seen.look(((data.b, data.B), (data.a, data.A)))
