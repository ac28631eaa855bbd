"""The synthetic market over real sockets, recorded by the real recorder, each in a process of its own."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from papertape.venue.rules import RULES, VenueName
from papertape.venue.server import RunningVenue, running_market
from papertape.venue.synthetic.listings import NAMES

SYMBOLS = NAMES[:5]


async def papertape(*args: str) -> Any:
    """The JSON answer of a command."""
    command = (sys.executable, "-m", "papertape", *args, "--json")
    done = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await done.communicate()
    assert done.returncode == 0
    return json.loads(out)


async def recorded(box: RunningVenue, venue: VenueName, tape: Path) -> Any:
    where = ("--ws-url", box.ws_url, "--rest-url", box.rest_url)
    what = ("--venue", venue, "--symbols", ",".join(SYMBOLS), "--tape", str(tape))
    return await papertape("record", *what, *where, "--seconds", "5")


@pytest.mark.parametrize("venue", ["binance-spot", "binance-usdm"])
async def test_five_symbols_are_recorded_without_a_fault(venue: VenueName, tmp_path: Path) -> None:
    async with running_market(
        7, SYMBOLS, venue, rules=msgspec.structs.replace(RULES[venue], opening_quiet_s=0.2)
    ) as box:
        recording = await recorded(box, venue, tmp_path / "tape")
        assert box.market_began.is_set()
    assert [recording[name] for name in ("sequence_breaks", "resyncs", "crossed", "malformed", "ignored")] == [0] * 5
    assert recording["verdicts"] == {}
    assert [one["symbol"] for one in recording["symbols"]] == list(SYMBOLS)
    for one in recording["symbols"]:
        assert one["missing"] == one["duplicates"] == 0
        assert one["prints"] > 0
        assert one["bid"] is not None
    replayed = await papertape("replay", str(tmp_path / "tape"))
    assert replayed["synced"]
    assert replayed["book_checks"] > 5
    assert [replayed[name] for name in ("book_mismatches", "sequence_breaks", "crossed")] == [0] * 3
    assert (await papertape("verify", str(tmp_path / "tape")))["ok"]
