"""`--metrics`: what Prometheus reads while a recording and a run on paper are at work."""

import json
import re
from pathlib import Path

import aiohttp
import pytest

from tests.integration.commands import record, start
from tests.integration.hostile import hostile_venue, until
from tests.integration.test_paper import QUOTER

POOL = '{venue="binance-spot"}'


def url_in(home: Path, log: str) -> str:
    file = home / "logs" / log
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    facts = [json.loads(line) for line in lines]
    return next((one["url"] for one in facts if one["event"] == "metrics are served"), "")


async def scrape(url: str) -> dict[str, float]:
    async with aiohttp.request("GET", url) as answer:
        assert answer.status == 200
        lines = (await answer.text()).splitlines()
    return {name: float(value) for name, _, value in (one.rpartition(" ") for one in lines if one[0] != "#")}


async def until_scraped(url: str, name: str, least: float) -> dict[str, float]:
    found: dict[str, float] = {}
    while found.get(name, 0) < least:
        found = await scrape(url)
    return found


@pytest.mark.parametrize("command", ["record", "paper"])
async def test_a_lost_connection_is_seen_by_who_scrapes(tmp_path: Path, command: str) -> None:
    async with hostile_venue() as venue:
        if command == "record":
            running = await record(tmp_path, "binance-spot", venue.urls, "--metrics", "0")
        else:
            market = ("--venue", "binance-spot", "--symbols", "ABCUSDT", "--strategy", QUOTER)
            running = await start(tmp_path, "paper", *market, *venue.urls, "--metrics", "0", "--json")
        await until(lambda: bool(url_in(tmp_path, f"{command}.log")), "the address", 60)
        url = url_in(tmp_path, f"{command}.log")
        found = await until_scraped(url, f"papertape_tape_records_total{POOL}", 50)
        assert found[f"papertape_connections_open{POOL}"] == 1
        assert found[f"papertape_reconnects_total{POOL}"] == 0
        (state,) = [name for name in found if name.startswith("papertape_connection_state")]
        assert re.search(rf'endpoint="ws://127.0.0.1:{venue.port}".*state="(subscribing|healthy)"', state)
        venue.live[0].cut()
        again = await until_scraped(url, f"papertape_reconnects_total{POOL}", 1)
        assert again[f"papertape_messages_total{POOL}"] >= found[f"papertape_messages_total{POOL}"]
        said = await running.stopped()
    assert said.code == 0, said.err
    assert said.json["reconnects"] == 1


async def test_a_port_that_is_taken_ends_the_recording(tmp_path: Path) -> None:
    async with hostile_venue() as venue:
        said = await (await record(tmp_path, "binance-spot", venue.urls, "--metrics", str(venue.port))).ended()
    assert said.code == 3
    assert f"127.0.0.1:{venue.port}: expected an address to listen on" in said.error
