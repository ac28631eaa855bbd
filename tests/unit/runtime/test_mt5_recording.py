import asyncio
from pathlib import Path

import numpy as np
import pytest

from papertape.core.clock import ManualClock
from papertape.core.records import RECORD_DTYPE, Kind, Link
from papertape.data.connectors.mt5_local import LocalTerminal
from papertape.data.wire.mt5.ticks import TickCursor
from papertape.runtime.clocks import UtcClock
from papertape.runtime.mt5_recording import record_mt5, standing
from papertape.tape.market_reader import MarketReader
from papertape.tape.verify import verify_tape
from papertape.venue.mt5_terminal import Mt5TerminalDouble
from papertape.venue.mt5_types import fx_pair
from tests.mt5_world import DEADLINE_S, ticks

OFFSET_S = 2 * 3600


def live(count: int, step_ms: int) -> tuple[Mt5TerminalDouble, np.ndarray]:
    """A terminal on the real clock, whose ticks come from now on."""
    rows = ticks(*range(0, count * step_ms, step_ms))
    clock = UtcClock()
    rows["time_msc"] += clock.now_ns() // 1_000_000 + OFFSET_S * 1000 + 300 - rows["time_msc"][0]
    rows["time"] = rows["time_msc"] // 1000
    made = Mt5TerminalDouble({"GBPUSD": fx_pair("GBPUSD")}, {"GBPUSD": rows}, clock, offset=lambda _: OFFSET_S)
    made.symbol_select("GBPUSD")
    return made, rows


async def record(api: Mt5TerminalDouble, tape: Path, until: int, held_max: int = 10_000) -> None:
    """Record until the tape has so many quotes."""
    notes: list[str] = []

    async def wait() -> None:
        while len(quotes(tape)) < until:
            await asyncio.sleep(0.02)

    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
        port = LocalTerminal(api, UtcClock())
        running = group.create_task(
            record_mt5(port, ("GBPUSD",), tape, lambda what, **_: notes.append(what), seconds=None, held_max=held_max)
        )
        await group.create_task(wait())
        running.cancel()
    assert "connected" in notes


def records(tape: Path) -> np.ndarray:
    if not tape.exists():
        return np.zeros(0, RECORD_DTYPE)
    blocks = [batch.records for batch in MarketReader.open(tape).blocks()]
    return np.concatenate(blocks) if blocks else np.zeros(0, RECORD_DTYPE)


def quotes(tape: Path) -> np.ndarray:
    found = records(tape)
    wanted: np.ndarray = found[found["kind"] == Kind.QUOTE]
    return wanted


async def test_ticks_onto_a_tape_and_on_where_it_stood(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    api, rows = live(600, 2)
    await record(api, tape, 200)
    first = len(quotes(tape))
    before = standing(tape)
    assert before.offset_ns == OFFSET_S * 1_000_000_000
    begin = int(np.searchsorted(rows["time_msc"], before.cursors["GBPUSD"].time_msc)) + 1 - first
    assert before.cursors["GBPUSD"] == TickCursor().after(rows[: begin + first])
    rows = rows[begin:]
    await record(api, tape, len(rows))
    found = quotes(tape)
    assert found["price"].tolist() == np.rint(rows["bid"] * 1e5).astype(int).tolist()
    assert found["x"].tolist() == np.rint(rows["ask"] * 1e5).astype(int).tolist()
    assert (found["ts_event_ns"] == (rows["time_msc"] - OFFSET_S * 1000) * 1_000_000).all()
    everything = records(tape)
    links = everything["x"][everything["kind"] == Kind.CONNECTION].tolist()
    assert links == [Link.UP, Link.DOWN] * 2
    assert (everything["kind"] == Kind.BROKER_TIME).sum() == 1
    assert [(one.symbol, one.epoch) for one in standing(tape).listed.values()] == [("GBPUSD", 0)]
    assert verify_tape(tape).ok


async def test_ticks_wait_for_the_brokers_time_as_many_as_may(tmp_path: Path) -> None:
    api, _ = live(300, 20)
    await record(api, tmp_path / "tape", 120, held_max=3)
    undated = quotes(tmp_path / "tape")["ts_event_ns"] == 0
    assert undated[:4].all()
    assert not undated[-1]


async def test_a_terminal_that_starts_later_is_waited_for(tmp_path: Path) -> None:
    api, _ = live(500, 10)
    api.faults.fail(-10005, call="initialize")
    api.faults.fail(-10003, call="symbol_info")
    await record(api, tmp_path / "tape", 5)


async def test_what_only_a_person_can_help_with_ends_it(tmp_path: Path) -> None:
    clock = ManualClock(0)
    api = Mt5TerminalDouble({}, {}, clock)
    with pytest.raises(BaseExceptionGroup) as raised:
        await record_mt5(
            LocalTerminal(api, clock), ("GBPUSD",), tmp_path, lambda *_, **__: None, seconds=None, held_max=1
        )
    assert raised.group_contains(Exception, match="GBPUSD")
