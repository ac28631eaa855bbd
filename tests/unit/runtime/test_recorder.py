import asyncio
import gc
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from papertape.core.book.rows import Market
from papertape.core.clock import Clock
from papertape.core.errors import StoreError
from papertape.core.records import Kind, RecordBuffer
from papertape.core.silence import CLOCK_STEP_NS
from papertape.data.connectors.reel_connector import ReelConnector
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import SPOT
from papertape.runtime.clocks import UtcClock
from papertape.runtime.recorder import Recorder
from papertape.runtime.reel_out import ReelOut
from papertape.runtime.tape_intake import TapeIntake
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter
from papertape.tape.verify import verify_tape
from tests.binance_frames import instrument, trade
from tests.integration.hostile import HostileMarket, HostileVenue, until
from tests.integration.wild_frames import MALFORMED

NOW_NS = 1_700_000_000_000_000_000
MS_NS = 1_000_000


class SetClock(Clock):
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time_ns = NOW_NS
        self.asked = 0

    def now_ns(self) -> int:
        self.asked += 1
        return self.time_ns


class Setting:
    """A recorder of one listed symbol over a real tape."""

    def __init__(self, folder: Path, writer: MarketWriter, reel: ReelOut | None = None) -> None:
        self.market = HostileMarket("ABCUSDT")
        self.venue = HostileVenue([self.market], usdm=False)
        self.machine = BinanceMachine(SPOT, {"ABCUSDT": 0}, Gate(RecordBuffer()))
        self.machine.list_from_exchange_info(NOW_NS, self.venue._rest_exchangeinfo({})[2])
        self.notes: list[str] = []
        self.clock = SetClock()
        self.intake = TapeIntake(self.machine.gate, writer, self.clock)
        self.recorder = Recorder(self.machine, self.intake, reel, lambda text, **more: self.notes.append(text))
        self.writer = writer
        self.tape = folder

    def on_tape(self) -> list[int]:
        return [kind for batch in MarketReader.open(self.tape).blocks() for kind in batch.records["kind"].tolist()]


async def test_frames_of_one_read_are_one_block_and_written_before_they_are_applied(tmp_path: Path) -> None:
    with MarketWriter.open(tmp_path) as writer:
        setting = Setting(tmp_path, writer)
        frames = [frame for _, frame in setting.market.step()]
        for frame in frames[:-1]:
            setting.recorder.frame(frame, is_last=False)
        assert setting.on_tape() == []
        assert setting.intake.market.books == {}
        setting.recorder.frame(frames[-1], is_last=True)
        assert setting.on_tape()[-3:] == [Kind.PRINT, Kind.DEPTH_DELTA, Kind.QUOTE]
        assert setting.intake.market.counts().prints == 1
        assert setting.intake.latency.total == 3


async def test_a_read_without_a_last_frame_is_written_when_the_loop_turns(tmp_path: Path) -> None:
    with MarketWriter.open(tmp_path) as writer:
        setting = Setting(tmp_path, writer)
        setting.recorder.frame(setting.market.step()[0][1], is_last=False)
        await asyncio.sleep(0)
        assert setting.on_tape()[-1] == Kind.PRINT


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_frame_that_cannot_be_read_is_counted_and_leaves_a_gap_alone(tmp_path: Path, name: str) -> None:
    with MarketWriter.open(tmp_path) as writer:
        setting = Setting(tmp_path, writer)
        setting.intake.flush()
        before = setting.on_tape()
        setting.recorder.frame(MALFORMED[name], is_last=True)
        assert setting.machine.malformed == 1
        assert len(setting.notes) == 1
        assert setting.on_tape() == [*before, Kind.GAP]
        setting.recorder.frame(setting.market.step()[0][1], is_last=True)
        assert setting.on_tape() == [*before, Kind.GAP, Kind.PRINT]


async def test_an_error_of_the_store_is_kept_and_ends_the_writing(tmp_path: Path) -> None:
    with MarketWriter.open(tmp_path) as writer:
        setting = Setting(tmp_path, writer)
        setting.intake.flush()
        writer.close()
        setting.recorder.frame(setting.market.step()[0][1], is_last=True)
        setting.recorder.frame(setting.market.step()[0][1], is_last=True)
        assert isinstance(setting.intake.failed.exception(), StoreError)
        assert setting.intake.market.counts().prints == 0


def read_again(folder: Path, symbol: str) -> Market:
    """The market that the reels in `folder` give."""
    machine, market = BinanceMachine(SPOT, {symbol: 0}, Gate(RecordBuffer())), Market()
    for data in ReelConnector(machine, sorted(folder.iterdir())).batches():
        market.apply(data)
    return market


@pytest.mark.parametrize(
    "spelled",
    [
        lambda frame: json.dumps(frame).encode(),
        lambda frame: json.dumps({"data": frame["data"], "stream": frame["stream"]}).encode(),
        lambda frame: json.dumps(frame["data"]).encode(),
    ],
    ids=["with blanks", "name behind the data", "without wrapping"],
)
async def test_the_reel_has_every_frame_of_the_tape_however_the_server_spells_them(
    tmp_path: Path, spelled: Callable[[dict[str, object]], bytes]
) -> None:
    with MarketWriter.open(tmp_path / "tape") as writer:
        reel = ReelOut(tmp_path / "reels")
        setting = Setting(tmp_path / "tape", writer, reel)
        for _, frame in setting.market.step() + setting.market.step():
            setting.recorder.frame(spelled(json.loads(frame)), is_last=True)
        reel.close()
        again = read_again(tmp_path / "reels", "ABCUSDT")
        assert again.counts().records == 6
        recorded = Market()
        for batch in MarketReader.open(tmp_path / "tape").blocks():
            recorded.apply(batch.records.tobytes())
        assert again.state_hash() == recorded.state_hash()


async def test_what_comes_while_frames_wait_for_a_listing_stands_behind_them(tmp_path: Path) -> None:
    """A server that tells its time and lists nothing: the first frames say what the instruments are."""
    with MarketWriter.open(tmp_path) as writer:
        setting = Setting(tmp_path, writer)
        machine = BinanceMachine(SPOT, {"ABCUSDT": 0}, Gate(RecordBuffer()))
        recorder = Recorder(machine, TapeIntake(machine.gate, writer, setting.clock), None, lambda *_, **__: None)
        recorder.begin()
        steps: list[Callable[[], None]] = [
            lambda: recorder.link_up(0),
            lambda: recorder.frame(setting.market.step()[0][1], is_last=True),
            lambda: recorder.clock_offset(5, 7),
            lambda: recorder.link_up(1),
            lambda: recorder.frame(setting.market.step()[0][1], is_last=True),
            lambda: recorder.link_down(0, ["ABCUSDT"]),
            lambda: recorder.frame(setting.market.step()[0][1], is_last=True),
        ]
        for step in steps:
            setting.clock.time_ns += 1_000
            step()
        recorder.end()
        up_and_first = [Kind.CONNECTION, Kind.PRINT, Kind.CLOCK_OFFSET, Kind.CONNECTION, Kind.PRINT]
        found = [kind for kind in setting.on_tape() if kind != Kind.INSTRUMENT]
        assert found == [*up_and_first, Kind.CONNECTION, Kind.PRINT, Kind.CONNECTION], "the last one that is up ends"
    assert verify_tape(tmp_path).findings == []


async def test_a_continued_reel_heals_the_same_prints_as_the_continued_tape(tmp_path: Path) -> None:
    """The prints between two recordings are no gap of the second one, so an answer that holds them heals none of them."""
    reel = ReelOut(tmp_path / "reels")
    clock = SetClock()
    for first in (100, 200):
        with MarketWriter.open(tmp_path / "tape") as writer:
            machine = BinanceMachine(SPOT, {"ETHUSDT": 0}, Gate(RecordBuffer()))
            recorder = Recorder(machine, TapeIntake(machine.gate, writer, clock), reel, lambda *_, **__: None)
            machine.list_instrument(instrument(), clock.time_ns)
            recorder.begin()
            for trade_id in (first, first + 4):
                clock.time_ns += 1_000
                recorder.frame(trade(trade_id), is_last=True)
            more = {"price": "10.5", "qty": "1", "time": 1_000, "isBuyerMaker": False}
            answer = [{"id": trade_id, **more} for trade_id in range(first - 50, first + 5)]
            recorder.trades("ETHUSDT", json.dumps(answer).encode())
            recorder.end()
    reel.close()
    tape = Market()
    for batch in MarketReader.open(tmp_path / "tape").blocks():
        tape.apply(batch.records.tobytes())
    again = read_again(tmp_path / "reels", "ETHUSDT")
    assert tape.counts().prints == again.counts().prints == 10
    assert tape.state_hash() == again.state_hash()


async def test_an_error_that_nobody_asks_for_is_not_told_by_the_loop(tmp_path: Path) -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    with MarketWriter.open(tmp_path) as writer:
        setting = Setting(tmp_path, writer)
        writer.close()
        setting.recorder.frame(setting.market.step()[0][1], is_last=True)
        assert setting.intake.failed.done()
        del setting
    gc.collect()
    assert told == []


async def test_silence_is_told_before_what_ends_it(tmp_path: Path) -> None:
    with MarketWriter.open(tmp_path) as writer:
        setting = Setting(tmp_path, writer)
        setting.recorder.begin()
        listed = len(setting.on_tape())
        steps: list[Callable[[], None]] = [
            lambda: setting.recorder.frame(setting.market.step()[0][1], is_last=True),
            lambda: setting.recorder.clock_offset(5, 7),
            lambda: setting.recorder.link_up(0),
            lambda: setting.recorder.snapshot("ABCUSDT", json.dumps(setting.market.snapshot()).encode()),
            lambda: setting.recorder.frame(MALFORMED["no JSON"], is_last=True),
            lambda: setting.recorder.link_down(0, ["ABCUSDT"]),
        ]
        for step in steps:
            setting.clock.time_ns += 150 * MS_NS  # one multiple of 100 ms lies strictly within each pause
            step()
        levels = [Kind.DEPTH_SNAPSHOT] * setting.on_tape().count(Kind.DEPTH_SNAPSHOT)
        ends = [[Kind.PRINT], [Kind.CLOCK_OFFSET], [Kind.CONNECTION], levels, [Kind.GAP], [Kind.GAP, Kind.CONNECTION]]
        assert setting.on_tape()[listed:] == [kind for end in ends for kind in (Kind.CLOCK, *end)]
    assert verify_tape(tmp_path).findings == []


async def test_frames_that_wait_for_a_listing_tell_the_silence_between_them_when_they_are_taken(tmp_path: Path) -> None:
    with MarketWriter.open(tmp_path) as writer:
        setting = Setting(tmp_path, writer)
        machine = BinanceMachine(SPOT, {"ABCUSDT": 0}, Gate(RecordBuffer()))
        recorder = Recorder(machine, TapeIntake(machine.gate, writer, setting.clock), None, lambda *_, **__: None)
        recorder.begin()
        recorder.link_up(0)
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(recorder.tell_time())
            for pause_ms in (150, 149):
                setting.clock.time_ns += pause_ms * MS_NS
                recorder.frame(setting.market.step()[0][1], is_last=True)
            asked = setting.clock.asked
            await until(lambda: setting.clock.asked > asked + 1, "a look at the clock")
            telling.cancel()
        assert setting.on_tape() == [Kind.CONNECTION]
        recorder.end()
        found = setting.on_tape()
        assert found[:3] == [Kind.CONNECTION, Kind.CLOCK, Kind.INSTRUMENT]
        taken = [kind for kind in found[3:] if kind != Kind.INSTRUMENT]
        assert taken == [Kind.PRINT, Kind.CLOCK, Kind.PRINT, Kind.CONNECTION]
    assert verify_tape(tmp_path).findings == []


async def test_time_is_told_while_nothing_arrives(tmp_path: Path) -> None:
    with MarketWriter.open(tmp_path) as writer:
        setting = Setting(tmp_path, writer)
        machine, clock = BinanceMachine(SPOT, {"ABCUSDT": 0}, Gate(RecordBuffer())), UtcClock()
        machine.list_instrument(instrument("ABCUSDT"), clock.now_ns())
        recorder = Recorder(machine, TapeIntake(machine.gate, writer, clock), None, lambda *_, **__: None)
        recorder.frame(setting.market.step()[0][1], is_last=True)
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(recorder.tell_time())
            await until(lambda: setting.on_tape().count(Kind.CLOCK) >= 3, "CLOCK records")
            telling.cancel()
        recorder.frame(setting.market.step()[0][1], is_last=True)
    records = np.concatenate([batch.records for batch in MarketReader.open(tmp_path).blocks()])
    stamps = records["ts_recv_ns"][records["kind"] == Kind.CLOCK]
    assert set((stamps % CLOCK_STEP_NS).tolist()) == {0}
    assert set(np.diff(stamps).tolist()) == {CLOCK_STEP_NS}
    assert verify_tape(tmp_path).findings == []
