"""A venue plug-in as a source: one connection, kept up, whose frames go through the plug-in's machine.

A plug-in says what it lists in frames alone, so its catalogue is made by listening for a moment. Its machine is made for
fixed symbols: when they change, or a book is to be told anew, a new machine hears a new connection.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence

from papertape.core.clock import Clock
from papertape.core.errors import ConnectFailed, DecodeError, RemoteProtocolError
from papertape.core.instruments import Instrument, listed_in
from papertape.core.records import RECORD_BYTES, WHOLE, GapCause, Kind, Link, RecordBuffer, as_records
from papertape.data.connectors.backoff import Backoff
from papertape.data.connectors.ports import Link as Opened
from papertape.data.connectors.ports import Transport
from papertape.data.connectors.stream_intake import BATCH_RECORDS_MAX
from papertape.data.quality.gate import Gate
from papertape.data.sources import Deliver, SourceHealth, check_listed
from papertape.data.symbols import SymbolInfo
from papertape.data.venue_port import Venue, VenueMachine

LISTING_S = 5.0
"""How long a venue may take to list the symbols that it is asked for."""
HEALTHY_S = 1.0
"""A connection that lasted this long begins its backoff anew."""


class VenueSource:
    """`Source` over a plug-in. `symbols` are all that it may be asked for, as the venue writes them."""

    def __init__(
        self,
        plug_in: Venue,
        symbols: Sequence[str],
        url: str,
        silence_s: float,
        transport: Transport,
        clock: Clock,
        note: Callable[..., None],
    ) -> None:
        self._plug_in = plug_in
        self._symbols = list(symbols)
        self._url = (url or plug_in.url).rstrip("/")
        self._silence_s = silence_s
        self._transport = transport
        self._clock = clock
        self._note = note
        self._gate = Gate(RecordBuffer())
        self._numbers: dict[str, int] = {}
        self._listed: dict[str, Instrument] = {}
        self._heard: set[int] = set()
        self._changed = asyncio.Event()
        self._open: Opened | None = None
        self._deliver: Deliver | None = None
        self._flush_is_due = False
        self._is_up = False
        self._records = self._connections = 0
        self._trouble = ""

    @property
    def venue(self) -> str:
        """See `Source`."""
        return self._plug_in.name

    async def catalogue(self) -> Sequence[SymbolInfo]:
        """See `Source`: those of its symbols that the venue lists within `LISTING_S`."""
        gate, found, complete = Gate(RecordBuffer()), dict[str, Instrument](), asyncio.Event()
        machine = self._plug_in.machine({symbol: number for number, symbol in enumerate(self._symbols)}, gate)

        def frame(payload: bytes, _is_last: bool) -> None:
            try:
                machine.take(self._clock.now_ns(), payload)
            except DecodeError as error:
                self._note("frame cannot be read", venue=self.venue, error=str(error))
            found.update({one.symbol: one for one in listed_in(as_records(gate.buffer.take())).values()})
            if len(found) == len(self._symbols):
                complete.set()

        link = await self._transport.connect(self._target(self._symbols), frame, self._silence_s)
        try:
            for request in self._plug_in.requests(self._symbols):
                link.send(request)
            async with asyncio.timeout(LISTING_S):
                await complete.wait()
        except TimeoutError as error:
            if not found:
                raise RemoteProtocolError(
                    f"{self.venue} at {self._url} listed none of {', '.join(self._symbols)} within {LISTING_S:.0f} s"
                ) from error
        finally:
            link.close()
        self._listed = found
        return [SymbolInfo(instrument=one) for one in found.values()]

    async def subscribe(self, numbers: Mapping[str, int]) -> None:
        """See `Source`."""
        check_listed(self.venue, numbers, self._listed)
        self._numbers |= numbers
        self._begin_anew()

    async def unsubscribe(self, symbols: Collection[str]) -> None:
        """See `Source`."""
        for symbol in symbols:
            self._numbers.pop(symbol, None)
        self._begin_anew()

    def resync(self, symbols: Collection[str]) -> None:
        """See `Source`: by another connection, as a plug-in has no other way."""
        self._begin_anew()

    def health(self) -> SourceHealth:
        """See `Source`."""
        last_recv_ns = self._gate.buffer.last_recv_ns
        return SourceHealth(self._is_up, last_recv_ns, self._records, max(self._connections - 1, 0), self._trouble)

    async def run(self, deliver: Deliver) -> None:
        """See `Source`."""
        self._deliver = deliver
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                if self._numbers:
                    await self._keep_connected(self._begin())
        finally:
            self._link(Link.DOWN)
            self._deliver = None

    def _begin(self) -> VenueMachine:
        """A machine of the present symbols; of those that were heard before, something may be missing."""
        now_ns = self._clock.now_ns()
        for number in self._heard.intersection(self._numbers.values()):
            for kind in (Kind.DEPTH_DELTA, Kind.PRINT):
                self._gate.buffer.gap(now_ns, number, GapCause.CONNECTION_LOST, kind)
        self._heard = set(self._numbers.values())
        return self._plug_in.machine(dict(self._numbers), self._gate)

    async def _keep_connected(self, machine: VenueMachine) -> None:
        """Connect, and connect again, until the symbols change."""
        backoff, symbols, now_s = Backoff(), list(self._numbers), asyncio.get_running_loop().time

        def frame(payload: bytes, is_last: bool) -> None:
            if not self._changed.is_set():
                self._take(machine, payload, is_last=is_last)

        while not self._changed.is_set():
            try:
                link = await self._transport.connect(self._target(symbols), frame, self._silence_s)
            except ConnectFailed as error:
                self._trouble = str(error)
                self._note("not connected", venue=self.venue, error=self._trouble)
            else:
                since_s = now_s()
                self._connections += 1
                self._link(Link.UP)
                self._open = link
                try:
                    for request in self._plug_in.requests(symbols):
                        link.send(request)
                    self._note("connection ended", venue=self.venue, why=await link.wait_closed())
                finally:
                    link.close()
                    self._open = None
                machine.lose(self._clock.now_ns(), symbols)
                self._link(Link.DOWN)
                if now_s() - since_s >= HEALTHY_S:
                    backoff.reset()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(backoff.next_s()):
                    await self._changed.wait()

    def _begin_anew(self) -> None:
        self._changed.set()
        if self._open is not None:
            self._open.close()

    def _take(self, machine: VenueMachine, payload: bytes, *, is_last: bool) -> None:
        now_ns = self._clock.now_ns()
        try:
            machine.take(now_ns, payload)
        except DecodeError as error:
            self._trouble = str(error)
            self._note("frame cannot be read", venue=self.venue, error=self._trouble)
            machine.note_unreadable(now_ns, payload)
        if is_last or self._gate.buffer.count >= BATCH_RECORDS_MAX:
            self._flush()
        elif not self._flush_is_due:
            self._flush_is_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _link(self, state: Link) -> None:
        if self._is_up != (state is Link.UP):
            self._is_up = state is Link.UP
            self._gate.buffer.pack(0, self._clock.now_ns(), Kind.CONNECTION, WHOLE, 0, 0, 0, 0, state, 0, 0)
        self._flush()

    def _flush(self) -> None:
        self._flush_is_due = False
        if self._deliver is not None and self._gate.buffer.count:
            data = self._gate.buffer.take()
            self._records += len(data) // RECORD_BYTES
            self._deliver(data)

    def _target(self, symbols: Sequence[str]) -> str:
        return self._url + self._plug_in.target(symbols)
