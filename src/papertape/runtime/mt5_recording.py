"""A MetaTrader 5 terminal onto a tape: the connector, the machine and the way onto the tape, put together and taken apart."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from papertape.core.errors import ConnectFailed, MT5Error, SessionClosed
from papertape.core.instruments import Instrument
from papertape.core.records import Kind, Link, RecordBuffer
from papertape.data.connectors.backoff import Backoff
from papertape.data.connectors.mt5_connector import MT5Connector, StreamItem, SymbolInfo, is_final
from papertape.data.connectors.mt5_ports import HistoryLost, TerminalPort
from papertape.data.quality.gate import Gate
from papertape.data.wire.mt5.broker_time import BrokerTime
from papertape.data.wire.mt5.machine import HELD_TICKS_MAX, Mt5Machine, cursor_of
from papertape.data.wire.mt5.symbol_info import VENUE
from papertape.data.wire.mt5.ticks import TickCursor
from papertape.runtime.clocks import UtcClock
from papertape.runtime.listed import listed_instruments
from papertape.runtime.loops import stop_signals
from papertape.runtime.recording import numbers_of
from papertape.runtime.tape_intake import TapeIntake
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter


class Standing(NamedTuple):
    """What a tape that is continued knows: its instruments by number, how far each was read, the broker's offset."""

    listed: dict[int, Instrument]
    cursors: dict[str, TickCursor]
    offset_ns: int | None


def standing(directory: Path) -> Standing:
    """Read that off the tape `directory`. Raises TapeCorrupt at damage."""
    reader = MarketReader.open(directory)
    listed = listed_instruments(reader)
    numbers = {number: one.symbol for number, one in listed.items() if one.venue == VENUE}
    cursors: dict[str, TickCursor] = {}
    offset_ns: int | None = None
    for batch in reader.blocks(check=False):
        records = batch.records
        offsets = records["x"][records["kind"] == Kind.BROKER_TIME]
        offset_ns = int(offsets[-1]) if len(offsets) else offset_ns
        quotes = records[records["kind"] == Kind.QUOTE]
        for number in np.unique(quotes["instrument"]).tolist():
            if number in numbers:
                cursors[numbers[number]] = cursor_of(int(quotes["id"][quotes["instrument"] == number][-1]))
    return Standing(listed, cursors, offset_ns)


class Mt5Recording:
    """One recording. After it ran, `machine` is None when the terminal was never reached."""

    def __init__(self, port: TerminalPort, writer: MarketWriter, directory: Path, note: Callable[..., None]) -> None:
        clock = UtcClock()
        self.intake = TapeIntake(Gate(RecordBuffer()), writer, clock)
        self.connector = MT5Connector(port, clock, note)
        self.machine: Mt5Machine | None = None
        self.indices: dict[str, int] = {}
        self._before = standing(directory) if writer.next_seq else Standing({}, {}, None)
        self._note = note

    async def run(self, wanted: tuple[str, ...], held_max: int) -> None:
        """Record until cancelled. Raises what only a person can help with."""
        machine, cursors = await self._begin(wanted, held_max)
        self.machine = machine
        self.intake.fact(self.intake.now_ns(), Kind.CONNECTION, Link.UP, 0, 0)
        self.intake.flush()
        stream = self.connector.resume_tick_data(cursors)
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(self.intake.tell_time(lambda: not machine.holding))
            try:
                async for one in stream:
                    self._take(machine, one)
            finally:
                telling.cancel()
                await stream.close()

    async def end(self) -> None:
        """Write what still waits, and let go of the terminal."""
        if self.machine is not None:
            self._link(self.machine, Link.DOWN)
        await self.connector.close()

    async def _begin(self, wanted: tuple[str, ...], held_max: int) -> tuple[Mt5Machine, dict[str, TickCursor | None]]:
        """Reach the terminal and ask for the symbols, however long that takes: it may start after this."""
        backoff = Backoff()
        while True:
            try:
                status = await self.connector.initialize_mt5_connection()
                infos = [await self.connector.get_symbol_info(symbol) for symbol in wanted]
            except (MT5Error, ConnectFailed, SessionClosed) as error:
                if is_final(error):
                    raise
                self._note("terminal not reached", error=str(error))
                await self.connector.close()
                await asyncio.sleep(backoff.next_s())
                continue
            self._note("connected", server=status.terminal.server, state=status.state, took_ms=round(status.took_ms, 1))
            return self._list(infos, held_max)

    def _list(self, infos: Sequence[SymbolInfo], held_max: int) -> tuple[Mt5Machine, dict[str, TickCursor | None]]:
        known = {one.symbol: one for one in self._before.listed.values() if one.venue == VENUE}
        self.indices = numbers_of(self._before.listed, VENUE, [info.instrument.symbol for info in infos])
        machine = Mt5Machine(
            self.indices, self.intake.gate, BrokerTime(self._before.offset_ns), known, held_max=held_max
        )
        now_ns = self.intake.now_ns()
        self.intake.fill_silence(now_ns)
        for info in infos:
            machine.list_instrument(info.instrument, now_ns)
        return machine, {symbol: self._before.cursors.get(symbol) for symbol in self.indices}

    def _take(self, machine: Mt5Machine, one: StreamItem) -> None:
        """What came goes onto the tape; nothing there may have arrived before the record in front of it."""
        if isinstance(one, Link):
            self._link(machine, one)
            return
        ts_recv_ns = max(one.ts_recv_ns, self.intake.gate.buffer.last_recv_ns)
        if not machine.holding:
            self.intake.fill_silence(ts_recv_ns)
        if isinstance(one, HistoryLost):
            machine.release()
            machine.note_gap(one.symbol, ts_recv_ns)
            self._note("history lost", symbol=one.symbol)
        else:
            machine.take(one._replace(ts_recv_ns=ts_recv_ns))
            if len(one.rows):
                self.intake.arrived(ts_recv_ns)
        self.intake.flush()

    def _link(self, machine: Mt5Machine, state: Link) -> None:
        machine.release()
        self.intake.fact(self.intake.now_ns(), Kind.CONNECTION, state, 0, 0)
        self.intake.flush()


async def record_mt5(
    port: TerminalPort,
    wanted: tuple[str, ...],
    directory: Path,
    note: Callable[..., None],
    *,
    seconds: float | None,
    held_max: int = HELD_TICKS_MAX,
) -> tuple[Mt5Recording, bool]:
    """Record `wanted` onto the tape `directory` until the time is up, a signal comes or it fails; True when interrupted."""
    with MarketWriter.open(directory) as writer:
        if writer.recovery is not None:
            note("tape recovered", what=str(writer.recovery))
        recording = Mt5Recording(port, writer, directory, note)
        try:
            with stop_signals() as stop:
                async with asyncio.TaskGroup() as group:
                    running = group.create_task(recording.run(wanted, held_max))
                    ends: list[asyncio.Future[None] | asyncio.Future[bool]] = [running, stop, recording.intake.failed]
                    await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
                    running.cancel()
                interrupted = stop.done() and stop.result()
        finally:
            await recording.end()
    if recording.intake.failed.done():
        recording.intake.failed.result()
    return recording, interrupted
