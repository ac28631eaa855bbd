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

from papertape.core.errors import InputError, UnknownInstrument
from papertape.tape.reels import read_reel
from papertape.venue.rules import SPOT, USDM, VenueName, VenueRules
from papertape.venue.server import running_venue

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


class Collector(WSListener):  # type: ignore[misc]
    """A picows client that keeps every text frame."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[bytes] = []

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            self.frames.append(frame.get_payload_as_bytes())


async def all_frames(url: str, done: asyncio.Event, expected: int) -> list[bytes]:
    """Every frame a picows client gets from `url`, waiting for `expected` of them."""
    transport, collector = await ws_connect(Collector, url)
    async with asyncio.timeout(DEADLINE_S):
        await done.wait()
        while len(collector.frames) < expected:
            await asyncio.sleep(0.01)
    transport.disconnect()
    await transport.wait_disconnected()
    frames: list[bytes] = collector.frames
    return frames


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


async def test_unknown_symbol_is_refused_with_the_symbols_there_are(tmp_path: Path) -> None:
    reel = write_reel(tmp_path / "a.reel", trade(1))
    with pytest.raises(UnknownInstrument, match="ABCUSDT"):
        async with running_venue([reel], "binance-spot", "XYZUSDT"):
            pass


async def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    reel = write_reel(tmp_path / "a.reel", trade(1))
    async with running_venue([reel], "binance-spot", "ABCUSDT") as box:
        with pytest.raises(InputError, match=f"127.0.0.1:{box.port}.*another port"):
            async with running_venue([reel], "binance-spot", "ABCUSDT", port=box.port):
                pass
