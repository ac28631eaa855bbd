"""A source that a test feeds by hand, and instruments of forex and crypto made for tests."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from papertape.core.errors import UnknownInstrument
from papertape.core.instruments import Instrument, InstrumentKind, instrument_event
from papertape.core.records import RECORD_BYTES, RecordBuffer
from papertape.data.quality.gate import Gate
from papertape.data.sources import Deliver, SourceHealth
from papertape.data.symbols import SymbolInfo


def fx(symbol: str, venue: str = "mt5", price_scale: int = 5) -> Instrument:
    return Instrument(
        venue=venue,
        symbol=symbol,
        kind=InstrumentKind.FX_PAIR,
        base=symbol[:3],
        quote=symbol[3:6],
        settle=symbol[3:6],
        price_scale=price_scale,
        size_scale=2,
        tick=1,
        lot=1,
        contract_size=100_000,
    )


def crypto(symbol: str, venue: str = "binance-spot", price_scale: int = 2, *, perpetual: bool = False) -> Instrument:
    return Instrument(
        venue=venue,
        symbol=symbol,
        kind=InstrumentKind.LINEAR_PERPETUAL if perpetual else InstrumentKind.CRYPTO_SPOT,
        base=symbol.replace("/", "").removesuffix("USDT"),
        quote="USDT",
        settle="USDT",
        price_scale=price_scale,
        size_scale=3,
        tick=1,
        lot=1,
    )


class MadeSource:
    """`Source` whose records come from `quote`. It counts what it is asked for."""

    def __init__(self, venue: str, instruments: Sequence[Instrument], catalogue_error: Exception | None = None) -> None:
        self.venue = venue
        self.numbers: dict[str, int] = {}
        self.gate = Gate(RecordBuffer())
        self.catalogues = 0
        self.resynced: list[str] = []
        self.failure: Exception | None = None
        self.runs = 0
        self._instruments = {one.symbol: one for one in instruments}
        self._catalogue_error = catalogue_error
        self._deliver: Deliver | None = None
        self._records = 0
        self._failed = asyncio.Event()

    async def catalogue(self) -> Sequence[SymbolInfo]:
        self.catalogues += 1
        if self._catalogue_error is not None:
            raise self._catalogue_error
        return [SymbolInfo(instrument=one) for one in self._instruments.values()]

    async def subscribe(self, numbers: Mapping[str, int]) -> None:
        for symbol, number in numbers.items():
            if symbol not in self._instruments:
                raise UnknownInstrument(f"{self.venue} does not list {symbol}")
            self.numbers[symbol] = number
            self.gate.fact(instrument_event(self._instruments[symbol], number, 1))
            self.flush()

    async def unsubscribe(self, symbols: Collection[str]) -> None:
        for symbol in symbols:
            self.numbers.pop(symbol, None)

    def resync(self, symbols: Collection[str]) -> None:
        self.resynced += symbols

    def health(self) -> SourceHealth:
        return SourceHealth(self._deliver is not None, self.gate.buffer.last_recv_ns, self._records, 0)

    async def run(self, deliver: Deliver) -> None:
        self.runs += 1
        self._deliver = deliver
        try:
            self.flush()
            await self._failed.wait()
            self._failed.clear()
            if self.failure is not None:
                raise self.failure
        finally:
            self._deliver = None

    def fail(self, failure: Exception) -> None:
        self.failure = failure
        self._failed.set()

    def quote(self, symbol: str, ts_ns: int, bid: int, ask: int) -> None:
        """One quote, delivered at once; nothing when the symbol is not subscribed to."""
        if symbol in self.numbers:
            self.gate.quote(self.numbers[symbol], ts_ns, ts_ns, bid, 1, ask, 1, -1)
            self.flush()

    def flush(self) -> None:
        if self._deliver is not None and self.gate.buffer.count:
            data = self.gate.buffer.take()
            self._records += len(data) // RECORD_BYTES
            self._deliver(data)
