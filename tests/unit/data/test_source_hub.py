import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import numpy as np
import pytest

from papertape.core.bars import BarSource
from papertape.core.clock import ManualClock
from papertape.core.errors import ConfigError, ConnectFailed, IntegrityError
from papertape.core.instruments import instrument_event
from papertape.core.records import WHOLE, Kind, Link, Verdict, as_records
from papertape.data.quality.divergence import DivergenceRule
from papertape.data.quality.rivals import RivalRules
from papertape.data.record_stream import RecordStream, StreamPlan
from papertape.data.source_hub import SourceHub
from papertape.data.wire.failover import SwitchRule
from papertape.data.wire.symbols import Place
from tests.made_source import MadeSource, crypto, fx

RULES = RivalRules(SwitchRule(stale_ns=100, return_ns=300), DivergenceRule(window_ns=80, fresh_ns=500))
EURUSD, GBPUSD, BTC = Place("mt5", "EURUSD"), Place("mt5", "GBPUSD"), Place("binance-spot", "BTCUSDT")


class Setting:
    def __init__(self) -> None:
        self.forex = MadeSource("mt5", [fx("EURUSD"), fx("GBPUSD")])
        self.backup = MadeSource("other", [fx("EURUSD.raw", "other", price_scale=4)])
        self.crypto = MadeSource("binance-spot", [crypto("BTCUSDT")])
        self.notes: list[tuple[str, dict[str, Any]]] = []
        sources = {"forex": self.forex, "backup": self.backup, "crypto": self.crypto}
        self.hub = SourceHub(sources, ManualClock(77), lambda text, **more: self.notes.append((text, more)), RULES, {})

    def stream(self, limit: int = 1_000) -> RecordStream:
        async def nothing(*_: object) -> None: ...

        return RecordStream(StreamPlan((), BarSource.BID, limit), nothing, self.hub.leave)


@asynccontextmanager
async def running() -> AsyncIterator[Setting]:
    setting = Setting()
    for name in ("forex", "backup", "crypto"):
        await setting.hub.load(name)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(setting.hub.run())
        await until(lambda: setting.crypto.runs > 0)
        yield setting
        task.cancel()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


def waiting(stream: RecordStream) -> list[tuple[int, int, int]]:
    """(kind, instrument, bid) of all that waits, taken out."""
    found = []
    for data in stream.queue._batches:
        found += [(int(one["kind"]), int(one["instrument"]), int(one["price"])) for one in as_records(data)]
    stream.queue._batches.clear()
    stream.queue._waiting = 0
    return [one for one in found if one[0] != Kind.INSTRUMENT]


async def test_each_stream_is_handed_what_it_wants_of_every_venue() -> None:
    async with running() as setting:
        one, two = setting.stream(), setting.stream()
        await setting.hub.follow(one, "EURUSD", [EURUSD])
        await setting.hub.follow(one, "BTCUSDT", [BTC])
        await setting.hub.follow(two, "GBPUSD", [GBPUSD])
        setting.forex.quote("EURUSD", 10, 1, 2)
        setting.crypto.quote("BTCUSDT", 10, 3, 4)
        setting.forex.quote("GBPUSD", 10, 5, 6)
        assert waiting(one) == [(Kind.QUOTE, 0, 1), (Kind.QUOTE, 1, 3)]
        assert waiting(two) == [(Kind.QUOTE, 2, 5)]


async def test_facts_of_a_venue_reach_the_streams_that_follow_anything_there() -> None:
    async with running() as setting:
        one, two = setting.stream(), setting.stream()
        await setting.hub.follow(one, "EURUSD", [EURUSD])
        await setting.hub.follow(two, "BTCUSDT", [BTC])
        setting.forex.gate.buffer.pack(0, 5, Kind.CONNECTION, WHOLE, 0, 0, 0, 0, Link.UP, 0, 1)
        setting.forex.gate.buffer.pack(0, 5, Kind.GAP, WHOLE, 9, 0, 0, 0, 0, 0, 1)
        setting.forex.flush()
        assert waiting(one) == [(Kind.CONNECTION, 0, 0)], "a gap of another's instrument is not its own"
        assert waiting(two) == []


async def test_a_second_reader_is_told_the_instrument_and_its_book_anew_and_the_last_one_ends_it() -> None:
    async with running() as setting:
        one, two = setting.stream(), setting.stream()
        await setting.hub.follow(one, "EURUSD", [EURUSD])
        await setting.hub.follow(two, "eur/usd", [EURUSD])
        assert setting.forex.resynced == ["EURUSD"]
        assert await two.queue.get() == instrument_event(fx("EURUSD"), 0, 77)
        await setting.hub.leave(one, ["EURUSD"])
        assert setting.forex.numbers == {"EURUSD": 0}
        setting.forex.quote("EURUSD", 10, 1, 2)
        assert (waiting(one), waiting(two)) == ([], [(Kind.QUOTE, 0, 1)])
        await setting.hub.leave(two, ["eur/usd"])
        assert setting.forex.numbers == {}
        await setting.hub.follow(two, "EURUSD", [EURUSD])
        assert setting.forex.numbers == {"EURUSD": 0}, "the number is its own for as long as the hub lives"


async def test_two_names_of_one_symbol_in_a_stream_are_one_subscription() -> None:
    async with running() as setting:
        stream = setting.stream()
        await setting.hub.follow(stream, "EURUSD", [EURUSD])
        await setting.hub.follow(stream, "eurusd", [EURUSD])
        await setting.hub.leave(stream, ["EURUSD"])
        setting.forex.quote("EURUSD", 10, 1, 2)
        assert waiting(stream) == [(Kind.QUOTE, 0, 1)]


async def test_the_backup_takes_over_and_hands_back_and_the_stream_is_told() -> None:
    async with running() as setting:
        stream = setting.stream()
        await setting.hub.follow(stream, "EURUSD", [EURUSD, Place("other", "EURUSD.raw")])
        for ts in range(0, 110, 50):
            setting.forex.quote("EURUSD", ts, 110_000 + ts, 110_001 + ts)
            setting.backup.quote("EURUSD.raw", ts, 11_000 + ts, 11_001 + ts)
        waiting(stream)
        for ts in range(150, 310, 50):
            setting.backup.quote("EURUSD.raw", ts, 11_000 + ts, 11_001 + ts)
        assert (Kind.SOURCE, 0, 0) in waiting(stream)
        for ts in range(350, 1_000, 50):
            setting.backup.quote("EURUSD.raw", ts, 11_000 + ts, 11_001 + ts)
            setting.forex.quote("EURUSD", ts, 110_000 + ts, 110_001 + ts)
        assert [one for one in waiting(stream) if one[0] == Kind.SOURCE] == [(Kind.SOURCE, 0, 0)]
        assert setting.hub._rivals[0].current == 0


async def test_sources_that_contradict_each_other_are_marked_in_what_the_stream_gets() -> None:
    async with running() as setting:
        stream = setting.stream()
        await setting.hub.follow(stream, "EURUSD", [EURUSD, Place("other", "EURUSD.raw")])
        for ts in range(0, 500, 20):
            setting.forex.quote("EURUSD", ts, 110_000, 110_001)
            setting.backup.quote("EURUSD.raw", ts, 12_000, 12_001)
        marks = [
            one["verdict"] for data in stream.queue._batches for one in as_records(data) if one["kind"] == Kind.QUOTE
        ]
        assert marks[0] == 0
        assert marks[-1] == marks[-2] == Verdict.DIVERGENT
        await setting.hub.leave(stream, ["EURUSD"])
        assert setting.hub._rivals == {}


async def test_a_finer_epoch_of_a_source_is_compared_at_its_scale() -> None:
    async with running() as setting:
        stream = setting.stream()
        await setting.hub.follow(stream, "EURUSD", [EURUSD, Place("other", "EURUSD.raw")])
        finer = msgspec.structs.replace(fx("EURUSD.raw", "other", price_scale=6), epoch=1)
        setting.backup.gate.fact(instrument_event(finer, 1, 5))
        for ts in range(0, 500, 20):
            setting.forex.quote("EURUSD", ts, 110_000, 110_001)
            setting.backup.quote("EURUSD.raw", ts, 1_100_000, 1_100_010)
        assert not any(as_records(data)["verdict"].any() for data in stream.queue._batches)


async def test_a_source_that_fails_is_run_again_and_the_others_go_on() -> None:
    async with running() as setting:
        stream = setting.stream()
        await setting.hub.follow(stream, "EURUSD", [EURUSD])
        setting.crypto.fail(ConnectFailed("no route"))
        await until(lambda: setting.crypto.runs == 2)
        setting.forex.quote("EURUSD", 10, 1, 2)
        assert waiting(stream) == [(Kind.QUOTE, 0, 1)]
        assert setting.notes == [
            ("source failed, and is tried again", {"source": "crypto", "venue": "binance-spot", "error": "no route"})
        ]
        assert setting.forex.runs == 1


async def broken() -> None:
    async with running() as setting:
        setting.crypto.fail(IntegrityError("broken"))
        await asyncio.Event().wait()


async def test_a_fault_of_papertape_itself_ends_everything() -> None:
    with pytest.raises(ExceptionGroup) as raised:
        await broken()
    assert raised.group_contains(IntegrityError, match="broken")


async def test_a_reader_that_lost_depth_has_its_book_told_anew() -> None:
    async with running() as setting:
        stream = setting.stream(limit=2)
        await setting.hub.follow(stream, "BTCUSDT", [BTC])
        for ts in range(3):
            setting.crypto.gate.depth(0, ts, ts, Kind.DEPTH_DELTA, 0, 0, ([1], [1]), ((), ()), 1, 1, 1)
            setting.crypto.flush()
        assert setting.crypto.resynced == []
        waiting(stream)
        setting.crypto.quote("BTCUSDT", 10, 1, 2)
        assert setting.crypto.resynced == ["BTCUSDT"]


async def test_a_catalogue_is_asked_for_once_and_a_source_that_is_none_is_named() -> None:
    setting = Setting()
    await asyncio.gather(*(setting.hub.load("forex") for _ in range(3)))
    assert setting.forex.catalogues == 1
    with pytest.raises(ConfigError, match="'mt4'.*backup, crypto, forex"):
        await setting.hub.load("mt4")


async def test_only_one_venues_clock_is_told() -> None:
    """The first source that has one, in the order of the sources; another's offset counts until it has."""

    def offset(source: MadeSource, ts_ns: int, offset_ns: int) -> None:
        source.gate.buffer.pack(0, ts_ns, Kind.CLOCK_OFFSET, WHOLE, 0, 0, 0, 0, offset_ns, 0, 0)
        source.flush()

    async with running() as setting:
        stream = setting.stream()
        await setting.hub.follow(stream, "EURUSD", [EURUSD])
        await setting.hub.follow(stream, "BTCUSDT", [BTC])
        waiting(stream)
        offset(setting.crypto, 1, 70)
        offset(setting.forex, 2, 30)
        offset(setting.crypto, 3, 71)
        offset(setting.forex, 4, 31)
        told = np.concatenate([as_records(one) for one in stream.queue._batches])
        assert told["x"].tolist() == [70, 30, 31]


async def test_two_sources_of_one_venue_are_refused() -> None:
    sources = {"a": MadeSource("mt5", []), "b": MadeSource("mt5", [])}
    with pytest.raises(ConfigError, match="one venue each"):
        SourceHub(sources, ManualClock(0), lambda *_, **__: None, RULES, {})


async def test_symbols_keep_the_numbers_that_they_have() -> None:
    sources = {"a": MadeSource("mt5", [])}
    hub = SourceHub(sources, ManualClock(0), lambda *_, **__: None, RULES, {GBPUSD: 4})
    assert (hub.number(GBPUSD), hub.number(EURUSD), hub.place(5)) == (4, 5, EURUSD)
