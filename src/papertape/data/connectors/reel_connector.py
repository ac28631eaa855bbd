"""Feeds recorded frames through the same wire machine that live frames go through, and tells the time that passed between them."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from papertape.core.errors import DecodeError, InputError
from papertape.core.records import WHOLE, Kind
from papertape.core.silence import SilenceFiller
from papertape.data.wire.binance.event_time import OffsetEstimate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.prelude import Prelude
from papertape.tape.reels import Frame, read_reel

RECORDS_PER_BATCH = 16_384
"""Records gathered before they are given out; the last event, and the silence before it, come on top."""


class ReelConnector:
    """Plays reels into `machine`, batch by batch; what is taken stands in the machine's buffer."""

    def __init__(self, machine: BinanceMachine, files: Sequence[str | Path]) -> None:
        self._machine = machine
        self._files = files
        self._silence = SilenceFiller(machine.gate.buffer)
        self._offset = OffsetEstimate()

    def batches(self) -> Iterator[bytes]:
        """The records of the reels, packed, in batches of whole events.

        Raises InputError, naming file and line, at what cannot be read.
        """
        buffer = self._machine.gate.buffer
        for frame in self._listed(read_reel(self._files)):
            self._tell_time(frame)
            try:
                self._machine.take(frame.ts_recv_ns, frame.payload)
            except DecodeError as error:
                raise InputError(f"reel {frame.place}: {error}") from error
            if buffer.count >= RECORDS_PER_BATCH:
                yield buffer.take()
        yield buffer.take()

    def _tell_time(self, frame: Frame) -> None:
        """What stands before a frame's records: the silence before it, and the venue's clock offset where it shows a larger one."""
        self._silence.fill(frame.ts_recv_ns)
        offset_ns = self._offset.rise(frame.ts_recv_ns, frame.payload)
        if offset_ns is not None:
            pack = self._machine.gate.buffer.pack
            pack(0, frame.ts_recv_ns, Kind.CLOCK_OFFSET, WHOLE, 0, 0, 0, 0, offset_ns, 0, 0)

    def _listed(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """All frames, the first held back until they say what the instruments are."""
        prelude = Prelude()
        held: list[Frame] = []
        source = iter(frames)
        for frame in source:
            held.append(frame)
            try:
                told = prelude.look(frame.payload)
            except DecodeError as error:
                raise InputError(f"reel {frame.place}: {error}") from error
            if told:
                break
        if not held:
            raise InputError(f"expected frames in {', '.join(map(str, self._files))}, was nothing")
        for symbol in self._machine.feeds:
            self._machine.list_instrument(prelude.instrument(self._machine.rules, symbol), held[0].ts_recv_ns)
        yield from held
        yield from source
