"""A venue plug-in, whole: an invented exchange that says one JSON object per frame, and numbers its trades without holes.

{"type": "Listing", "symbol": "ABC", "price_step": "0.01", "size_step": "1"}
{"type": "Trade", "symbol": "ABC", "n": 7, "price": "10.01", "size": "3", "ms": 1700000000000, "sold": true}
{"type": "Best", "symbol": "ABC", "n": 19, "bid": "10.00", "bid_size": "4", "ask": "10.01", "ask_size": "9"}
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from papertape.core.errors import DecodeError
from papertape.core.fixed import decimals, parse_fixed
from papertape.core.instruments import Instrument, InstrumentKind, check_listing, instrument_event
from papertape.core.records import NO_ID, Flag, GapCause, Kind
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.trade_ids import Arrival, TradeIds

Number = Annotated[int, msgspec.Meta(ge=0, le=9_000_000_000_000)]
Decimal = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$")]  # fits in 62 bits at six decimals
FIELDS = {
    "Listing": {"symbol": str, "price_step": Decimal, "size_step": Decimal},
    "Trade": {"symbol": str, "n": Number, "price": Decimal, "size": Decimal, "ms": Number, "sold": bool},
    "Best": {"symbol": str, "n": Number, "bid": Decimal, "bid_size": Decimal, "ask": Decimal, "ask_size": Decimal},
}
Listing, Trade, Best = (msgspec.defstruct(name, [*fields.items()], tag=True) for name, fields in FIELDS.items())


class ToyMachine:
    """Frames in, records out."""

    def __init__(self, numbers: Mapping[str, int], gate: Gate) -> None:
        self._numbers = dict(numbers)
        self._gate = gate
        self._listed: dict[str, Instrument] = {}
        self._ids = {symbol: TradeIds() for symbol in numbers}
        self._decoder = msgspec.json.Decoder(Listing | Trade | Best)
        self._takers = {Listing: self._list, Trade: self._trade, Best: self._best}

    def take(self, ts_recv_ns: int, payload: bytes) -> None:
        try:
            one = self._decoder.decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise DecodeError(f"expected a frame of the toy venue, was {payload[:80]!r}: {error}") from error
        if one.symbol in self._listed or (one.symbol in self._numbers and type(one) is Listing):
            self._takers[type(one)](one, self._numbers[one.symbol], ts_recv_ns)

    def _list(self, one: Any, number: int, ts_recv_ns: int) -> None:
        price_scale, size_scale = decimals(one.price_step), decimals(one.size_step)
        tick, lot = parse_fixed(one.price_step, price_scale), parse_fixed(one.size_step, size_scale)
        scales = {"price_scale": price_scale, "size_scale": size_scale, "tick": tick, "lot": lot}
        names = {"symbol": one.symbol, "base": one.symbol, "quote": "USD", "settle": "USD"}
        instrument = Instrument(venue=ToyVenue.name, kind=InstrumentKind.CRYPTO_SPOT, **names, **scales)
        if reason := check_listing(instrument):
            raise DecodeError(f"{one.symbol} cannot be listed: {reason}")
        self._listed[one.symbol] = instrument
        self._gate.fact(instrument_event(instrument, number, ts_recv_ns))

    def _trade(self, one: Any, number: int, ts_recv_ns: int) -> None:
        instrument, ids = self._listed[one.symbol], self._ids[one.symbol]
        price, size = parse_fixed(one.price, instrument.price_scale), parse_fixed(one.size, instrument.size_scale)
        if (arrival := ids.arrive(one.n)) is Arrival.AFTER_GAP:
            self._gap(number, ts_recv_ns, GapCause.IDS_MISSING, ids.open_ranges[-1], Kind.PRINT)
        side, ts_ns = Flag.ASK if one.sold else 0, one.ms * 1_000_000
        self._gate.trade(number, ts_ns, ts_recv_ns, Kind.PRINT, side, arrival, price, size, 0, 0, one.n)

    def _best(self, one: Any, number: int, ts_recv_ns: int) -> None:
        price_scale, size_scale = self._listed[one.symbol].price_scale, self._listed[one.symbol].size_scale
        bid, ask = parse_fixed(one.bid, price_scale), parse_fixed(one.ask, price_scale)
        bid_size, ask_size = parse_fixed(one.bid_size, size_scale), parse_fixed(one.ask_size, size_scale)
        self._gate.quote(number, 0, ts_recv_ns, bid, bid_size, ask, ask_size, one.n)

    def lose(self, ts_recv_ns: int, symbols: Sequence[str]) -> None:
        """There are no books to lose, and the number of the next trade tells what was missed."""

    def note_unreadable(self, ts_recv_ns: int, payload: bytes) -> None:
        self._gap(min(self._numbers.values()), ts_recv_ns, GapCause.UNREADABLE_FRAME, (NO_ID, NO_ID), 0)

    def _gap(self, number: int, ts_recv_ns: int, cause: GapCause, missing: tuple[int, int], kind: int) -> None:
        self._gate.buffer.gap(ts_recv_ns, number, cause, kind, *missing)


class ToyVenue:
    """The plug-in: what an entry point of the group `papertape.venues` names."""

    name, url, machine = "toy", "ws://127.0.0.1:9999", ToyMachine

    def target(self, symbols: Sequence[str]) -> str:
        return "/feed?symbols=" + ",".join(symbols)

    def requests(self, symbols: Sequence[str]) -> Sequence[bytes]:
        return ()
