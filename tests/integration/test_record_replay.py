"""The main job: a reel in the box, recorded over real sockets, verified, and replayed from tape and from the new reel."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from papertape.core.book.rows import Book, Market
from papertape.core.instruments import Instrument
from papertape.core.records import Kind, RecordBuffer
from papertape.data.connectors.reel_connector import ReelConnector
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import VENUES
from papertape.tape.market_reader import MarketReader
from papertape.tape.reels import read_reel
from tests.integration.commands import here, plain_market, print_ids, record, start
from tests.integration.hostile import HostileMarket, until, write_small_reel

REAL = [("binance-spot", "spot/ethusdt_20240808.gz"), ("binance-usdm", "usdm/ethusdt_20240808.gz")]
SPEED = "40"


def made_reel(path: Path, symbol: str, usdm: bool) -> Path:
    """A reel of two seconds of a small market, its snapshot inline after the first frames."""
    return write_small_reel(path, HostileMarket(symbol, usdm), 1_500)


async def through_the_box(home: Path, venue: str, reel: Path, symbol: str, speed: str) -> dict[str, Any]:
    """Serve `reel` by `papertape venue`, record it to its end by `papertape record`; the summary of the recorder."""
    box = await start(
        home,
        "venue",
        "--reel",
        str(reel),
        "--venue",
        venue,
        "--symbol",
        symbol,
        "--speed",
        speed,
        "--port",
        "0",
        "--json",
    )
    assert box.process.stderr is not None
    listens = (await box.process.stderr.readline()).decode().split()
    urls = listens[listens.index("--ws-url") :]
    options = ["--symbols", symbol, "--reel-out", str(home / "reels")]
    recorder = await record(home, venue, urls, *options)
    last_print, last_depth = last_ids(reel, symbol)
    tape = home / "tape"

    def whole() -> bool:
        """The two come over two connections of USD-M, of which one may lag."""
        return recorder.process.returncode is not None or (
            last_depth in latest_depth_ids(tape) and last_print in print_ids(tape)
        )

    await until(whole, "the end of the reel", deadline_s=60)
    said = await recorder.stopped()
    ended = await box.stopped(signal.SIGINT)
    assert said.code == 0, said.err[-2000:]
    assert ended.code == 130
    assert ended.json["port"] > 0
    return said.json


def last_ids(reel: Path, symbol: str) -> tuple[int, int]:
    """Ids of the last print and the last depth event of a reel."""
    last: dict[str, dict[str, int]] = {}
    name = symbol.lower()
    for frame in read_reel([reel]):
        if frame.payload.startswith((f'{{"stream":"{name}@trade'.encode(), f'{{"stream":"{name}@depth'.encode())):
            data = json.loads(frame.payload)["data"]
            last[data["e"]] = data
    return last["trade"]["t"], last["depthUpdate"]["u"]


def latest_depth_ids(tape: Path) -> set[int]:
    """Ids of the last depth events on a tape; nothing before there is one."""
    if not (tape / "market").is_dir():
        return set()
    reader = MarketReader.open(tape)
    blocks = [batch.records for batch in reader.blocks(max(reader.next_seq - 2000, 0), check=False)]
    return {ident for rows in blocks for ident in rows["id"][rows["kind"] == Kind.DEPTH_DELTA].tolist()}


def check_same(
    capsys: pytest.CaptureFixture[str], home: Path, venue: str, reel: Path, symbol: str, summary: dict[str, Any]
) -> None:
    tape = home / "tape"
    verified = here(capsys, "verify", str(tape)).json
    assert (verified["ok"], verified["sealed"]) == (True, True), verified["findings"]
    of_tape = here(capsys, "replay", str(tape)).json
    market = ("--venue", venue, "--symbol", symbol, "--reel")
    captured = here(capsys, "replay", *market, *sorted(map(str, (home / "reels").iterdir()))).json
    of_source = here(capsys, "replay", *market, str(reel)).json
    one = summary["symbols"][0]
    same = ("prints", "market_records", "synced", "book_checks", "book_mismatches", "crossed", "state_hash")
    assert [of_tape[key] for key in same] == [captured[key] for key in same]
    assert of_tape["state_hash"] == plain_market(tape).state_hash()
    assert (of_tape["synced"], of_tape["book_mismatches"], of_tape["sequence_breaks"]) == (True, 0, 0)
    assert (summary["crossed"], of_tape["crossed"]) == (0, 0)
    assert of_tape["book_checks"] > 100
    assert of_tape["prints"] == one["prints"] == one["last_trade_id"] - one["first_trade_id"] + 1 - one["missing"]
    assert (one["missing"], one["duplicates"]) == (0, 0)
    assert of_source["prints"] == one["prints"]
    check_book_of_source(reel, venue, symbol, plain_market(tape).books[0])


def check_book_of_source(reel: Path, venue: str, symbol: str, book: Book) -> None:
    """The recorded book ends where the one of the source reel ends."""
    source = Market()
    machine = BinanceMachine(VENUES[venue], {symbol: 0}, Gate(RecordBuffer()))
    for data in ReelConnector(machine, [reel]).batches():
        source.apply(data)
    expected = source.books[0]
    assert book.update_id == expected.update_id
    assert scaled(book.instrument, book.top) == scaled(expected.instrument, expected.top)


def scaled(instrument: Instrument, top: tuple[int, int, int, int]) -> list[float]:
    price, size = 10**instrument.price_scale, 10**instrument.size_scale
    return [top[0] / price, top[1] / size, top[2] / price, top[3] / size]


@pytest.mark.parametrize("usdm", [False, True], ids=["spot", "usdm"])
async def test_a_made_reel(tmp_path: Path, capsys: pytest.CaptureFixture[str], usdm: bool) -> None:
    venue = "binance-usdm" if usdm else "binance-spot"
    reel = made_reel(tmp_path / "made.gz", "ABCUSDT", usdm)
    summary = await through_the_box(tmp_path, venue, reel, "ABCUSDT", "1")
    check_same(capsys, tmp_path, venue, reel, "ABCUSDT", summary)


@pytest.mark.recordings
@pytest.mark.parametrize(("venue", "name"), REAL)
async def test_a_real_reel(
    tmp_path: Path, recordings: Path, capsys: pytest.CaptureFixture[str], venue: str, name: str
) -> None:
    reel = recordings / name
    summary = await through_the_box(tmp_path, venue, reel, "ETHUSDT", SPEED)
    check_same(capsys, tmp_path, venue, reel, "ETHUSDT", summary)


async def test_the_port_in_use_is_named(tmp_path: Path) -> None:
    reel = made_reel(tmp_path / "made.gz", "ABCUSDT", usdm=False)
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = str(server.sockets[0].getsockname()[1])
    market = ["--reel", str(reel), "--venue", "binance-spot", "--symbol", "ABCUSDT"]
    said = await (await start(tmp_path, "venue", *market, "--port", port, "--json")).ended()
    server.close()
    assert said.code == 3
    assert port in said.error
    assert said.out == ""


async def test_a_signal_ends_the_box_gently(tmp_path: Path) -> None:
    reel = made_reel(tmp_path / "made.gz", "ABCUSDT", usdm=False)
    market = ["--reel", str(reel), "--venue", "binance-spot", "--symbol", "ABCUSDT"]
    box = await start(tmp_path, "venue", *market, "--port", "0", "--json")
    assert box.process.stderr is not None
    await box.process.stderr.readline()
    said = await box.stopped()
    assert said.code == 0
    assert said.json["reel_ended"] is False
