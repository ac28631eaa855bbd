"""`papertape venue --faults`: what breaks under a recorder, and what both of them tell of it."""

import asyncio
import re
from pathlib import Path

import aiohttp

from tests.integration.commands import DEADLINE_S, record, start

FAULTS = """
seed = 7
[[fault]]
kind = "gap"
at_s = 0.5
lasts_s = 1.5
symbol = "BTCUSDT"
share = 0.3
[[fault]]
kind = "drop"
how = "reset"
at_s = 2.5
[[fault]]
kind = "rate_limit"
route = "depth"
at_s = 2.5
lasts_s = 1
[[fault]]
kind = "kline_final"
at_s = 9999
"""


async def test_a_recorder_comes_through_and_keeps_the_limits(tmp_path: Path) -> None:
    (tmp_path / "faults.toml").write_text(FAULTS)
    (tmp_path / "token").write_text("of the test\n")
    options = ("--faults", "faults.toml", "--control-token-file", "token", "--port", "0", "--json")
    box = await start(tmp_path, "venue", "--seed", "7", "--symbols", "2", *options)
    assert box.process.stderr
    async with asyncio.timeout(DEADLINE_S):
        said = (await box.process.stderr.readline()).decode()
    urls = re.findall(r"--(?:ws|rest)-url|(?:ws|http)://\S+", said)
    assert len(urls) == 4, said
    recorder = await record(tmp_path, "binance-spot", urls, "--symbols", "BTCUSDT,ETHUSDT", "--seconds", "6")
    recorded = (await recorder.ended()).json
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{urls[3]}/control") as response:
            assert response.status == 401
        async with session.get(f"{urls[3]}/control", headers={"Authorization": "Bearer of the test"}) as response:
            told = await response.json()
    ended = (await box.stopped()).json
    assert recorded["reconnects"] == 1
    assert recorded["sequence_breaks"] > 0
    assert [one["missing"] for one in recorded["symbols"]] == [0, 0]
    assert [fault["state"] for fault in told["faults"]] == ["over", "over", "over", "to come"]
    assert all(fault["hits"] > 0 for fault in told["faults"][:2])
    assert (ended["connections"], ended["faults_done"]) == (2, 3)
    assert ended["rate_violations"] == {"messages": 0, "weight": 0, "attempts": 0, "bans": 0}


async def test_a_misspelt_key_ends_the_command_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "faults.toml").write_text('[[fault]]\nkind = "gap"\nshaer = 0.5\n')
    said = await (await start(tmp_path, "venue", "--seed", "7", "--port", "0", "--faults", "faults.toml")).ended()
    assert said.code == 3
    assert "faults.toml" in said.error
    assert "shaer" in said.error
