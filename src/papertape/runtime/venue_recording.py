"""Recording a venue plug-in: one connection, kept up, whose frames go through the plug-in's machine onto a tape."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from papertape.core.errors import ConnectFailed, DecodeError
from papertape.core.instruments import instrument_event
from papertape.core.records import NO_ID, WHOLE, GapCause, Kind, Link, RecordBuffer
from papertape.data.connectors.backoff import Backoff
from papertape.data.connectors.picows_transport import PicowsTransport
from papertape.data.connectors.ports import Transport
from papertape.data.quality.gate import Gate
from papertape.data.venue_port import Venue, VenueMachine
from papertape.runtime.clocks import UtcClock
from papertape.runtime.listed import listed_instruments
from papertape.runtime.recording import numbers_of
from papertape.runtime.tape_intake import TapeIntake
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter

SILENCE_S = 30.0
HEALTHY_S = 1.0
"""A connection that lasted this long begins its backoff anew."""


class VenueRecording:
    """One venue onto one tape. `run` keeps it coming until it is cancelled or writing fails; `end` says that it is over."""

    def __init__(
        self, venue: Venue, symbols: Sequence[str], directory: Path, writer: MarketWriter, note: Callable[..., None]
    ) -> None:
        listed = listed_instruments(MarketReader.open(directory)) if writer.next_seq else {}
        gate = Gate(RecordBuffer())
        numbers = numbers_of(listed, venue.name, symbols)
        self.machine: VenueMachine = venue.machine(numbers, gate)
        self.intake = TapeIntake(gate, writer, UtcClock())
        self._continued = {number: listed[number] for number in numbers.values() if number in listed}
        self.connections = 0
        self._venue = venue
        self._symbols = list(symbols)
        self._note = note
        self._is_up = False

    async def run(self, transport: Transport, url: str) -> None:
        """Connect, and connect again, until cancelled. Raises the error that writing failed with."""
        self._tell_pause()
        whole_url = url.rstrip("/") + self._venue.target(self._symbols)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self.intake.tell_time(lambda: True)),
                group.create_task(self._keep_connected(transport, whole_url)),
            ]
            await asyncio.wait([self.intake.failed])
            for task in tasks:
                task.cancel()
        self.intake.failed.result()

    def end(self) -> None:
        """Write what still waits."""
        self._link(Link.DOWN)
        self.intake.flush()

    def _tell_pause(self) -> None:
        """What came while nobody recorded is missing, and books are not known any more."""
        now_ns = self.intake.now_ns()
        for number, instrument in self._continued.items():
            self.intake.gate.fact(instrument_event(instrument, number, now_ns))
            for kind in (Kind.DEPTH_DELTA, Kind.PRINT):
                cause = GapCause.CONNECTION_LOST
                self.intake.gate.buffer.pack(0, now_ns, Kind.GAP, WHOLE, number, 0, cause, 0, NO_ID, NO_ID, kind)
        self.intake.flush()

    async def _keep_connected(self, transport: Transport, url: str) -> None:
        backoff = Backoff()
        now_s = asyncio.get_running_loop().time
        while True:
            try:
                link = await transport.connect(url, self._frame, SILENCE_S)
            except ConnectFailed as error:
                self._note("not connected", error=str(error))
            else:
                since_s = now_s()
                self.connections += 1
                self._link(Link.UP)
                try:
                    for request in self._venue.requests(self._symbols):
                        link.send(request)
                    self._note("connection ended", why=await link.wait_closed())
                finally:
                    link.close()
                self._lose()
                if now_s() - since_s >= HEALTHY_S:
                    backoff.reset()
            await asyncio.sleep(backoff.next_s())

    def _frame(self, payload: bytes, is_last: bool) -> None:
        now_ns = self.intake.arrival_ns()
        try:
            self.machine.take(now_ns, payload)
        except DecodeError as error:
            self._note("frame cannot be read", error=str(error))
            self.machine.note_unreadable(now_ns, payload)
        else:
            self.intake.arrived(now_ns)
        self.intake.end_read(is_last)

    def _lose(self) -> None:
        now_ns = self.intake.now_ns()
        self.intake.fill_silence(now_ns)
        self.machine.lose(now_ns, self._symbols)
        self._link(Link.DOWN)

    def _link(self, state: Link) -> None:
        if self._is_up != (state is Link.UP):
            self._is_up = state is Link.UP
            self.intake.fact(self.intake.now_ns(), Kind.CONNECTION, state, 0, 0)
            self.intake.flush()


async def record_venue(
    venue: Venue, symbols: Sequence[str], directory: Path, *, seconds: float, url: str, note: Callable[..., None]
) -> VenueRecording:
    """Record `symbols` of a venue plug-in for some seconds onto the tape `directory`, which is made or continued."""
    with MarketWriter.open(directory) as writer:
        recording = VenueRecording(venue, symbols, directory, writer, note)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await recording.run(PicowsTransport(), url or venue.url)
        finally:
            recording.end()
    return recording
