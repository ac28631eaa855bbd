"""The Binance wire machine: frames and REST answers in, judged records and wishes out. No I/O.

One machine serves any number of symbols of one market. `take` routes a frame by its stream name;
text that is no combined frame (bare payloads, REST bodies and markers in a reel, control replies)
is told apart by its keys. Every symbol must be listed before its first frame is taken; `prelude`
tells what to list when no exchangeInfo comes first.
"""

from collections.abc import Mapping, Sequence

import msgspec

from papertape.core.errors import DecodeError
from papertape.core.instruments import Instrument
from papertape.core.values import Interval
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance import payloads
from papertape.data.wire.binance.book_sync import HELD_BYTES_MAX
from papertape.data.wire.binance.control import Control
from papertape.data.wire.binance.feed import SymbolFeed
from papertape.data.wire.binance.listing import DecimalsSeen, from_decimals, from_exchange_info, relisted
from papertape.data.wire.binance.numbers import Finer
from papertape.data.wire.binance.payloads import readable
from papertape.data.wire.binance.routing import Take, bare_taker, stream_takers
from papertape.data.wire.binance.rules import Rules
from papertape.data.wire.binance.value_payloads import decode_rest_klines
from papertape.data.wire.binance.value_routing import market_takers
from papertape.data.wire.binance.values_feed import interval_of

IGNORED_STREAMS_TOLD = 16
"""Names of ignored streams kept, to tell the user what came instead of what was expected."""
STREAM_NAME_TOLD = 60
_COMBINED = b'{"stream":"'
_NAME_FROM = len(_COMBINED)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class BinanceMachine:
    """All symbols of one market; records gather in `gate.buffer`.

    `indices` are the symbols' numbers on the tape, `known` the instruments that it lists already. `frames` counts what was taken, `ignored` the
    frames of streams that are not handled, `malformed` those that could not be read, each of which
    raised DecodeError; `ignored_streams` are some of the former's names. `shutdown_announced` says that the venue is about to end the connection.
    """

    def __init__(
        self, rules: Rules, indices: Mapping[str, int], gate: Gate, known: Mapping[str, Instrument] | None = None
    ) -> None:
        self.rules = rules
        self.gate = gate
        self.control = Control()
        self.frames = self.ignored = self.malformed = 0
        self.shutdown_announced = False
        self.ignored_streams: set[str] = set()
        known = known or {}
        self.feeds = {
            symbol: SymbolFeed(rules, symbol, index, gate, known.get(symbol)) for symbol, index in indices.items()
        }
        for feed in self.feeds.values():
            feed.sync.held_bytes_max = HELD_BYTES_MAX // len(self.feeds)
        self._takers: dict[bytes, Take] = market_takers({symbol: feed.values for symbol, feed in self.feeds.items()})
        for feed in self.feeds.values():
            self._takers |= stream_takers(feed)

    def list_instrument(self, instrument: Instrument, ts_recv_ns: int) -> None:
        """List one of the symbols."""
        self.feeds[instrument.symbol].list_instrument(instrument, ts_recv_ns)

    def list_from_exchange_info(self, ts_recv_ns: int, body: bytes) -> None:
        """List every symbol. Raises UnknownInstrument, listing none, for one that the venue does not list."""
        info = readable(payloads.decode_exchange_info, body, "exchangeInfo")
        for instrument in [from_exchange_info(self.rules, info, symbol) for symbol in self.feeds]:
            self.list_instrument(instrument, ts_recv_ns)

    def relist_from_exchange_info(self, ts_recv_ns: int, body: bytes) -> None:
        """Open the next epoch of every listed symbol whose rules or status have changed.

        Raises DataError, with all others as they were, where a symbol cannot be listed like this.
        """
        info = readable(payloads.decode_exchange_info, body, "exchangeInfo")
        listed = [feed.instrument for feed in self.feeds.values() if feed.instrument is not None]
        told = [relisted(self.rules, info, instrument) for instrument in listed]
        for instrument in told:
            self.feeds[instrument.symbol].relist(instrument, ts_recv_ns)

    def list_from_snapshot(self, ts_recv_ns: int, symbol: str, body: bytes) -> None:
        """List `symbol` by the decimals of a depth snapshot."""
        seen = DecimalsSeen()
        seen.look_at_snapshot(readable(payloads.decode_snapshot, body, "a depth snapshot"))
        self.list_instrument(from_decimals(self.rules, symbol, seen), ts_recv_ns)

    def take(self, ts_recv_ns: int, payload: bytes) -> None:
        """Take one frame as received at `ts_recv_ns`. Raises DecodeError when it cannot be read."""
        self.frames += 1
        end = payload.find(b'"', _NAME_FROM) if payload[:_NAME_FROM] == _COMBINED else -1
        try:
            taker = self._other_taker(payload) if end < 0 else self._takers.get(payload[_NAME_FROM:end], self._ignore)
            self._repeat(taker, ts_recv_ns, payload)
        except DecodeError:
            self.malformed += 1
            raise

    def symbol_of(self, frame: bytes) -> str | None:
        """The symbol that a frame which was taken belongs to, by its stream's name or its own field; None for none of ours."""
        if frame.startswith(_COMBINED):
            name = frame[_NAME_FROM : frame.find(b"@", _NAME_FROM)].decode(errors="replace")
        elif frame[:1] == b"[":
            return None
        else:
            envelope = readable(payloads.decode_envelope, frame, "JSON of the venue")
            name = envelope.s or "" if envelope.stream is None else envelope.stream.partition("@")[0]
        symbol = name.upper()
        return symbol if symbol in self.feeds else None

    def take_snapshot(self, ts_recv_ns: int, symbol: str, body: bytes) -> None:
        """A depth snapshot of `symbol`."""
        snapshot = readable(payloads.decode_snapshot, body, "a depth snapshot")
        self._repeat(lambda ts, _: self.feeds[symbol].take_snapshot(ts, snapshot), ts_recv_ns, body)

    def expect_trades(self, ts_recv_ns: int, symbol: str, until: int) -> None:
        """The venue has prints of `symbol` up to the id `until`."""
        self.feeds[symbol].expect_trades(ts_recv_ns, until)

    def take_trades(self, ts_recv_ns: int, symbol: str, body: bytes) -> None:
        """REST trades of `symbol`: those that are missing heal the gap."""
        trades = readable(payloads.decode_rest_trades, body, "REST trades")
        self._repeat(lambda ts, _: self.feeds[symbol].take_rest_trades(ts, trades), ts_recv_ns, body)

    def take_agg_trades(self, ts_recv_ns: int, symbol: str, body: bytes) -> None:
        """REST aggregates of `symbol`: those that are missing heal the gap."""
        trades = readable(payloads.decode_rest_agg_trades, body, "REST aggTrades")
        self._repeat(lambda ts, _: self.feeds[symbol].take_rest_agg_trades(ts, trades), ts_recv_ns, body)

    def take_klines(self, ts_recv_ns: int, symbol: str, interval: Interval, body: bytes) -> None:
        """REST klines of `symbol`: those that are missing heal the gap."""
        rows = readable(decode_rest_klines, body, "REST klines")
        self.feeds[symbol].values.take_rest_klines(ts_recv_ns, interval, rows)

    def note_unreadable(self, ts_recv_ns: int, payload: bytes) -> None:
        """Put a gap onto the tape where a frame could not be read; one of no known symbol is told of the first."""
        symbol = self.symbol_of(payload) if payload.startswith(_COMBINED) else None
        symbol = symbol or next(iter(self.feeds))
        self.feeds[symbol].note_unreadable(ts_recv_ns)

    def snapshot_wishes(self) -> list[str]:
        """Symbols whose book waits for a REST snapshot."""
        return [symbol for symbol, feed in self.feeds.items() if feed.sync.wants_snapshot]

    def agg_trade_wishes(self) -> list[str]:
        """Symbols with aggregates known to be missing."""
        return [symbol for symbol, feed in self.feeds.items() if feed.agg_ids.open_ranges]

    def kline_wishes(self) -> list[str]:
        """Symbols with klines known to be missing."""
        return [symbol for symbol, feed in self.feeds.items() if feed.values.klines.missing]

    def trade_wishes(self) -> list[str]:
        """Symbols with prints known to be missing."""
        return [symbol for symbol, feed in self.feeds.items() if feed.trade_ids.open_ranges]

    def lose(self, ts_recv_ns: int, symbols: Sequence[str]) -> None:
        """The connection that carried these symbols' depth events is lost."""
        for symbol in symbols:
            self.feeds[symbol].lose(ts_recv_ns)

    def _repeat(self, taker: Take, ts_recv_ns: int, payload: bytes) -> None:
        """Take a payload again while its numbers open epochs; each widens a scale, so this ends."""
        while True:
            try:
                taker(ts_recv_ns, payload)
            except Finer as finer:
                self.feeds[finer.numbers.symbol].open_finer(ts_recv_ns, finer)
                continue
            except _UNREADABLE as error:
                raise DecodeError(f"expected a payload of the venue, was {payload[:80]!r}: {error}") from error
            return

    def _other_taker(self, payload: bytes) -> Take:
        """What takes a text that does not begin as a combined frame."""
        if payload[:1] == b"[":
            return self._take_list
        envelope = readable(payloads.decode_envelope, payload, "JSON of the venue")
        if envelope.stream is not None:
            return self._takers.get(envelope.stream.encode(), self._ignore)
        if envelope.papertape is not None:
            note = envelope.papertape
            return lambda ts, _: self._take_note(ts, note)
        if envelope.lastUpdateId is not None:
            return lambda ts, body: self.take_snapshot(ts, self._only_symbol("a depth snapshot"), body)
        if envelope.symbols or envelope.serverTime:
            return self._pass
        feed = self.feeds.get(envelope.s or "")
        if feed is not None and (envelope.e is not None or envelope.u is not None):
            return bare_taker(feed, envelope.e) or self._ignore
        return self._pass if self.control.take(payload) else self._ignore

    def _ignore(self, ts_recv_ns: int, payload: bytes) -> None:
        if b'"serverShutdown"' in payload:
            self.shutdown_announced = True
        self.ignored += 1
        if len(self.ignored_streams) < IGNORED_STREAMS_TOLD and payload.startswith(_COMBINED):
            name = payload[_NAME_FROM : payload.find(b'"', _NAME_FROM)]
            self.ignored_streams.add(name[:STREAM_NAME_TOLD].decode(errors="replace"))

    def _pass(self, ts_recv_ns: int, payload: bytes) -> None:
        """Texts that are understood and change nothing: exchangeInfo once listed, times, replies."""

    def _take_note(self, ts_recv_ns: int, note: payloads.ReelNote) -> None:
        if note.link == "down":
            self.lose(ts_recv_ns, list(self.feeds))
        elif note.link == "new":
            for feed in self.feeds.values():
                feed.begin_anew(ts_recv_ns)
        if note.trades_until >= 0:
            self.expect_trades(ts_recv_ns, self._only_symbol("a note on trades"), note.trades_until)
        if note.interval:
            self.take_klines(ts_recv_ns, self._only_symbol("klines"), interval_of(note.interval), bytes(note.klines))

    def _take_list(self, ts_recv_ns: int, body: bytes) -> None:
        """A bare list in a reel is REST trades or aggregates, or something that is not handled."""
        for decode, take in (
            (payloads.decode_rest_trades, self.take_trades),
            (payloads.decode_rest_agg_trades, self.take_agg_trades),
        ):
            try:
                decode(body)
            except msgspec.ValidationError:
                continue
            take(ts_recv_ns, self._only_symbol("a list of REST trades"), body)
            return
        msgspec.json.decode(body)  # what is not handled must still be JSON
        self._ignore(ts_recv_ns, body)

    def _only_symbol(self, what: str) -> str:
        """The symbol of a body that names none: there must be only one."""
        if len(self.feeds) != 1:
            raise DecodeError(f"{what} names no symbol: expected a machine of one symbol, was one of {len(self.feeds)}")
        return next(iter(self.feeds))
