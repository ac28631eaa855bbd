"""A terminal behind the port of a source: symbols come and go, ticks are neither lost nor doubled."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from papertape.core.errors import MT5Error, UnknownInstrument
from papertape.core.instruments import read_instrument_event
from papertape.core.records import Kind, Link, as_records
from papertape.data.connectors.backoff import Backoff
from papertape.data.connectors.mt5_local import LocalTerminal
from papertape.data.connectors.mt5_source import Mt5Source
from tests.mt5_world import DEADLINE_S, double, pass_ms, ticks

TICKS = 60
EVERY_MS = 700


class Setting:
    """A source over a double of two symbols that tick alike; everything that it delivered."""

    def __init__(self) -> None:
        rows = ticks(*range(0, TICKS * EVERY_MS, EVERY_MS))
        self.api, self.clock = double({"GBPUSD": rows, "EURUSD": rows})
        self.source = Mt5Source(LocalTerminal(self.api, self.clock, poll_s=0.001), self.clock, lambda *_, **__: None)
        self.data = bytearray()
        self.played = 0

    def records(self, kind: Kind, number: int | None = None) -> Any:
        found = as_records(bytes(self.data))
        found = found[found["kind"] == kind]
        return found if number is None else found[found["instrument"] == number]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                await asyncio.sleep(0.001)

    async def play(self, until: int) -> None:
        """Let the ticks up to this one come, each by itself: a broker's time is believed by its live ticks."""
        for number in range(self.played, until):
            pass_ms(self.clock, number * EVERY_MS)
            await asyncio.sleep(0.005)
        self.played = until

    async def quoted(self, number: int, count: int) -> None:
        await self.until(lambda: len(self.records(Kind.QUOTE, number)) >= count)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.source.run(self.data.extend))
            yield
            task.cancel()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Backoff, "next_s", lambda _: 0.005)


async def test_symbols_come_and_go_and_no_tick_is_lost_or_doubled() -> None:
    setting = Setting()
    source = setting.source
    infos = await source.catalogue()
    assert sorted(info.instrument.symbol for info in infos) == ["EURUSD", "GBPUSD"]
    await source.subscribe({"GBPUSD": 4})
    async with setting.running():
        await setting.until(lambda: source.health().connected and ("GBPUSD" in setting.api._selected))
        await setting.play(20)
        await setting.quoted(4, 15)
        await source.subscribe({"EURUSD": 9})
        await setting.until(lambda: "EURUSD" in setting.api._selected)
        await setting.play(40)
        await setting.quoted(9, 5)
        await setting.quoted(4, 35)
        await source.unsubscribe(["EURUSD"])
        gone = len(setting.records(Kind.QUOTE, 9))
        await setting.play(50)
        await setting.quoted(4, 45)
        assert len(setting.records(Kind.QUOTE, 9)) == gone
        await source.subscribe({"EURUSD": 9})
        await setting.play(TICKS)
        await setting.quoted(9, gone + 1)
    prices = setting.records(Kind.QUOTE, 4)["price"]
    assert (np.diff(prices) == 1).all(), "each tick rises by a point"
    assert (np.diff(setting.records(Kind.QUOTE, 9)["id"]) > 0).all()
    listings = setting.records(Kind.INSTRUMENT, 9)
    assert listings["id"][listings["flags"] & 1 != 0].tolist() == [0, 0], "listed twice, in the same epoch"
    first = as_records(bytes(setting.data))
    event = first[(first["kind"] == Kind.INSTRUMENT) & (first["instrument"] == 4)]
    assert read_instrument_event(event).symbol == "GBPUSD"
    assert source.health().records == len(first)
    assert source.health().connected is False


async def test_a_terminal_that_is_lost_and_found_tells_its_connection() -> None:
    setting = Setting()
    await setting.source.catalogue()
    await setting.source.subscribe({"GBPUSD": 0})
    async with setting.running():
        await setting.until(lambda: "GBPUSD" in setting.api._selected)
        await setting.play(20)
        await setting.quoted(0, 15)
        setting.api.faults.fail(-10004, call="copy_ticks_from", calls=2)
        await setting.play(30)
        await setting.quoted(0, 28)
    assert (np.diff(setting.records(Kind.QUOTE)["price"]) == 1).all()
    assert setting.records(Kind.CONNECTION)["x"].tolist()[:5] == [Link.UP, Link.DOWN, Link.UP, Link.DOWN, Link.UP]
    assert setting.source.health().reconnects == 2


async def test_what_is_not_listed_and_what_only_a_person_can_help_with() -> None:
    setting = Setting()
    await setting.source.catalogue()
    with pytest.raises(UnknownInstrument, match="does not list XAUUSD"):
        await setting.source.subscribe({"XAUUSD": 1})
    await setting.source.subscribe({"GBPUSD": 0})
    setting.api.faults.fail(-6)
    with pytest.raises(MT5Error):
        await setting.source.run(setting.data.extend)
