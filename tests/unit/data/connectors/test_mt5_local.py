import asyncio
import sys

import numpy as np
import pytest

from papertape.core.errors import InputError, MT5Error
from papertape.data.connectors import mt5_local
from papertape.data.connectors.mt5_local import HISTORY_WAIT_NS, LocalTerminal, Login, native_api
from papertape.data.connectors.mt5_ports import HistoryLost
from papertape.data.wire.mt5.ticks import TickCursor
from papertape.venue import mt5_types
from tests.mt5_world import BEGIN_MSC, DEADLINE_S, double, pass_ms, rows_of, take, ticks


async def ready(rows, **more):
    api, clock = double(rows, **more)
    terminal = LocalTerminal(api, clock, poll_s=0)
    facts = await terminal.connect()
    assert facts.server == "Double-Demo"
    for name in [rows] if isinstance(rows, str) else (rows if isinstance(rows, dict) else ["GBPUSD"]):
        await terminal.select(name)
    return api, clock, terminal


async def test_ticks_come_once_and_in_order() -> None:
    rows = ticks(*range(0, 5_000, 7))
    _, clock, terminal = await ready(rows)
    reading = terminal.read({"GBPUSD": TickCursor()})
    got = []
    for now_ms in (0, 3, 700, 701, 2_500, 5_000):
        pass_ms(clock, now_ms)
        due = (rows["time_msc"] <= BEGIN_MSC + now_ms).sum() - sum(map(len, got))
        if due:
            got.append(rows_of(await take(reading, int(due))))
    assert np.concatenate(got).tobytes() == rows.tobytes()


async def test_without_a_cursor_it_begins_with_what_comes_next() -> None:
    rows = ticks(0, 0, 10, 20)
    _, clock, terminal = await ready(rows)
    reading = terminal.read({"GBPUSD": None})
    first = await anext(reading)
    assert (len(first.rows), first.before, first.fresh) == (0, (BEGIN_MSC, 2), False)
    pass_ms(clock, 20)
    batch = await anext(reading)
    assert batch.rows.tolist() == rows[2:].tolist()
    assert batch.fresh


async def test_readings_and_questions_share_the_thread() -> None:
    """Two readings of a quiet terminal: neither keeps the other or a question out, and both hear what comes."""
    rows = ticks(50)
    api, clock = double(rows)
    terminal = LocalTerminal(api, clock, poll_s=0.001)
    await terminal.connect()
    await terminal.select("GBPUSD")
    async with asyncio.timeout(DEADLINE_S):
        readings = [terminal.read({"GBPUSD": TickCursor()}) for _ in range(2)]
        async with asyncio.TaskGroup() as group:
            first = [group.create_task(anext(reading)) for reading in readings]
            for _ in range(20):
                assert (await terminal.symbol_info("GBPUSD"))["name"] == "GBPUSD"
            pass_ms(clock, 50)
        assert [task.result().rows.tolist() for task in first] == [rows.tolist()] * 2
        for reading in readings:
            await reading.aclose()


async def test_a_backlog_is_not_fresh() -> None:
    _, clock, terminal = await ready(ticks(*range(100)))
    pass_ms(clock, 99)
    reading = terminal.read({"GBPUSD": TickCursor()})
    assert not (await anext(reading)).fresh


async def test_a_symbol_without_a_tick_begins_with_its_first(monkeypatch) -> None:
    monkeypatch.setattr(mt5_local, "FIRST_TICK_WAIT_NS", 0)
    rows = ticks(50, 60)
    _, clock, terminal = await ready(rows)
    reading = terminal.read({"GBPUSD": None})
    first = await anext(reading)
    assert (len(first.rows), first.before) == (0, TickCursor())
    pass_ms(clock, 60)
    assert rows_of(await take(reading, 2)).tolist() == rows.tolist()


async def test_more_ticks_in_one_second_than_are_asked_for(monkeypatch) -> None:
    monkeypatch.setattr(mt5_local, "ROWS_FIRST", 8)
    rows = ticks(*[0] * 40, *[1] * 40, 1500)
    _, clock, terminal = await ready(rows)
    pass_ms(clock, 1500)
    got = rows_of(await take(terminal.read({"GBPUSD": TickCursor()}), len(rows)))
    assert got.tobytes() == rows.tobytes()
    again = rows_of(await take(terminal.read({"GBPUSD": TickCursor(BEGIN_MSC, 30)}), len(rows) - 30))
    assert again.tobytes() == rows[30:].tobytes()


async def test_nothing_is_taken_from_a_history_that_still_loads() -> None:
    rows = ticks(*range(0, 100, 10))
    api, clock, terminal = await ready(rows)
    pass_ms(clock, 99)
    api.faults.load_history("GBPUSD", rows=3, calls=5)
    got = rows_of(await take(terminal.read({"GBPUSD": TickCursor(BEGIN_MSC + 20, 1)}), 7))
    assert got.tobytes() == rows[3:].tobytes()


async def test_a_history_that_stays_away_is_lost_and_told() -> None:
    rows = ticks(*range(0, 100, 10))
    api, clock, terminal = await ready(rows)
    pass_ms(clock, 99)
    api.faults.load_history("GBPUSD", rows=3, calls=1 << 40)
    reading = terminal.read({"GBPUSD": TickCursor(BEGIN_MSC + 20, 1)})
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
        first = group.create_task(anext(reading))
        while not first.done():
            await asyncio.sleep(0.001)
            clock.advance_to(clock.now_ns() + HISTORY_WAIT_NS // 10)
    assert first.result()[0] == "GBPUSD" and isinstance(first.result(), HistoryLost)
    assert rows_of(await take(reading, 3)).tobytes() == rows[7:].tobytes()


@pytest.mark.parametrize("code", sorted(set(mt5_types.ERROR_TEXTS) - {1}))
async def test_every_error_of_the_terminal_is_raised_with_its_code(code: int) -> None:
    api, _, terminal = await ready(ticks(0))
    api.faults.fail(code, call="copy_ticks_from")
    with pytest.raises(MT5Error, match="copy_ticks_from") as raised:
        await take(terminal.read({"GBPUSD": TickCursor()}), 1)
    assert (raised.value.code, raised.value.symbol) == (code, "GBPUSD")


async def test_a_symbol_that_is_not_selected_is_an_error() -> None:
    api, _, terminal = await ready(ticks(0))
    api.symbol_select("GBPUSD", False)
    with pytest.raises(MT5Error) as raised:
        await take(terminal.read({"GBPUSD": None}), 1)
    assert raised.value.code == -1


async def test_names_and_fields() -> None:
    _, _, terminal = await ready({"GBPUSD": ticks(0), "EURUSD": ticks(0)})
    assert await terminal.names() == ["GBPUSD", "EURUSD"]
    assert (await terminal.symbol_info("EURUSD"))["currency_base"] == "EUR"
    with pytest.raises(MT5Error, match="symbol_info"):
        await terminal.symbol_info("NONE")


async def test_a_terminal_that_is_not_there() -> None:
    api, clock = double(ticks(0))
    api.faults.disconnect()
    with pytest.raises(MT5Error) as raised:
        await LocalTerminal(api, clock).connect()
    assert raised.value.call == "initialize"


def test_a_login_becomes_arguments() -> None:
    assert Login().arguments() == ((), {"timeout": 60_000})
    full = Login("C:/t.exe", 5, "secret", "Broker-Demo")
    assert full.arguments() == (
        ("C:/t.exe",),
        {"timeout": 60_000, "login": 5, "password": "secret", "server": "Broker-Demo"},
    )


@pytest.mark.skipif(sys.platform == "win32", reason="the package exists there")
def test_the_package_exists_on_windows_only() -> None:
    with pytest.raises(InputError, match="mt5-gateway"):
        native_api()
