"""`papertape record` as a process: signals, kill -9, full disks, missing rights, two recorders, continued tapes."""

import asyncio
import random
import signal
import sys
from pathlib import Path
from string import ascii_letters

import pytest

from papertape.tape.market_reader import MarketReader
from tests.integration.commands import Running, here, plain_market, print_ids, record, start
from tests.integration.hostile import TEXT, combined, hostile_venue, until, ws_frame

LIMITED = (
    "import resource, runpy, sys; limit = int(sys.argv.pop(1)); "
    "resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)); "
    "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    "sys.argv[:4] = ['papertape']; runpy.run_module('papertape', run_name='__main__', alter_sys=True)"
)
"""Runs papertape with a limit on the size of every file, which the system answers as it does a full disk."""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
async def test_a_signal_ends_it_with_summary_and_sealed_tape(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], number: signal.Signals, code: int
) -> None:
    async with hostile_venue() as venue:
        recorder = await record(tmp_path, "binance-spot", venue.urls)
        await venue.recorded()
        await venue.still()
        said = await recorder.stopped(number)
    assert said.code == code
    assert said.json["symbols"][0]["last_trade_id"] == venue.markets["ABCUSDT"].trade_id
    verified = here(capsys, "verify", str(tmp_path / "tape")).json
    assert (verified["ok"], verified["sealed"]) == (True, True)


async def test_a_signal_before_anything_answers_ends_it_too(tmp_path: Path) -> None:
    recorder = await record(
        tmp_path, "binance-spot", ["--ws-url", "ws://127.0.0.1:9", "--rest-url", "http://127.0.0.1:9"]
    )
    await until(lambda: (tmp_path / "tape" / "market" / "lock").exists(), "the lock")
    log = tmp_path / "logs" / "record.log"
    await until(lambda: log.exists() and "no listing" in log.read_text(), "a try")
    said = await recorder.stopped(signal.SIGINT)
    assert said.code == 130
    assert said.json["connected"] is False


async def test_kill_9_at_random_moments_loses_nothing_that_stood_on_the_tape(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moments = random.Random(11)
    tape = tmp_path / "tape"
    before = b""
    async with hostile_venue() as venue:
        for _ in range(6):
            connections = len(venue.connections)
            recorder = await record(tmp_path, "binance-spot", venue.urls)
            await until(lambda: len(venue.connections) > connections, "a connection", 40)
            await venue.steps(moments.randrange(1, 60))
            seen = b"".join(batch.records.tobytes() for batch in MarketReader.open(tape).blocks())
            said = await recorder.stopped(signal.SIGKILL)
            assert said.code == -signal.SIGKILL
            assert seen.startswith(before)
            before = b"".join(batch.records.tobytes() for batch in MarketReader.open(tape).blocks())
            assert before.startswith(seen)
        verified = here(capsys, "verify", str(tape)).json
        assert verified["ok"], verified["findings"]
        connections = len(venue.connections)
        recorder = await record(tmp_path, "binance-spot", venue.urls)
        await venue.recorded(connections + 1)
        await venue.still()
        said = await recorder.stopped()
    assert said.code == 0
    assert b"".join(batch.records.tobytes() for batch in MarketReader.open(tape).blocks()).startswith(before)
    verified = here(capsys, "verify", str(tape)).json
    assert (verified["ok"], verified["sealed"]) == (True, True), verified["findings"]
    replayed = here(capsys, "replay", str(tape)).json
    assert (replayed["synced"], replayed["book_mismatches"], replayed["crossed"]) == (True, 0, 0)
    assert replayed["state_hash"] == plain_market(tape).state_hash()


async def test_a_continued_tape_keeps_its_numbers_and_starts_its_books_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tape = tmp_path / "tape"
    reels = tmp_path / "reels"
    async with hostile_venue("ABCUSDT", "XYZUSDT", "NEWUSDT") as venue:
        ids: dict[str, list[int]] = {}
        for names in ("ABCUSDT,XYZUSDT", "NEWUSDT,XYZUSDT"):
            venue.playing = True
            connections = len(venue.connections)
            recorder = await record(tmp_path, "binance-spot", venue.urls, "--symbols", names, "--reel-out", str(reels))
            await until(lambda: len(venue.connections) > connections, "a connection")
            await venue.steps(60)
            await venue.still()
            said = await recorder.stopped()
            assert said.code == 0
            for one in said.json["symbols"]:
                ids.setdefault(one["symbol"], []).extend(range(one["first_trade_id"], one["last_trade_id"] + 1))
                assert one["update_id"] == venue.markets[one["symbol"]].update_id
    books = plain_market(tape).books
    assert [book.instrument.symbol for book in books.values()] == ["ABCUSDT", "XYZUSDT", "NEWUSDT"]
    assert [book.instrument.epoch for book in books.values()] == [0, 0, 0]
    for number, book in books.items():
        assert print_ids(tape, number) == ids[book.instrument.symbol]
    assert here(capsys, "verify", str(tape)).json["ok"]
    replayed = here(capsys, "replay", str(tape)).json
    assert (replayed["book_mismatches"], replayed["sequence_breaks"], replayed["crossed"]) == (0, 0, 0)
    files = sorted(map(str, reels.glob("xyzusdt_*")))
    reel = here(capsys, "replay", "--venue", "binance-spot", "--symbol", "XYZUSDT", "--reel", *files)
    assert reel.code == 0, reel.err
    assert (reel.json["prints"], reel.json["book_mismatches"], reel.json["crossed"]) == (len(ids["XYZUSDT"]), 0, 0)


async def test_a_reel_of_a_killed_recorder_does_not_spoil_the_next_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reels = tmp_path / "reels"
    async with hostile_venue() as venue:
        recorder = await record(tmp_path, "binance-spot", venue.urls, "--reel-out", str(reels))
        await venue.recorded()
        await recorder.stopped(signal.SIGKILL)
        first = set(reels.iterdir())
        recorder = await record(
            tmp_path, "binance-spot", venue.urls, "--reel-out", str(reels), "--tape", str(tmp_path / "second")
        )
        await venue.recorded(2)
        await venue.still()
        said = await recorder.stopped()
    files = sorted(map(str, set(reels.iterdir()) - first))
    reel = here(capsys, "replay", "--venue", "binance-spot", "--symbol", "ABCUSDT", "--reel", *files).json
    tape = here(capsys, "replay", str(tmp_path / "second")).json
    assert reel["state_hash"] == tape["state_hash"]
    assert reel["prints"] == said.json["symbols"][0]["prints"]


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a matter of POSIX systems")
@pytest.mark.parametrize("reel", [False, True], ids=["tape", "reel"])
async def test_no_room_left_ends_it_and_the_tape_verifies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], reel: bool
) -> None:
    """The limit falls on the tape, or, when raw frames are kept and the tape stands elsewhere, on the reel."""
    options = ["--reel-out", str(tmp_path / "reels")] if reel else []
    async with hostile_venue() as venue:
        recorder = await limited(tmp_path, venue.urls, options)
        await venue.recorded()
        noise = combined("abcusdt@avgPrice", {"x": "".join(random.Random(3).choices(ascii_letters, k=60_000))})
        while recorder.process.returncode is None:
            if reel and venue.live:
                venue.live[0].send(ws_frame(TEXT, noise))
            for _ in range(0 if reel else 200):
                venue.send_step(venue.markets["ABCUSDT"])
            await asyncio.sleep(0.01)
        said = await recorder.ended()
    assert said.code == 5, said.err[-2000:]
    assert str(tmp_path / ("reels" if reel else "tape")) in said.error
    assert "room" in said.error
    assert said.out == ""
    assert here(capsys, "verify", str(tmp_path / "tape")).json["ok"]
    assert here(capsys, "replay", str(tmp_path / "tape")).code == 0


async def limited(home: Path, urls: list[str], options: list[str]) -> Running:
    prefix = [sys.executable, "-c", LIMITED, "1100000"]
    market = ["--venue", "binance-spot", "--symbols", "ABCUSDT", "--tape", str(home / "tape")]
    return await start(home, "record", *market, *urls, *options, "--json", prefix=prefix)


async def test_no_room_from_the_start(tmp_path: Path) -> None:
    async with hostile_venue() as venue:
        prefix = [sys.executable, "-c", LIMITED, "20000"]
        arguments = ["--venue", "binance-spot", "--symbols", "ABCUSDT", "--tape", str(tmp_path / "tape"), *venue.urls]
        said = await (await start(tmp_path, "record", *arguments, "--json", prefix=prefix)).ended()
    assert said.code == 5
    assert str(tmp_path / "tape") in said.error


async def test_a_second_recorder_is_told_that_the_tape_has_one(tmp_path: Path) -> None:
    async with hostile_venue() as venue:
        first = await record(tmp_path, "binance-spot", venue.urls)
        await venue.recorded()
        second = await (await record(tmp_path, "binance-spot", venue.urls)).ended()
        said = await first.stopped()
    assert said.code == 0
    assert second.code == 5
    assert str(tmp_path / "tape") in second.error
    assert second.out == ""


@pytest.mark.parametrize("what", ["tape", "reels"])
async def test_a_file_where_a_folder_must_be_is_named(tmp_path: Path, what: str) -> None:
    (tmp_path / what).write_text("not a folder")
    async with hostile_venue() as venue:
        options = ["--reel-out", str(tmp_path / "reels"), "--seconds", "20"]
        said = await (await record(tmp_path, "binance-spot", venue.urls, *options)).ended()
    assert said.code == 5
    assert str(tmp_path / what) in said.error
    assert said.out == ""
    assert (tmp_path / what).read_text() == "not a folder"


async def test_without_a_writable_data_directory_it_records_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    async with hostile_venue() as venue:
        recorder = await record(tmp_path, "binance-spot", venue.urls, PAPERTAPE_HOME=str(tmp_path / "home"))
        await venue.recorded()
        said = await recorder.stopped()
    assert said.code == 0
    assert f"no log file: {tmp_path / 'home'}" in said.err
