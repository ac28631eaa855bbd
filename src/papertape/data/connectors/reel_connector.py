"""Feeds recorded frames through the same wire machine that live frames go through."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from papertape.core.errors import DecodeError, InputError
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.prelude import Prelude
from papertape.tape.reels import Frame, read_reel

FRAMES_PER_BATCH = 2_000


class ReelConnector:
    """Plays reels into `machine`, batch by batch; what is taken stands in the machine's buffer."""

    def __init__(self, machine: BinanceMachine, files: Sequence[str | Path]) -> None:
        self._machine = machine
        self._files = files

    def batches(self) -> Iterator[bytes]:
        """The records of the reels, packed, in batches of whole events.

        Raises InputError, naming file and line, at what cannot be read.
        """
        for number, frame in enumerate(self._listed(read_reel(self._files)), 1):
            try:
                self._machine.take(frame.ts_recv_ns, frame.payload)
            except DecodeError as error:
                raise InputError(f"reel {frame.place}: {error}") from error
            if number % FRAMES_PER_BATCH == 0:
                yield self._machine.gate.buffer.take()
        yield self._machine.gate.buffer.take()

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
