"""Starting papertape as a user does, in a process of its own, and reading what it says."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from papertape.cli import main
from papertape.core.book.rows import Market
from papertape.tape.market_reader import MarketReader

DEADLINE_S = 40


class Said(NamedTuple):
    """What a command ended with, what it wrote, and the one JSON object if it wrote one."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on standard output."""
        assert self.out.count("\n") == 1, f"expected one line, was {self.out!r}; standard error: {self.err[-2000:]}"
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found

    @property
    def error(self) -> str:
        """The last line on standard error."""
        return self.err.rstrip("\n").rpartition("\n")[2]


class Running:
    """A command that runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def ended(self) -> Said:
        """Wait for its end."""
        async with asyncio.timeout(DEADLINE_S):
            out, err = await self.process.communicate()
        assert self.process.returncode is not None
        return Said(self.process.returncode, out.decode(), err.decode())

    async def stopped(self, how: signal.Signals = signal.SIGTERM) -> Said:
        """Send it a signal and wait for its end."""
        self.process.send_signal(how)
        return await self.ended()


async def start(home: Path, *arguments: str, prefix: Sequence[str] = (), **env: str) -> Running:
    """Start `papertape` with `home` as its data directory; `prefix` is a program that runs it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PAPERTAPE_HOME": str(home), **env}
    process = await asyncio.create_subprocess_exec(
        *prefix,
        sys.executable,
        "-m",
        "papertape",
        *arguments,
        cwd=home,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    return Running(process)


async def record(home: Path, venue: str, urls: Sequence[str], *options: str, **env: str) -> Running:
    """Start `papertape record` onto `home`/tape."""
    symbols = () if "--symbols" in options else ("--symbols", "ABCUSDT")
    tape = () if "--tape" in options else ("--tape", str(home / "tape"))
    return await start(home, "record", "--venue", venue, *symbols, *tape, *urls, *options, "--json", **env)


def here(capsys: pytest.CaptureFixture[str], *arguments: str) -> Said:
    """Run a command in this process, so that compiled kernels are shared."""
    capsys.readouterr()
    code = main([*arguments, "--json"])
    said = capsys.readouterr()
    return Said(code, said.out, said.err)


def plain_market(tape: Path) -> Market:
    """The market of a tape by the plain books."""
    market = Market()
    for batch in MarketReader.open(tape).blocks():
        market.apply(batch.records.tobytes())
    return market


def print_ids(tape: Path, instrument: int = 0) -> list[int]:
    """Trade ids of the prints that count, as they stand on the tape."""
    from papertape.core.records import Kind, Verdict

    ids: list[int] = []
    for batch in MarketReader.open(tape).blocks():
        rows = batch.records
        wanted = (rows["kind"] == Kind.PRINT) & (rows["instrument"] == instrument)
        ids += rows["id"][wanted & ((rows["verdict"] & int(Verdict.DUPLICATE)) == 0)].tolist()
    return ids
