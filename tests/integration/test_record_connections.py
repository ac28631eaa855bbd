"""`papertape record` and its connections: cut many times, replaced, moved to another server; the tape stays whole."""

import random
from pathlib import Path

import pytest

from papertape.core.records import Flag, Kind, Verdict
from papertape.tape.market_reader import MarketReader
from tests.integration.commands import print_ids, record
from tests.integration.hostile import CLOSE, TEXT, Connection, HostileVenue, hostile_venue, until, ws_frame
from tests.integration.test_record_hostile import check_whole, market_of

SHUTDOWN = b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}'
CUTS = 10


def prints_of(tape: Path) -> list[tuple[int, int, int]]:
    """Id, flags and verdict of every print on the tape, marked or not."""
    found: list[tuple[int, int, int]] = []
    for batch in MarketReader.open(tape).blocks():
        rows = batch.records[batch.records["kind"] == Kind.PRINT]
        found += list(zip(rows["id"].tolist(), rows["flags"].tolist(), rows["verdict"].tolist(), strict=True))
    return found


def gaps_of(tape: Path) -> int:
    return sum(int((batch.records["kind"] == Kind.GAP).sum()) for batch in MarketReader.open(tape).blocks())


def cut_somewhere(connection: Connection, draw: random.Random) -> None:
    """End a connection between two frames or within one, mostly without a close frame."""
    half = ws_frame(TEXT, b'{"stream":"abcusdt@trade","data":{"e":"trade","t":1')
    connection.send(draw.choice([b"", half[: draw.randint(1, len(half) - 1)], ws_frame(CLOSE, b"\x03\xe9bye")]))
    connection.cut()


@pytest.mark.parametrize("usdm", [False, True], ids=["spot", "usdm"])
async def test_no_print_is_lost_or_doubled_however_often_connections_are_cut(tmp_path: Path, usdm: bool) -> None:
    """Trades flow all the time, also while nobody is connected; what was missed comes over REST and says so."""
    draw = random.Random(5 + usdm)
    links = 2 if usdm else 1
    async with hostile_venue(usdm=usdm) as venue:
        recorder = await record(tmp_path, "binance-usdm" if usdm else "binance-spot", venue.urls)
        await venue.recorded(links)
        for _ in range(CUTS):
            came, asked = len(venue.connections), venue.asked["depth"]
            for connection in venue.live:
                cut_somewhere(connection, draw)
            await until(lambda: len(venue.connections) >= came + links and len(venue.live) == links, "connections")
            await until(lambda: venue.asked["depth"] > asked, "a new snapshot")
            await venue.steps(draw.choice([5, 200, 400]))
        await venue.steps(20)
        await venue.still()
        summary = check_whole(await recorder.stopped(), venue, tmp_path)
    assert summary["reconnects"] == CUTS * links
    prints = prints_of(tmp_path / "tape")
    ids = [one[0] for one in prints]
    assert len(ids) == len(set(ids)), "not even marked doubles"
    late = [one for one in prints if one[1] & Flag.BACKFILL]
    assert len(late) >= CUTS
    assert all(verdict & Verdict.OUT_OF_ORDER for _, _, verdict in late)


@pytest.mark.parametrize("usdm", [False, True], ids=["spot", "usdm"])
async def test_an_announced_end_leaves_no_trace_on_the_tape(tmp_path: Path, usdm: bool) -> None:
    links = 2 if usdm else 1

    async def announce(venue: HostileVenue) -> None:
        before = list(venue.live)
        for connection in before:
            connection.send(ws_frame(TEXT, SHUTDOWN))
        await until(lambda: len(venue.live) == links and not set(before) & set(venue.live), "others instead")

    async with hostile_venue(usdm=usdm) as venue:
        venue.on_open = lambda connection: setattr(connection, "lag", connection.number * 7 % 20)
        recorder = await record(tmp_path, "binance-usdm" if usdm else "binance-spot", venue.urls)
        await venue.recorded(links)
        gaps = gaps_of(tmp_path / "tape")
        for _ in range(3):
            await announce(venue)
            await venue.steps(20)
        await venue.still()
        summary = check_whole(await recorder.stopped(), venue, tmp_path)
    assert (summary["rotations"], summary["reconnects"], summary["resyncs"]) == (3 * links, 0, 0)
    assert summary["sequence_breaks"] == 0
    assert gaps_of(tmp_path / "tape") == gaps
    assert all(not flags & Flag.BACKFILL and not verdict for _, flags, verdict in prints_of(tmp_path / "tape"))
    assert {one["state"] for one in summary["links"]} == {"healthy"}


async def test_another_server_stands_in_for_one_that_fails(tmp_path: Path) -> None:
    async with hostile_venue() as venue:
        url, rest = venue.urls[1], venue.urls[3]
        dead = "ws://127.0.0.1:9"
        recorder = await record(tmp_path, "binance-spot", ["--ws-url", f"{dead},{url}", "--rest-url", rest])
        await venue.recorded()
        await venue.still()
        summary = check_whole(await recorder.stopped(), venue, tmp_path)
    assert summary["failovers"] == 1
    assert summary["connection_attempts"] >= 3
    assert [one["endpoint"] for one in summary["links"]] == [url]


async def test_a_place_that_no_server_serves_ends_it_with_advice(tmp_path: Path) -> None:
    asked: list[str] = []

    def refuse(path: str) -> int:
        asked.append(path)
        return 451

    async with hostile_venue() as venue:
        venue.refuse = refuse
        said = await (await record(tmp_path, "binance-spot", venue.urls)).ended()
    assert said.code == 4
    assert "451" in said.error
    assert "--ws-url" in said.error
    assert len(asked) == 1


async def test_more_streams_than_an_url_takes_are_moved_as_well(tmp_path: Path) -> None:
    names = [f"S{number:03}USDT" for number in range(45)]
    async with hostile_venue(*names) as venue:
        venue.keep = lambda kind, frame: kind == "trade"
        recorder = await record(tmp_path, "binance-spot", venue.urls, "--symbols", ",".join(names))
        await until(lambda: bool(venue.live) and len(venue.live[0].streams) == 135, "all subscriptions")
        await venue.steps(20)
        venue.live[0].send(ws_frame(TEXT, SHUTDOWN))
        await until(lambda: len(venue.connections) == 2 and len(venue.live) == 1, "the other connection")
        await venue.steps(20)
        await venue.still()
        said = await recorder.stopped()
    assert (said.code, said.json["rotations"], said.json["reconnects"]) == (0, 1, 0)
    for number, symbol in enumerate(said.json["symbols"]):
        last = venue.markets[symbol["symbol"]].trade_id
        assert print_ids(tmp_path / "tape", number) == list(range(symbol["first_trade_id"], last + 1))
        assert (symbol["last_trade_id"], symbol["duplicates"]) == (last, 0)


async def test_an_announced_end_may_come_before_another_connection_has_taken_over(tmp_path: Path) -> None:
    async with hostile_venue() as venue:
        recorder = await record(tmp_path, "binance-spot", venue.urls)
        await venue.recorded()
        for _ in range(3):
            old = venue.live[0]
            old.send(ws_frame(TEXT, SHUTDOWN))
            await until(lambda: len(venue.live) == 2, "a successor")
            await venue.steps(random.Random(market_of(venue).steps).randint(0, 30))
            old.cut()
            await until(lambda: old.closed.is_set() and len(venue.live) == 1, "one connection")
            await venue.steps(30)
        await venue.still()
        check_whole(await recorder.stopped(), venue, tmp_path)
    ids = [one[0] for one in prints_of(tmp_path / "tape")]
    assert len(ids) == len(set(ids))
