"""The synthetic market over real sockets: recorded by the real commands, and the same as it is offline."""

import asyncio
import re
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from papertape.venue.rules import RULES, SPOT, VenueName, VenueRules
from papertape.venue.server import running_market
from papertape.venue.synthetic.listings import NAMES
from papertape.venue.synthetic.market import BEGIN_NS, synthetic_events
from tests.integration.commands import DEADLINE_S, here, record, start

FIVE = NAMES[:5]


def quick(venue: VenueName) -> VenueRules:
    """The venue's rules with a market that opens at once."""
    return msgspec.structs.replace(RULES[venue], opening_quiet_s=0.05)


@pytest.mark.parametrize("venue", ["binance-spot", "binance-usdm"])
async def test_five_symbols_are_recorded_without_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], venue: str
) -> None:
    box = await start(tmp_path, "venue", "--seed", "7", "--symbols", "5", "--venue", venue, "--port", "0", "--json")
    assert box.process.stderr
    async with asyncio.timeout(DEADLINE_S):
        said = (await box.process.stderr.readline()).decode()
    urls = re.findall(r"--(?:ws|rest)-url|(?:ws|http)://\S+", said)
    assert len(urls) == 4, said
    recorder = await record(tmp_path, venue, urls, "--symbols", ",".join(FIVE), "--seconds", "5")
    recorded = (await recorder.ended()).json
    ended = await box.stopped()
    assert (ended.code, ended.json["reel_ended"]) == (0, False)
    assert [recorded[name] for name in ("sequence_breaks", "resyncs", "crossed", "malformed", "ignored")] == [0] * 5
    assert recorded["verdicts"] == {}
    assert [one["symbol"] for one in recorded["symbols"]] == list(FIVE)
    for one in recorded["symbols"]:
        assert (one["missing"], one["duplicates"]) == (0, 0)
        assert one["prints"] > 0
        assert one["bid"] is not None
    tape = str(tmp_path / "tape")
    replayed = here(capsys, "replay", tape).json
    assert replayed["synced"]
    assert replayed["book_checks"] > 5
    assert [replayed[name] for name in ("book_mismatches", "sequence_breaks", "crossed")] == [0] * 3
    assert here(capsys, "verify", tape).json["ok"]


async def test_what_is_served_is_the_offline_market() -> None:
    """Whatever the pace: the sockets give the very frames that the market is made of, in their order."""
    expected = [
        b'{"stream":"%b","data":%b}' % (stream.encode(), payload)
        for _, stream, payload in synthetic_events(11, FIVE, 2)
        if not stream.endswith("@bookTicker")
    ]
    streams = "/".join(f"{symbol.lower()}@{kind}" for symbol in FIVE for kind in ("trade", "depth@100ms"))
    frames: list[bytes] = []
    async with (
        asyncio.timeout(DEADLINE_S),
        running_market(11, FIVE, seconds=2, speed=0, rules=quick("binance-spot")) as box,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{box.ws_url}/stream?streams={streams}") as socket,
    ):
        while len(frames) < len(expected):
            frames.append((await socket.receive_str()).encode())
        await box.done.wait()
    assert frames == expected


async def answers(session: aiohttp.ClientSession, url: str, **params: str) -> Any:
    async with session.get(f"{url}/api/v3/{params.pop('route')}", params=params) as response:
        return await response.json()


async def test_rest_knows_all_symbols() -> None:
    async with (
        asyncio.timeout(DEADLINE_S),
        running_market(7, FIVE, seconds=3, speed=0, rules=quick("binance-spot")) as box,
        aiohttp.ClientSession() as session,
    ):
        opening = await answers(session, box.rest_url, route="depth", symbol="BNBUSDT", limit="5000")
        info = await answers(session, box.rest_url, route="exchangeInfo")
        assert not box.market_began.is_set()
        async with session.ws_connect(f"{box.ws_url}/ws/bnbusdt@depth"):
            await box.done.wait()
            assert box.market_began.is_set()
            closing = await answers(session, box.rest_url, route="depth", symbol="BNBUSDT", limit="5000")
            trades = await answers(session, box.rest_url, route="trades", symbol="BTCUSDT")
            tickers = await answers(session, box.rest_url, route="ticker/bookTicker")
            time = await answers(session, box.rest_url, route="time")
    assert len(opening["bids"]) > 100
    assert closing["lastUpdateId"] > opening["lastUpdateId"]
    filters = {one["symbol"]: {rule["filterType"]: rule for rule in one["filters"]} for one in info["symbols"]}
    assert list(filters) == list(FIVE)
    assert filters["XRPUSDT"]["PRICE_FILTER"]["tickSize"] == "0.00010000"
    assert filters["XRPUSDT"]["LOT_SIZE"]["stepSize"] == "1.00000000"
    assert filters["BTCUSDT"]["NOTIONAL"]["minNotional"] == "5.00000000"
    assert trades[-1]["id"] - trades[0]["id"] == len(trades) - 1
    assert [ticker["symbol"] for ticker in tickers] and {ticker["symbol"] for ticker in tickers} == set(FIVE)
    assert 2_900 < time["serverTime"] - BEGIN_NS // 1_000_000 <= 3_000


async def test_it_may_begin_at_another_time() -> None:
    begin_ns = 1_800_000_000_000_000_000
    async with running_market(7, FIVE, begin_ns=begin_ns, rules=SPOT) as box, aiohttp.ClientSession() as session:
        assert (await answers(session, box.rest_url, route="time"))["serverTime"] == begin_ns // 1_000_000
