"""The exchange in a box over real sockets: frames, names, paths, opening, several clients."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from papertape.core.errors import InputError
from papertape.tape.reels import read_reel
from papertape.venue.rules import SPOT, USDM, VenueName, VenueRules
from papertape.venue.server import RunningVenue, running_market, running_venue

RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "hftbacktest"
QUICK = {"binance-spot": SPOT, "binance-usdm": USDM}
DEADLINE_S = 60


def quick(venue: VenueName, **changes: Any) -> VenueRules:
    """The venue's rules with a market that opens at once."""
    return msgspec.structs.replace(QUICK[venue], **({"opening_quiet_s": 0.05} | changes))


def recording(name: str) -> Path:
    path = RECORDINGS / name
    if not path.exists():
        pytest.skip(f"recording {name} is not beside the checkout")
    return path


def write_reel(path: Path, *payloads: str, start_us: int = 1_700_000_000_000_000, step_us: int = 1000) -> Path:
    """A reel with one line each `step_us`."""
    lines = (f"{start_us + i * step_us} {payload}\n" for i, payload in enumerate(payloads))
    path.write_text("".join(lines))
    return path


def wrapped(stream: str, data: dict[str, Any]) -> str:
    return json.dumps({"stream": stream, "data": data}, separators=(",", ":"))


def trade(number: int, symbol: str = "ABCUSDT") -> str:
    data = {"e": "trade", "E": 1_700_000_000_500 + number, "s": symbol, "t": number, "p": "1.50", "q": "2.0"}
    return wrapped(f"{symbol.lower()}@trade", data | {"T": 1_700_000_000_500 + number, "m": False, "M": True})


class Collector(WSListener):
    """A picows client that keeps every text frame."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[bytes] = []

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            self.frames.append(frame.get_payload_as_bytes())


async def all_frames(url: str, done: asyncio.Event, expected: int) -> list[bytes]:
    """Every frame a picows client gets from `url`, waiting for `expected` of them."""
    collector = Collector()
    transport, _ = await ws_connect(lambda: collector, url)
    async with asyncio.timeout(DEADLINE_S):
        await done.wait()
        while len(collector.frames) < expected:
            await asyncio.sleep(0.01)
    transport.disconnect()
    await transport.wait_disconnected()
    return collector.frames


REELS = [
    ("binance-spot", "spot/ethusdt_20240808.gz", "ethusdt@depth@100ms"),
    ("binance-usdm", "usdm/ethusdt_20240808.gz", "ethusdt@depth@0ms"),
]


@pytest.mark.parametrize(("venue", "name", "depth"), REELS)
async def test_a_recording_comes_out_as_it_was_recorded(venue: VenueName, name: str, depth: str) -> None:
    path = recording(name)
    expected = [frame.payload for frame in read_reel([path]) if frame.payload.startswith(b'{"stream":')]
    async with running_venue([path], venue, "ETHUSDT", rules=quick(venue)) as box:
        url = f"{box.ws_url}/stream?streams=ethusdt@trade/ethusdt@bookTicker/{depth}"
        assert await all_frames(url, box.done, len(expected)) == expected


async def rest(url: str, **params: str) -> Any:
    async with aiohttp.ClientSession() as session, session.get(url, params=params) as response:
        return await response.json()


@pytest.mark.parametrize(("venue", "name", "depth"), REELS)
async def test_snapshot_and_stream_make_the_book_of_the_book_ticker(venue: VenueName, name: str, depth: str) -> None:
    path = recording(name)
    async with running_venue([path], venue, "ETHUSDT", rules=quick(venue)) as box:
        route = "/api/v3/depth" if venue == "binance-spot" else "/fapi/v1/depth"
        snapshot = await rest(box.rest_url + route, symbol="ETHUSDT", limit="1000")
        url = f"{box.ws_url}/stream?streams=ethusdt@bookTicker/ethusdt@depth"
        expected = sum(b"@depth" in frame.payload or b"@bookTicker" in frame.payload for frame in read_reel([path]))
        messages = [json.loads(frame) for frame in await all_frames(url, box.done, expected)]
        final = await rest(box.rest_url + route, symbol="ETHUSDT", limit="5")
    tickers = {m["data"]["u"]: m["data"] for m in messages if m["stream"] == "ethusdt@bookTicker"}
    bids, asks = (dict(decimal_levels(snapshot[side])) for side in ("bids", "asks"))
    at = snapshot["lastUpdateId"]
    checked = 0
    for event in (m["data"] for m in messages if m["stream"] == "ethusdt@depth" and m["data"]["u"] > at):
        at = event["u"]
        for side, levels in ((bids, event["b"]), (asks, event["a"])):
            side.update(decimal_levels(levels))
            for price, _ in decimal_levels(levels):
                if not side[price]:
                    del side[price]
        if ticker := tickers.get(at):
            bid, ask = max(bids), min(asks)
            assert [bid, bids[bid], ask, asks[ask]] == [Decimal(ticker[key]) for key in "bBaA"]
            checked += 1
    assert checked > 200
    assert final["lastUpdateId"] == at
    assert decimal_levels(final["bids"]) == [(price, bids[price]) for price in sorted(bids, reverse=True)[:5]]
    assert decimal_levels(final["asks"]) == [(price, asks[price]) for price in sorted(asks)[:5]]


def decimal_levels(levels: list[list[str]]) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(price), Decimal(size)) for price, size in levels]


async def test_raw_connection_gets_the_bare_payload(tmp_path: Path) -> None:
    reel = write_reel(tmp_path / "a.reel", trade(1), trade(2))
    async with running_venue([reel], "binance-spot", "ABCUSDT", rules=quick("binance-spot")) as box:
        frames = await all_frames(f"{box.ws_url}/ws/abcusdt@trade", box.done, 2)
    assert frames == [json.dumps(json.loads(trade(n))["data"], separators=(",", ":")).encode() for n in (1, 2)]


def depth(first: int, final: int, bid: tuple[str, str], stream: str = "abcusdt@depth@100ms", **more: int) -> str:
    data = {"e": "depthUpdate", "E": 1_700_000_001_000, "s": "ABCUSDT", "U": first, "u": final, "b": [bid], "a": []}
    return wrapped(stream, data | more)


SNAPSHOT = '{"lastUpdateId":10,"bids":[["9.00","1.0"],["8.00","1.0"]],"asks":[["11.00","1.0"]]}'


async def streams_of(box: RunningVenue, path: str, expected: int) -> list[tuple[str, Any]]:
    frames = [json.loads(frame) for frame in await all_frames(box.ws_url + path, box.done, expected)]
    return [(frame["stream"], frame["data"]) for frame in frames]


async def test_any_name_of_the_depth_changes_gets_those_of_the_reel(tmp_path: Path) -> None:
    reel = write_reel(tmp_path / "a.reel", SNAPSHOT, depth(11, 12, ("9.50", "1.0")))
    names = ["abcusdt@depth", "abcusdt@depth@100ms", "abcusdt@depth@0ms"]
    silent = ["ABCUSDT@depth", "xyzusdt@depth", "abcusdt@depth@7ms"]
    async with running_venue([reel], "binance-spot", "ABCUSDT", rules=quick("binance-spot")) as box:
        got = await streams_of(box, f"/stream?streams={'/'.join(silent + names)}", 3)
    assert sorted(name for name, _ in got) == sorted(names)
    assert all(data == json.loads(depth(11, 12, ("9.50", "1.0")))["data"] for _, data in got)


async def test_partial_depth_of_spot_comes_from_the_box_s_own_book(tmp_path: Path) -> None:
    events = [depth(11, 12, ("9.50", "1.0")), depth(13, 13, ("8.00", "0.0")), trade(1)]
    reel = write_reel(tmp_path / "a.reel", depth(9, 10, ("9.00", "1.0")), SNAPSHOT, *events)
    async with running_venue([reel], "binance-spot", "ABCUSDT", rules=quick("binance-spot")) as box:
        got = await streams_of(box, "/stream?streams=abcusdt@depth5@100ms", 3)
    asks = [["11.00", "1.0"]]
    assert [data["lastUpdateId"] for _, data in got] == [10, 12, 13]
    assert got[1] == (
        "abcusdt@depth5@100ms",
        {"lastUpdateId": 12, "bids": [["9.50", "1.0"], ["9.00", "1.0"], ["8.00", "1.0"]], "asks": asks},
    )
    assert got[2][1]["bids"] == [["9.50", "1.0"], ["9.00", "1.0"]]


async def test_partial_depth_of_usdm_has_the_shape_of_a_change(tmp_path: Path) -> None:
    event = depth(400, 500, ("9.50", "1.0"), stream="abcusdt@depth@0ms", pu=10, T=1_700_000_000_900)
    reel = write_reel(tmp_path / "a.reel", SNAPSHOT, event)
    async with running_venue([reel], "binance-usdm", "ABCUSDT", rules=quick("binance-usdm")) as box:
        got = await streams_of(box, "/public/stream?streams=abcusdt@depth10", 1)
    expected = json.loads(event)["data"]
    expected |= {"b": [["9.50", "1.0"], ["9.00", "1.0"], ["8.00", "1.0"]], "a": [["11.00", "1.0"]]}
    assert got == [("abcusdt@depth10", expected)]


async def test_usdm_paths_carry_their_category_and_starve_the_rest(tmp_path: Path) -> None:
    aggregate = wrapped("abcusdt@aggTrade", {"e": "aggTrade", "E": 1_700_000_000_700, "s": "ABCUSDT", "a": 1})
    ticker = {"u": 7, "s": "ABCUSDT", "b": "9.0", "B": "1.0", "a": "11.0", "A": "1.0"}
    reel = write_reel(tmp_path / "a.reel", trade(1), aggregate, wrapped("abcusdt@bookTicker", ticker), trade(2))
    rules = quick("binance-usdm", opening_quiet_s=1.0)
    query = "/stream?streams=abcusdt@trade/abcusdt@aggTrade/abcusdt@bookTicker"
    async with running_venue([reel], "binance-usdm", "ABCUSDT", rules=rules) as box, asyncio.TaskGroup() as group:
        counts = {"": 3, "/public": 1, "/market": 3, "/private": 0}
        tasks = {prefix: group.create_task(streams_of(box, prefix + query, count)) for prefix, count in counts.items()}
    got = {prefix: [name.partition("@")[2] for name, _ in task.result()] for prefix, task in tasks.items()}
    assert got == {
        "": ["trade", "bookTicker", "trade"],
        "/public": ["bookTicker"],
        "/market": ["trade", "aggTrade", "trade"],
        "/private": [],
    }


@pytest.mark.parametrize("path", ["/public/ws", "/market/stream", "/private/ws", "/other", "/ws/../x"])
async def test_spot_has_no_such_paths(tmp_path: Path, path: str) -> None:
    reel = write_reel(tmp_path / "a.reel", trade(1))
    async with running_venue([reel], "binance-spot", "ABCUSDT") as box, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(box.ws_url + path)
    assert refused.value.status == 404


async def test_the_market_opens_with_the_first_subscription_and_goes_on_for_later_clients(tmp_path: Path) -> None:
    reel = write_reel(tmp_path / "a.reel", *(trade(n) for n in range(100)), step_us=20_000)
    async with running_venue([reel], "binance-spot", "ABCUSDT", speed=1, rules=quick("binance-spot")) as box:
        first, second = Collector(), Collector()
        early, _ = await ws_connect(lambda: first, f"{box.ws_url}/ws")
        assert await rest(f"{box.rest_url}/api/v3/trades", symbol="ABCUSDT") == []
        early.send(WSMsgType.TEXT, b'{"method":"SUBSCRIBE","params":["abcusdt@trade"],"id":1}')
        async with asyncio.timeout(DEADLINE_S):
            while len(first.frames) < 10:
                await asyncio.sleep(0.01)
            late, _ = await ws_connect(lambda: second, f"{box.ws_url}/ws/abcusdt@trade")
            await box.done.wait()
            while len(first.frames) < 101 or second.frames[-1:] != first.frames[-1:]:
                await asyncio.sleep(0.01)
        for transport in (early, late):
            transport.disconnect()
    ids = [json.loads(frame)["t"] for frame in first.frames[1:]]
    assert first.frames[0] == b'{"result":null,"id":1}'
    assert ids == list(range(100))
    assert [json.loads(frame)["t"] for frame in second.frames] == ids[-len(second.frames) :]
    assert 0 < len(second.frames) < 100


async def test_several_files_are_one_stream_with_all_their_symbols(tmp_path: Path) -> None:
    reels = [
        write_reel(tmp_path / "a.reel", trade(1), trade(1, "XYZBTC")),
        write_reel(tmp_path / "b.reel", trade(2), start_us=1_700_000_001_000_000),
    ]
    async with running_venue(reels, "binance-spot", "abcusdt", rules=quick("binance-spot")) as box:
        got = await streams_of(box, "/stream?streams=abcusdt@trade/xyzbtc@trade", 3)
    assert [(data["s"], data["t"]) for _, data in got] == [("ABCUSDT", 1), ("XYZBTC", 1), ("ABCUSDT", 2)]


async def test_a_reel_that_turns_bad_while_it_plays_ends_the_box(tmp_path: Path) -> None:
    reel = write_reel(tmp_path / "a.reel", trade(1), trade(2))

    async def spoil() -> None:
        async with (
            asyncio.timeout(DEADLINE_S),
            running_venue([reel], "binance-spot", "ABCUSDT", rules=quick("binance-spot")) as box,
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{box.ws_url}/ws/abcusdt@trade"),
        ):
            write_reel(reel, trade(1), trade(2)[:-5])
            await asyncio.Event().wait()

    with pytest.raises(InputError, match="line 2"):
        await spoil()


async def test_what_the_box_derives_comes_as_streams_and_over_rest() -> None:
    rules = msgspec.structs.replace(SPOT, opening_quiet_s=0.05)
    streams = ("btcusdt@kline_1s", "btcusdt@aggTrade", "btcusdt@ticker", "btcusdt@miniTicker", "btcusdt@avgPrice")
    async with (
        asyncio.timeout(DEADLINE_S),
        running_market(7, ("BTCUSDT",), rules=rules, speed=0, seconds=10) as box,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{box.ws_url}/stream?streams={'/'.join(streams)}") as client,
    ):
        frames = []
        closed: list[Any] = []
        while len(closed) < 6 or len({frame["stream"] for frame in frames}) < len(streams):
            frames.append(await client.receive_json())
            closed = [one["data"]["k"] for one in frames if one["stream"].endswith("1s") and one["data"]["k"]["x"]]
        await box.done.wait()

        async def ask(route: str, **params: str) -> Any:
            url = f"{box.rest_url}/api/v3/{route}"
            async with session.get(url, params={"symbol": "BTCUSDT"} | params) as response:
                return await response.json()

        rows = await ask("klines", interval="1s", limit="1000")
        page = await ask("klines", interval="1s", startTime=str(rows[1][0]), limit="2")
        day, price, average = await ask("ticker/24hr"), await ask("ticker/price"), await ask("avgPrice")
        aggregates, wrong = await ask("aggTrades", limit="1000"), await ask("klines", interval="7m")
    by_open = {row[0]: row for row in rows}
    for kline in closed:
        row = [kline[key] for key in "tohlcvTqnVQB"]
        assert by_open[kline["t"]] == row
    assert page == rows[1:3]
    assert day["count"] == day["lastId"] - day["firstId"] + 1
    assert price["price"] == day["lastPrice"]
    assert average["mins"] == 5
    assert [one["a"] for one in aggregates] == list(range(aggregates[0]["a"], aggregates[-1]["a"] + 1))
    assert wrong["code"] == -1120


async def test_mark_prices_and_liquidations_are_of_the_market_path() -> None:
    rules = msgspec.structs.replace(USDM, opening_quiet_s=0.05)
    async with (
        asyncio.timeout(DEADLINE_S),
        running_market(3, ("BTCUSDT",), "binance-usdm", rules=rules, speed=0, seconds=60) as box,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{box.ws_url}/market/stream?streams=btcusdt@markPrice@1s/!forceOrder@arr") as client,
        session.ws_connect(f"{box.ws_url}/stream?streams=btcusdt@markPrice@1s") as unrouted,
    ):
        kinds = set()
        while kinds != {"btcusdt@markPrice@1s", "!forceOrder@arr"}:
            kinds.add((await client.receive_json())["stream"])
        await box.done.wait()
        await unrouted.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        assert (await unrouted.receive_json())["id"] == 1
        async with session.get(f"{box.rest_url}/fapi/v1/premiumIndex", params={"symbol": "BTCUSDT"}) as response:
            assert abs(float((await response.json())["markPrice"]) / 64_000 - 1) < 0.1
