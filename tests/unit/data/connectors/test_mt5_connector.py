import asyncio

import numpy as np
import pytest

from papertape.core.errors import ConnectFailed, MT5Error, UnknownInstrument
from papertape.core.records import Link
from papertape.data.connectors.backoff import Backoff
from papertape.data.connectors.mt5_connector import MT5Connector, RecoveryAction
from papertape.data.connectors.mt5_local import LocalTerminal
from papertape.data.connectors.mt5_ports import HistoryLost
from papertape.data.connectors.mt5_remote import GatewayTerminal
from papertape.data.wire.mt5.recovery import RECOVERY
from papertape.data.wire.mt5.ticks import TickCursor
from tests.mt5_world import BEGIN_MSC, DEADLINE_S, TOKEN, double, pass_ms, rows_of, served, take, ticks


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Backoff, "next_s", lambda _: 0.005)


def connector(rows, **more):
    api, clock = double(rows, **more)
    made = MT5Connector(LocalTerminal(api, clock, poll_s=0.001), clock, lambda *_, **__: None)
    return made, api, clock


async def test_a_connection_says_what_it_reached() -> None:
    made, api, _ = connector(ticks(0))
    status = await made.initialize_mt5_connection()
    assert (status.state, status.terminal.currency, status.terminal.hedging) == ("connected", "USD", True)
    api.faults.broker_lost = True
    assert (await made.initialize_mt5_connection()).state == "terminal_offline"


async def test_symbol_info_is_by_the_brokers_name() -> None:
    made, _, _ = connector({"GBPUSD.raw": ticks(0)})
    info = await made.get_symbol_info("GBPUSD")
    assert (info.instrument.symbol, info.instrument.base, info.instrument.terms.leverage) == ("GBPUSD.raw", "GBP", 500)
    assert info.instrument.sessions
    with pytest.raises(UnknownInstrument):
        await made.get_symbol_info("XAUUSD")


async def test_a_stream_selects_its_symbols_and_begins_now() -> None:
    rows = ticks(0, 10, 20)
    made, _, clock = connector({"GBPUSD.raw": rows})
    await made.initialize_mt5_connection()
    stream = await made.stream_tick_data(["GBPUSD"])
    assert len((await anext(stream.__aiter__())).rows) == 0
    pass_ms(clock, 20)
    assert rows_of(await take(stream, 2)).tolist() == rows[1:].tolist()
    assert stream.cursors == {"GBPUSD.raw": (BEGIN_MSC + 20, 1)}
    await stream.close()


@pytest.mark.parametrize("code", [code for code, action in RECOVERY.items() if action is not RecoveryAction.GIVE_UP])
async def test_every_error_that_passes_loses_and_doubles_nothing(code: int) -> None:
    rows = ticks(*range(0, 600, 3))
    made, api, clock = connector(rows)
    await made.initialize_mt5_connection()
    stream = made.resume_tick_data({"GBPUSD": TickCursor()})
    items = await take(stream, 1)
    api.faults.fail(code, call="copy_ticks_from", calls=3)
    pass_ms(clock, 600)
    items += await take(stream, len(rows) - 1)
    assert rows_of(items).tobytes() == rows.tobytes()
    downs = [one for one in items if isinstance(one, Link)]
    assert downs == [Link.DOWN, Link.UP] * (len(downs) // 2) and downs
    await stream.close()


@pytest.mark.parametrize("code", [code for code, action in RECOVERY.items() if action is RecoveryAction.GIVE_UP])
async def test_what_only_a_person_can_help_with_ends_the_stream(code: int) -> None:
    made, api, _ = connector(ticks(0))
    await made.initialize_mt5_connection()
    stream = made.resume_tick_data({"GBPUSD": TickCursor()})
    await take(stream, 1)
    api.faults.fail(code)
    with pytest.raises(MT5Error) as raised:
        await take(stream, 1)
    assert raised.value.code == code


async def test_a_symbol_that_someone_took_out_of_the_market_watch_is_put_back() -> None:
    rows = ticks(0, 10)
    made, api, clock = connector(rows)
    await made.initialize_mt5_connection()
    stream = made.resume_tick_data({"GBPUSD": TickCursor()})
    await take(stream, 1)
    api.symbol_select("GBPUSD", False)
    pass_ms(clock, 10)
    assert rows_of(await take(stream, 1)).tolist() == rows[1:].tolist()


async def test_a_terminal_that_is_closed_and_started_again() -> None:
    rows = ticks(*range(0, 100, 5))
    made, api, clock = connector(rows)
    await made.initialize_mt5_connection()
    stream = made.resume_tick_data({"GBPUSD": TickCursor()})
    items = await take(stream, 1)
    api.faults.disconnect()
    items.append(await anext(stream.__aiter__()))
    assert items[-1] is Link.DOWN
    pass_ms(clock, 100)
    asyncio.get_running_loop().call_later(0.1, api.faults.reconnect)
    items += await take(stream, len(rows) - 1)
    assert rows_of(items).tobytes() == rows.tobytes()
    assert made.reconnects >= 1


async def test_history_that_loads_again_after_a_restart_loses_nothing() -> None:
    rows = ticks(*range(0, 100, 5))
    made, api, clock = connector(rows)
    await made.initialize_mt5_connection()
    stream = made.resume_tick_data({"GBPUSD": TickCursor()})
    items = await take(stream, 1)
    pass_ms(clock, 100)
    api.faults.load_history("GBPUSD", rows=4, calls=6)
    api.faults.fail(-10002)
    items += await take(stream, len(rows) - 1)
    assert rows_of(items).tobytes() == rows.tobytes()
    assert not [one for one in items if isinstance(one, HistoryLost)]


async def test_a_broker_that_is_lost_brings_its_ticks_late_and_whole() -> None:
    rows = ticks(*range(0, 100, 5))
    made, api, clock = connector(rows)
    await made.initialize_mt5_connection()
    stream = made.resume_tick_data({"GBPUSD": TickCursor()})
    items = await take(stream, 1)
    api.faults.broker_lost = True
    assert (await made.initialize_mt5_connection()).state == "terminal_offline"
    pass_ms(clock, 100)
    api.faults.broker_lost = False
    items += await take(stream, len(rows) - 1)
    assert rows_of(items).tobytes() == rows.tobytes()


async def test_what_was_done_about_an_error_is_said() -> None:
    made, _, _ = connector(ticks(0))
    await made.initialize_mt5_connection()
    said = {}
    for code in RECOVERY:
        said[code] = await made.handle_mt5_errors(MT5Error(code, "text", "copy_ticks_from", "GBPUSD"))
    assert said == RECOVERY
    assert await made.handle_mt5_errors(MT5Error(-1, "text", "terminal_info")) is RecoveryAction.RETRY


async def test_a_gateway_that_goes_and_comes_back_loses_and_doubles_nothing() -> None:
    rows = ticks(*np.cumsum(np.arange(400) % 3).tolist())
    api, clock = double(rows)
    async with served(api, clock) as url:
        made = MT5Connector(GatewayTerminal(url, TOKEN, clock), clock, lambda *_, **__: None)
        await made.initialize_mt5_connection()
        stream = made.resume_tick_data({"GBPUSD": TickCursor()})
        items = await take(stream, 1)
    port = int(url.split(":")[2].partition("/")[0])
    pass_ms(clock, 200)
    async with asyncio.timeout(DEADLINE_S), served(api, clock, port):
        items += await take(stream, 150)
    pass_ms(clock, 500)
    async with asyncio.timeout(DEADLINE_S), served(api, clock, port):
        items += await take(stream, len(rows) - len(rows_of(items)))
        assert rows_of(items).tobytes() == rows.tobytes()
        assert made.reconnects >= 2
        await stream.close()
        await made.close()


async def test_a_gateway_that_does_not_want_us_any_more_ends_the_stream() -> None:
    api, clock = double(ticks(0))
    port = GatewayTerminal("", TOKEN, clock)
    async with served(api, clock) as url:
        port._url = url
        made = MT5Connector(port, clock, lambda *_, **__: None)
        await made.initialize_mt5_connection()
        stream = made.resume_tick_data({"GBPUSD": TickCursor()})
        await take(stream, 1)
        port._token = "another"
        api.faults.fail(-10004)
        with pytest.raises(ConnectFailed, match="401"):
            await take(stream, 1)
        await made.close()
