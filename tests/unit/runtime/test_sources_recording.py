"""Sources that a test feeds by hand, through the front door onto a real tape."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from papertape.core.errors import ConnectFailed
from papertape.core.records import Kind, Verdict, as_records
from papertape.data.multi_asset_connector import AssetClass, MultiAssetConnector
from papertape.runtime.clocks import UtcClock
from papertape.runtime.sources_recording import SourcesRecording, Standing
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter
from papertape.tape.verify import verify_tape
from tests.made_source import MadeSource, crypto, fx

SECOND = 1_000_000_000
CLASS = AssetClass(provider="one", symbols=(), buffer_size=100_000, backups=("two",))


class Setting:
    def __init__(self) -> None:
        self.one = MadeSource("one", [crypto("BTCUSDT", "one"), crypto("ETHUSDT", "one")])
        self.two = MadeSource("two", [crypto("BTC/USDT", "two")])
        self.forex = MadeSource("mt5", [fx("EURUSD.raw")])
        self.sources = {"one": self.one, "forex": self.forex, "two": self.two}
        self.notes: list[str] = []
        self.recording: SourcesRecording
        self.begin_ns = UtcClock().now_ns()

    def quotes(self, source: MadeSource, symbol: str, seconds: range, bid: int = 500) -> None:
        for second in seconds:
            source.quote(symbol, self.begin_ns + second * SECOND, bid + second % 2, bid + second % 2 + 1)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


@asynccontextmanager
async def recorded(tape: Path, symbols: list[str]) -> AsyncIterator[Setting]:
    setting, clock = Setting(), UtcClock()

    def note(event: str, **_: object) -> None:
        setting.notes.append(event)

    with MarketWriter.open(tape) as writer:
        before = Standing(tape, writer)
        setting.recording = SourcesRecording(before, writer, clock, note)
        made = MultiAssetConnector(setting.sources, CLASS, CLASS, clock, note, numbers=before.numbers)
        async with made as connector, asyncio.TaskGroup() as group:
            running = group.create_task(setting.recording.run(connector, symbols, ["one", "forex"]))
            await until(lambda: bool(setting.recording.numbers))
            yield setting
            running.cancel()


def records(tape: Path) -> np.ndarray:
    found = [batch.records for batch in MarketReader.open(tape).blocks()]
    return np.concatenate(found) if found else as_records(b"")


def quoted(tape: Path) -> list[tuple[int, int]]:
    found = records(tape)
    quotes = found[found["kind"] == Kind.QUOTE]
    return list(zip(quotes["instrument"].tolist(), quotes["price"].tolist(), strict=True))


async def test_symbols_are_taken_from_the_sources_that_list_them(tmp_path: Path) -> None:
    async with recorded(tmp_path, ["btc-usdt", "EURUSD"]) as setting:
        assert list(setting.recording.symbols) == ["one:BTCUSDT", "mt5:EURUSD.raw"]
        setting.quotes(setting.forex, "EURUSD.raw", range(1), 7)
        setting.quotes(setting.one, "BTCUSDT", range(1), 5)
        setting.quotes(setting.two, "BTC/USDT", range(1), 5)
        await until(lambda: len(quoted(tmp_path)) == 3)
    assert sorted(quoted(tmp_path)) == [(0, 5), (1, 5), (2, 7)]
    assert verify_tape(tmp_path).ok


async def test_a_switch_and_a_contradiction_are_counted_and_a_new_start_begins_with_the_preferred(
    tmp_path: Path,
) -> None:
    async with recorded(tmp_path, ["BTCUSDT"]) as setting:
        for second in range(4):
            setting.quotes(setting.one, "BTCUSDT", range(second, second + 1))
            setting.quotes(setting.two, "BTC/USDT", range(second, second + 1), 900)
        setting.quotes(setting.two, "BTC/USDT", range(4, 9), 900)
        await until(lambda: len(quoted(tmp_path)) == 13)
        tally = setting.recording.tally
        assert tally.switches == {0: 1}
        assert setting.recording.current == {0: 1}
        divergent = tally.of(0).divergent + tally.of(1).divergent
        assert divergent == tally.verdicts[Verdict.DIVERGENT] > 0
        assert "another source counts" in setting.notes
    async with recorded(tmp_path, ["ETHUSDT", "BTCUSDT"]) as setting:
        assert setting.recording.symbols == {"one:ETHUSDT": (2,), "one:BTCUSDT": (0, 1)}
        setting.begin_ns += 20 * SECOND
        setting.quotes(setting.one, "ETHUSDT", range(1), 3)
        await until(lambda: quoted(tmp_path)[-1:] == [(2, 3)])
    found = records(tmp_path)
    switches = found[found["kind"] == Kind.SOURCE]
    assert switches[["instrument", "x", "y"]].tolist() == [(0, 1, 0), (0, 0, 1)]
    gaps = found[found["kind"] == Kind.GAP]
    assert gaps[["instrument", "id"]].tolist() == [(n, k) for n in (0, 1) for k in (Kind.DEPTH_DELTA, Kind.PRINT)]
    assert verify_tape(tmp_path).ok


async def test_a_source_that_does_not_tell_is_asked_again(tmp_path: Path) -> None:
    clock = UtcClock()
    setting = Setting()

    def note(event: str, **_: object) -> None:
        setting.notes.append(event)

    mute = MadeSource("one", [crypto("BTCUSDT", "one")], ConnectFailed("nobody there"))
    with MarketWriter.open(tmp_path) as writer:
        recording = SourcesRecording(Standing(tmp_path, writer), writer, clock, note)
        made = AssetClass(provider="one", symbols=(), buffer_size=10)
        door = MultiAssetConnector({"one": mute}, made, made, clock, note)
        async with door as connector, asyncio.TaskGroup() as group:
            running = group.create_task(recording.run(connector, ["BTCUSDT"], ["one"]))
            await until(lambda: mute.catalogues > 1)
            mute._catalogue_error = None
            await until(lambda: bool(recording.numbers))
            running.cancel()
    assert setting.notes[0] == "a source does not tell what it lists, and is asked again"
