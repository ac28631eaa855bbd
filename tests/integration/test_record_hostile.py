"""`papertape record` against a venue that fails in every way a venue can: no print lost or doubled, the book right."""

import asyncio
import json
import re
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
    Connection,
    HostileMarket,
    HostileVenue,
    answer,
    combined,
    hostile_venue,
    until,
    ws_frame,
)

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


async def masked_frame(venue: HostileVenue) -> None:
    for connection in venue.live:
        connection.send(b"\x81\x84abcd" + b"\0\0\0\0")


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


@pytest.mark.parametrize("usdm", [False, True], ids=["spot", "usdm"])
@pytest.mark.parametrize("end", ENDINGS, ids=lambda end: end.__name__)
async def test_a_connection_that_ends_comes_again_and_nothing_is_lost(
    tmp_path: Path, end: Misbehave, usdm: bool
) -> None:
    async with hostile_venue(usdm=usdm) as venue:
        name = "binance-usdm" if usdm else "binance-spot"
        recorder = await record(tmp_path, name, venue.urls)
        links = 2 if usdm else 1
        await venue.recorded(links)
        asked = venue.asked["depth"]
        await end(venue)
        await venue.recorded(2 * links)
        await until(lambda: venue.asked["depth"] > asked and len(venue.live) >= links, "a new snapshot")
        await until(lambda: venue.asked["trades"] > 0, "a question for the prints of the gap")
        await venue.steps(20)
        await venue.still()
        said = await recorder.stopped()
        summary = check_whole(said, venue, tmp_path)
        assert summary["reconnects"] == links
