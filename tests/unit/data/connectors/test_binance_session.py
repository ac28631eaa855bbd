"""The session over ports that stand in for the network; the real network is in tests/integration."""

import asyncio
from collections.abc import Callable, Sequence
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from papertape.core.errors import ConnectFailed
from papertape.core.records import RecordBuffer
from papertape.data.connectors.binance_session import BinanceSession, Network
from papertape.data.connectors.ports import Answer, Link, OnFrame
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import SPOT, USDM, Rules

DEPTH = b'{"lastUpdateId":10,"bids":[["10.50","1.000"]],"asks":[["10.60","2"]]}'


class OpenLink:
    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.ended = asyncio.Event()
        self.pongs = 0
        self.round_trip_s: float | None = None

    def send(self, text: bytes) -> None:
        self.sent.append(text)

    def ping(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def close(self) -> None:
        self.ended.set()

    async def wait_closed(self) -> str:
        await self.ended.wait()
        return "ended"


class Wires:
    """A network that notes what is asked of it."""

    def __init__(self) -> None:
        self.urls: list[str] = []
        self.links: list[OpenLink] = []
        self.unknown_prefixes: tuple[str, ...] = ()
        self.answers: dict[str, Callable[[dict[str, str]], Answer]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def connect(self, url: str, on_frame: OnFrame, silence_s: float) -> Link:
        self.urls.append(url)
        if urlsplit(url).path.startswith(self.unknown_prefixes):
            raise ConnectFailed("404", 404)
        self.links.append(OpenLink())
        return self.links[-1]

    async def get(self, url: str, query: dict[str, str]) -> Answer:
        route = url.rpartition("/")[2]
        self.asked.append((route, query))
        answer = self.answers.get(route)
        return answer(query) if answer else Answer(404, b"{}", None)


class Taken:
    """An intake that hands everything to the machine."""

    def __init__(self, machine: BinanceMachine) -> None:
        self._machine = machine
        self.offsets: list[int] = []
        self.clock_offset_ns: int | None = None

    def frame(self, payload: bytes, is_last: bool) -> None:
        self._machine.take(1, payload)

    def snapshot(self, symbol: str, body: bytes) -> None:
        self._machine.take_snapshot(1, symbol, body)

    def trades(self, symbol: str, body: bytes) -> None:
        self._machine.take_trades(1, symbol, body)

    def trades_until(self, symbol: str, trade_id: int) -> None:
        self._machine.expect_trades(1, symbol, trade_id)

    def clock_offset(self, offset_ns: int, round_trip_ns: int) -> None:
        self.offsets.append(offset_ns)

    def link_up(self, connection: int) -> None: ...

    def link_down(self, connection: int, symbols: Sequence[str]) -> None:
        self._machine.lose(1, symbols)


def session_of(
    rules: Rules, wires: Wires, *symbols: str, ws_url: str = "ws://venue"
) -> tuple[BinanceSession, BinanceMachine, Taken]:
    numbers = {symbol: number for number, symbol in enumerate(symbols or ("ABCUSDT",))}
    machine = BinanceMachine(rules, numbers, Gate(RecordBuffer()))
    taken = Taken(machine)
    network = Network([ws_url], "http://venue", wires, wires, 30)
    return BinanceSession(machine, taken, network, lambda: 1, lambda *_, **__: None), machine, taken


async def connected(session: BinanceSession, wires: Wires, links: int) -> None:
    """Run the session until so many links are up and what it sends at once is sent."""
    running = asyncio.ensure_future(session.run())
    async with asyncio.timeout(20):
        while len(wires.links) < links:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def trade_frame(number: int) -> bytes:
    data = b'{"e":"trade","E":1,"s":"ABCUSDT","t":%d,"p":"10.50","q":"1","T":1,"m":true}' % number
    return b'{"stream":"abcusdt@trade","data":%b}' % data


def rows(*numbers: int) -> Answer:
    made = [{"id": n, "price": "10.50", "qty": "1", "time": 1, "isBuyerMaker": True} for n in numbers]
    return Answer(200, msgspec.json.encode(made), None)


async def test_the_venues_own_servers_are_asked_for_microseconds():
    for rules, asked in ((SPOT, True), (USDM, False)):
        wires = Wires()
        session, machine, _ = session_of(rules, wires, ws_url=rules.ws_url)
        machine.list_from_snapshot(1, "ABCUSDT", DEPTH)
        await connected(session, wires, len(rules.routes))
        assert all(url.endswith("&timeUnit=MICROSECOND") == asked for url in wires.urls)


async def test_spot_takes_one_connection_whose_url_subscribes():
    wires = Wires()
    session, machine, _ = session_of(SPOT, wires)
    machine.list_from_snapshot(1, "ABCUSDT", DEPTH)
    await connected(session, wires, 1)
    streams = "abcusdt@trade/abcusdt@bookTicker/abcusdt@depth@100ms"
    assert wires.urls == [f"ws://venue/stream?streams={streams}"], "another server may not know the venue's options"
    assert wires.links[0].sent == []


async def test_usdm_takes_a_connection_per_route_and_does_without_where_it_is_unknown():
    wires = Wires()
    session, machine, _ = session_of(USDM, wires)
    machine.list_from_snapshot(1, "ABCUSDT", DEPTH)
    await connected(session, wires, 2)
    assert {urlsplit(url).path for url in wires.urls} == {"/public/stream", "/market/stream"}
    wires = Wires()
    wires.unknown_prefixes = ("/public", "/market")
    session, machine, _ = session_of(USDM, wires)
    machine.list_from_snapshot(1, "ABCUSDT", DEPTH)
    await connected(session, wires, 2)
    assert [urlsplit(url).path for url in wires.urls].count("/stream") == 2


async def test_more_streams_than_an_url_takes_are_subscribed_to_in_frames():
    wires = Wires()
    symbols = [f"S{number}USDT" for number in range(120)]
    session, machine, _ = session_of(SPOT, wires, *symbols)
    for symbol in symbols:
        machine.list_from_snapshot(1, symbol, DEPTH)
    running = asyncio.ensure_future(session.run())
    async with asyncio.timeout(20):
        while not wires.links or len(wires.links[0].sent) < 3:
            await asyncio.sleep(0.02)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    in_url = parse_qs(urlsplit(wires.urls[0]).query)["streams"][0].split("/")
    in_frames = [name for frame in wires.links[0].sent for name in msgspec.json.decode(frame)["params"]]
    assert len(in_url) == 100
    assert sorted(in_url + in_frames) == sorted(
        f"{symbol.lower()}@{name}" for symbol in symbols for name in SPOT.routes[0][1]
    )


async def test_prints_after_the_last_one_that_came_are_asked_for_once_a_connection_was_lost():
    wires = Wires()
    wires.answers["trades"] = lambda query: rows(1, 2, 3, 4)
    session, machine, _ = session_of(SPOT, wires)
    machine.list_from_snapshot(1, "ABCUSDT", DEPTH)
    machine.take(1, trade_frame(2))
    await session.finish()
    assert machine.feeds["ABCUSDT"].trade_ids.last == 2, "nothing was lost"
    running = asyncio.ensure_future(session.run())
    async with asyncio.timeout(20):
        while not wires.links:
            await asyncio.sleep(0.01)
        wires.links[0].ended.set()
        while len(wires.links) < 2:
            await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await session.finish()
    ids = machine.feeds["ABCUSDT"].trade_ids
    assert (ids.last, ids.missing, ids.duplicates) == (4, 0, 0)
