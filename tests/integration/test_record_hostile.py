"""`papertape record` against a venue that fails in every way a venue can: no print lost or doubled, the book right."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.commands import Said, plain_market, print_ids, record
from tests.integration.hostile import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    Answer,
    HostileMarket,
    HostileVenue,
    answer,
    combined,
    hostile_venue,
    until,
    ws_frame,
)
from tests.integration.wild_frames import MALFORMED

Misbehave = Callable[[HostileVenue], Awaitable[None]]


def market_of(venue: HostileVenue) -> HostileMarket:
    return next(iter(venue.markets.values()))


def check_whole(said: Said, venue: HostileVenue, home: Path) -> dict[str, Any]:
    """Every print from the first to the last once, and the server's book, to the level."""
    assert said.code == 0, said.err[-3000:]
    summary = said.json
    symbol = summary["symbols"][0]
    market = market_of(venue)
    first, last = symbol["first_trade_id"], symbol["last_trade_id"]
    assert last == market.trade_id
    assert (symbol["missing"], symbol["duplicates"]) == (0, 0)
    assert symbol["prints"] == last - first + 1
    assert sorted(print_ids(home / "tape")) == list(range(first, last + 1))
    check_book(symbol, venue, home)
    return summary


def check_book(symbol: dict[str, Any], venue: HostileVenue, home: Path) -> None:
    market = market_of(venue)
    assert (symbol["bid"], symbol["ask"]) == market.top
    assert symbol["update_id"] == market.update_id
    book = plain_market(home / "tape").books[0]
    scale, size_scale = 10 ** (book.instrument.price_scale - 2), 10**book.instrument.size_scale
    assert book.synced
    assert book.bids == {price * scale: size * size_scale for price, size in market.bids.items()}
    assert book.asks == {price * scale: size * size_scale for price, size in market.asks.items()}
    assert book.mismatches == 0


async def cut(venue: HostileVenue) -> None:
    for connection in venue.live:
        connection.cut()


async def close_1008(venue: HostileVenue) -> None:
    for connection in venue.live:
        connection.send(ws_frame(CLOSE, b"\x03\xf0Too many requests"))


async def close_without_code(venue: HostileVenue) -> None:
    for connection in venue.live:
        connection.send(ws_frame(CLOSE, b""))


async def close_with_bad_code(venue: HostileVenue) -> None:
    for connection in venue.live:
        connection.send(ws_frame(CLOSE, b"\x00\x07"))


async def garbage_bytes(venue: HostileVenue) -> None:
    for connection in venue.live:
        connection.send(b"\xff" * 64)


async def giant_frame(venue: HostileVenue) -> None:
    for connection in venue.live:
        connection.send(b"\x81\x7f" + (1 << 40).to_bytes(8, "big") + b"x" * 1000)


async def end_of_file(venue: HostileVenue) -> None:
    for connection in venue.live:
        connection._writer.write_eof()
        connection.half_open = True


ENDINGS = [
    cut,
    close_1008,
    close_without_code,
    close_with_bad_code,
    garbage_bytes,
    giant_frame,
    end_of_file,
]


CASES = [(end, False) for end in ENDINGS] + [(cut, True), (close_1008, True)]


@pytest.mark.parametrize(("end", "usdm"), CASES, ids=lambda value: getattr(value, "__name__", "usdm" * bool(value)))
async def test_a_connection_that_ends_comes_again_and_nothing_is_lost(
    tmp_path: Path, end: Misbehave, usdm: bool
) -> None:
    async with hostile_venue(usdm=usdm) as venue:
        recorder = await record(tmp_path, "binance-usdm" if usdm else "binance-spot", venue.urls)
        links = 2 if usdm else 1
        await venue.recorded(links)
        asked = venue.asked["depth"]
        await end(venue)
        await venue.recorded(2 * links)
        await until(lambda: venue.asked["depth"] > asked and len(venue.live) >= links, "a new snapshot")
        await until(lambda: venue.asked["trades"] > 0, "a question for the prints of the gap")
        await venue.steps(20)
        await venue.still()
        summary = check_whole(await recorder.stopped(), venue, tmp_path)
        assert summary["reconnects"] == links


async def test_frames_that_cannot_be_read_are_counted_and_end_nothing(tmp_path: Path) -> None:
    async with hostile_venue() as venue:
        recorder = await record(tmp_path, "binance-spot", venue.urls)
        await venue.recorded()
        for frame in MALFORMED.values():
            venue.live[0].send(ws_frame(TEXT, frame))
            await venue.steps(1)
        await venue.still()
        summary = check_whole(await recorder.stopped(), venue, tmp_path)
    assert (summary["malformed"], summary["reconnects"]) == (len(MALFORMED), 0)


async def test_frames_in_unusual_wrapping(tmp_path: Path) -> None:
    """Fragments with a ping between them, many empty fragments, several frames and a ping in one write, other streams."""
    async with hostile_venue() as venue:
        recorder = await record(tmp_path, "binance-spot", venue.urls)
        await venue.recorded()
        venue.playing = False
        link = venue.live[0]
        frames = [frame for _ in range(5) for _, frame in market_of(venue).step()]
        for frame in frames[:3]:
            link.send(ws_frame(TEXT, frame[:10], fin=False), ws_frame(PING, b"between"))
            await asyncio.sleep(0)
            link.send(*[ws_frame(CONTINUATION, b"", fin=False)] * 1000, ws_frame(CONTINUATION, frame[10:]))
        link.send(*(ws_frame(TEXT, frame) for frame in frames[3:12]))
        parts = [frames[12][position : position + 1] for position in range(len(frames[12]))]
        link.send(ws_frame(TEXT, b"", fin=False), *(ws_frame(CONTINUATION, part, fin=False) for part in parts))
        link.send(ws_frame(CONTINUATION, b""))
        link.send(*(ws_frame(TEXT, frame) for frame in frames[13:]))
        ignored = [
            combined("abcusdt@avgPrice", {"e": "kline"}),
            combined("otherusdt@trade", {"e": "trade", "t": 1}),
            b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}',
            b"[1,2,3]",
            b"42",
        ]
        link.send(*(ws_frame(TEXT, frame) for frame in ignored[:3]), ws_frame(BINARY, b"\0\1\2"))
        await link.settled()
        summary = check_whole(await recorder.stopped(), venue, tmp_path)
    assert (summary["ignored"], summary["malformed"], summary["reconnects"]) == (3, 0, 0)


async def test_a_frame_before_a_ping_in_one_write_is_on_the_tape_at_once(tmp_path: Path) -> None:
    async with hostile_venue() as venue:
        recorder = await record(tmp_path, "binance-spot", venue.urls)
        await venue.recorded()
        await venue.still()
        frames = [frame for _, frame in market_of(venue).step()]
        venue.live[0].send(*(ws_frame(TEXT, frame) for frame in frames), ws_frame(PING, b"x"))
        wanted = market_of(venue).trade_id
        await until(lambda: print_ids(tmp_path / "tape")[-1] == wanted, "the print on the tape")
        check_whole(await recorder.stopped(), venue, tmp_path)


async def test_lost_depth_events_cost_a_resync_and_lost_prints_a_question(tmp_path: Path) -> None:
    lose = {"depth": False, "trade": False}

    def keep(kind: str, frame: bytes) -> bool:
        lost, lose[kind] = lose.get(kind, False), False
        return not lost

    async with hostile_venue() as venue:
        venue.keep = keep
        recorder = await record(tmp_path, "binance-spot", venue.urls)
        await venue.recorded()
        for round_ in range(1, 4):
            asked = venue.asked.copy()
            lose |= {"depth": True, "trade": True}
            await until(lambda: all(venue.asked[route] > asked[route] for route in ("depth", "trades")), f"{round_}")
            await venue.steps(20)
        await venue.still()
        summary = check_whole(await recorder.stopped(), venue, tmp_path)
    assert summary["resyncs"] == 3
    assert summary["reconnects"] == 0


async def test_repeated_frames_count_once(tmp_path: Path) -> None:
    async with hostile_venue() as venue:
        recorder = await record(tmp_path, "binance-spot", venue.urls)
        await venue.recorded()
        await venue.still()
        frames = [frame for _ in range(10) for _, frame in market_of(venue).step()]
        venue.live[0].send(*(ws_frame(TEXT, frame) for frame in [*frames, *frames]))
        await venue.live[0].settled()
        said = await recorder.stopped()
    symbol = said.json["symbols"][0]
    assert symbol["duplicates"] == 10
    assert symbol["missing"] == 0
    assert symbol["prints"] == symbol["last_trade_id"] - symbol["first_trade_id"] + 1
    assert symbol["update_id"] == market_of(venue).update_id


def times(count: int, bad: Callable[[dict[str, str]], Any], good: Callable[[dict[str, str]], Any]) -> Any:
    """`bad` for the first `count` questions, then `good`."""
    left = [count]

    def either(query: dict[str, str]) -> Any:
        left[0] -= 1
        return bad(query) if left[0] >= 0 else good(query)

    return either


async def never(query: dict[str, str]) -> Answer:
    await asyncio.Event().wait()
    return answer({})


BAD_ANSWERS: dict[str, Callable[[dict[str, str]], Any]] = {
    "429": lambda query: answer({"code": -1003, "msg": "Too much weight"}, 429, Retry_After="1"),
    "503": lambda query: answer({}, 503),
    "a page instead of JSON": lambda query: (200, {}, b"<html>maintenance</html>"),
    "an empty answer": lambda query: (200, {}, b""),
    "another object": lambda query: answer({"code": 0}),
    "a wrong length": lambda query: (200, {"Content-Length": "99999"}, b"{"),
    "no HTTP": lambda query: (200, {"X-Bad": "\r\n\r\nrest"}, b"\xff"),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
async def test_bad_answers_are_asked_again(tmp_path: Path, name: str) -> None:
    """Every REST route answers badly once, then well: listing, snapshot, healing."""
    async with hostile_venue() as venue:
        bad = BAD_ANSWERS[name]
        venue.rest["exchangeInfo"] = times(1, bad, venue._rest_exchangeinfo)
        venue.rest["depth"] = times(1, bad, venue._rest_depth)
        venue.rest["trades"] = times(1, bad, venue._rest_trades)
        venue.rest["historicalTrades"] = times(1, bad, venue._rest_historicaltrades)
        recorder = await record(tmp_path, "binance-spot", venue.urls)
        await until(lambda: venue.asked["depth"] >= 2, "a second question for a snapshot")
        await venue.steps(20)
        lost = [True]
        venue.keep = lambda kind, frame: kind != "trade" or not lost or not lost.pop()
        await until(lambda: venue.asked["trades"] >= 1, "a question for prints")
        await until(lambda: venue.asked["trades"] >= 2 or venue.asked["historicalTrades"] >= 2, "another question")
        await venue.steps(20)
        await venue.still()
        check_whole(await recorder.stopped(), venue, tmp_path)


async def test_without_exchange_info_and_trades_it_records_and_counts_what_is_missing(tmp_path: Path) -> None:
    async with hostile_venue() as venue:
        for route in ("exchangeInfo", "trades", "historicalTrades"):
            venue.rest[route] = venue._rest_missing
        recorder = await record(tmp_path, "binance-spot", venue.urls)
        await venue.recorded()
        lost = [True] * 3
        venue.keep = lambda kind, frame: kind != "trade" or not lost or not lost.pop()
        await until(lambda: venue.asked["trades"] >= 1, "a question for prints")
        await venue.steps(20)
        await venue.still()
        said = await recorder.stopped()
        symbol = said.json["symbols"][0]
        check_book(symbol, venue, tmp_path)
    assert said.code == 0
    assert symbol["missing"] == 3
    assert symbol["prints"] == symbol["last_trade_id"] - symbol["first_trade_id"] + 1 - 3


async def test_a_snapshot_older_than_the_events_is_asked_for_again(tmp_path: Path) -> None:
    async with hostile_venue() as venue:
        old = answer(market_of(venue).snapshot())
        venue.rest["depth"] = times(2, lambda query: old, venue._rest_depth)
        recorder = await record(tmp_path, "binance-spot", venue.urls)
        await until(lambda: venue.asked["depth"] >= 3, "a third question")
        await venue.steps(20)
        await venue.still()
        check_whole(await recorder.stopped(), venue, tmp_path)


async def test_prints_are_kept_though_no_snapshot_ever_comes(tmp_path: Path) -> None:
    async with hostile_venue() as venue:
        venue.rest["depth"] = never
        recorder = await record(tmp_path, "binance-spot", venue.urls)
        await venue.recorded()
        await venue.still()
        said = await recorder.stopped()
    symbol = said.json["symbols"][0]
    assert said.code == 0
    assert (symbol["bid"], symbol["ask"], symbol["update_id"]) == (None, None, None)
    assert symbol["last_trade_id"] == market_of(venue).trade_id
    assert symbol["prints"] == symbol["last_trade_id"] - symbol["first_trade_id"] + 1
    assert not plain_market(tmp_path / "tape").synced


async def test_usdm_server_without_routes_is_asked_without_them(tmp_path: Path) -> None:
    async with hostile_venue(usdm=True) as venue:
        venue.refuse = lambda path: None if path == "/stream" else 404
        recorder = await record(tmp_path, "binance-usdm", venue.urls)
        await venue.recorded(2)
        await venue.still()
        check_whole(await recorder.stopped(), venue, tmp_path)
        assert {connection.path for connection in venue.connections} == {"/stream"}


async def test_usdm_routes_carry_what_belongs_to_them(tmp_path: Path) -> None:
    async with hostile_venue(usdm=True) as venue:
        recorder = await record(tmp_path, "binance-usdm", venue.urls)
        await venue.recorded(2)
        await venue.still()
        check_whole(await recorder.stopped(), venue, tmp_path)
        streams = {connection.path: connection.streams for connection in venue.connections}
    assert streams["/public/stream"] == {"abcusdt@bookTicker", "abcusdt@depth@100ms"}
    assert "abcusdt@trade" in streams["/market/stream"]


async def test_a_half_open_connection_is_left_after_the_configured_silence(tmp_path: Path) -> None:
    (tmp_path / "papertape.toml").write_text("[real_time.crypto]\nwebsocket_timeout = 1\n")
    async with hostile_venue() as venue:
        recorder = await record(tmp_path, "binance-spot", venue.urls)
        await venue.recorded()
        venue.live[0].half_open = True
        await venue.recorded(2)
        await until(lambda: len(venue.live) == 1, "the end of the half-open connection", deadline_s=10)
        await until(lambda: venue.asked["trades"] > 0, "healing")
        await venue.steps(20)
        await venue.still()
        summary = check_whole(await recorder.stopped(), venue, tmp_path)
    assert summary["reconnects"] == 1


async def test_a_quiet_venue_that_answers_pings_is_not_left_however_old_its_data(tmp_path: Path) -> None:
    """Silence is judged by what arrives; the market's time is years old from the first frame on."""
    (tmp_path / "papertape.toml").write_text("[real_time.crypto]\nwebsocket_timeout = 1\n")
    async with hostile_venue() as venue:
        recorder = await record(tmp_path, "binance-spot", venue.urls, "--seconds", "4")
        await venue.recorded()
        venue.playing = False
        said = await recorder.ended()
        summary = check_whole(said, venue, tmp_path)
    assert summary["reconnects"] == 0


async def test_refused_and_slow_handshakes_are_tried_again(tmp_path: Path) -> None:
    refusals = [503, 429, 403, None]
    slow = [0.3]

    async def wait() -> None:
        if slow:
            await asyncio.sleep(slow.pop())

    async with hostile_venue() as venue:
        venue.refuse = lambda path: refusals.pop(0) if refusals else None
        venue.before_handshake = wait
        recorder = await record(tmp_path, "binance-spot", venue.urls)
        await venue.recorded()
        await venue.still()
        summary = check_whole(await recorder.stopped(), venue, tmp_path)
    assert summary["reconnects"] == 0


async def test_two_symbols_resynchronise_apart(tmp_path: Path) -> None:
    async with hostile_venue("ABCUSDT", "XYZUSDT") as venue:
        lost = [True]
        recorder = await record(tmp_path, "binance-spot", venue.urls, "--symbols", "abcusdt, XYZUSDT")
        await venue.recorded()
        asked = venue.asked["depth"]
        venue.keep = lambda kind, frame: not (kind == "depth" and b"XYZUSDT" in frame and lost and lost.pop())
        await until(lambda: venue.asked["depth"] > asked, "a new snapshot")
        await venue.steps(20)
        await venue.still()
        said = await recorder.stopped()
    summary = said.json
    assert [one["symbol"] for one in summary["symbols"]] == ["ABCUSDT", "XYZUSDT"]
    assert (summary["resyncs"], summary["sequence_breaks"]) == (1, 1)
    for number, one in enumerate(summary["symbols"]):
        market = venue.markets[one["symbol"]]
        assert (one["bid"], one["ask"], one["update_id"]) == (*market.top, market.update_id)
        assert print_ids(tmp_path / "tape", number) == list(range(one["first_trade_id"], market.trade_id + 1))


async def test_many_symbols_subscribe_beyond_the_url(tmp_path: Path) -> None:
    names = [f"S{number:03}USDT" for number in range(60)]
    async with hostile_venue(*names) as venue:
        venue.playing = False
        recorder = await record(tmp_path, "binance-spot", venue.urls, "--symbols", ",".join(names))
        await until(lambda: bool(venue.live) and len(venue.live[0].streams) == 180, "all subscriptions")
        for market in venue.markets.values():
            venue.send_step(market)
            venue.send_step(market)
        await until(lambda: venue.asked["depth"] >= 60, "snapshots")
        await venue.still()
        said = await recorder.stopped()
    assert said.code == 0
    assert [one["prints"] for one in said.json["symbols"]] == [2] * 60


async def test_the_time_ends_it_whatever_the_venue_does(tmp_path: Path) -> None:
    """Connections that end at once, again and again."""
    async with hostile_venue() as venue:
        venue.on_open = lambda connection: connection.cut()
        recorder = await record(tmp_path, "binance-spot", venue.urls, "--seconds", "2")
        said = await recorder.ended()
    assert said.code == 0
    assert said.json["connected"] is True
    assert said.json["reconnects"] >= 1


@pytest.mark.parametrize("what", ["nobody listens", "every handshake is refused", "every answer is 500"])
async def test_never_connected_is_the_venues_fault_and_the_summary_is_printed(tmp_path: Path, what: str) -> None:
    async with hostile_venue() as venue:
        urls = venue.urls
        venue.refuse = lambda path: 403
        if what == "every answer is 500":
            venue.rest["exchangeInfo"] = lambda query: answer({}, 500)
        if what == "nobody listens":
            urls = ["--ws-url", "ws://127.0.0.1:9", "--rest-url", "http://127.0.0.1:9"]
        recorder = await record(tmp_path, "binance-spot", urls, "--seconds", "1")
        said = await recorder.ended()
    assert said.code == 4
    assert said.json["connected"] is False
    assert said.json["symbols"][0]["prints"] == 0
    assert urls[1] in said.error


@pytest.mark.parametrize("with_info", [True, False], ids=["exchangeInfo", "depth"])
@pytest.mark.parametrize("usdm", [False, True], ids=["spot", "usdm"])
async def test_an_unknown_symbol_is_named(tmp_path: Path, with_info: bool, usdm: bool) -> None:
    async with hostile_venue(usdm=usdm) as venue:
        if not with_info:
            venue.rest["exchangeInfo"] = venue._rest_missing
        name = "binance-usdm" if usdm else "binance-spot"
        recorder = await record(tmp_path, name, venue.urls, "--symbols", "ABCUSDT,NOSUCH", "--seconds", "20")
        said = await recorder.ended()
    assert said.code == 3
    assert "NOSUCH" in said.error
    assert said.out == ""
