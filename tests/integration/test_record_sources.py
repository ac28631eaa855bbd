"""`papertape record --source`: two boxes as primary and backup, one of them killed and come back, the recorder killed too."""

import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from papertape.core.instruments import listed_in
from papertape.core.records import GapCause, Kind, as_records
from papertape.tape.market_reader import MarketReader
from tests.integration.commands import Running, here, start
from tests.integration.hostile import until

CONFIG = """
[real_time.servers.{0}]
speaks = "binance-spot"
ws_urls = ["ws://127.0.0.1:{1}"]
rest_url = "http://127.0.0.1:{1}"
"""
RECORD = ("record", "--source", "server:first", "--backup", "server:second", "--symbols", "btc-usdt,ETH/USDT")


def free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        return one.getsockname()[1], two.getsockname()[1]


class House:
    """A folder with a configuration that names two boxes, which are started and killed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.tape = home / "tape"
        self.ports = dict(zip(("first", "second"), free_ports(), strict=True))
        (home / "papertape.toml").write_text("".join(CONFIG.format(*one) for one in self.ports.items()))
        self.running: list[Running] = []

    async def run(self, *arguments: str) -> Running:
        running = await start(self.home, *arguments)
        self.running.append(running)
        return running

    async def box(self, name: str, symbols: str) -> Running:
        port = self.ports[name]
        running = await self.run("venue", "--seed", "7", "--symbols", symbols, "--port", str(port))
        await until(lambda: answers(port), f"the box {name}", 30)
        return running

    async def recorder(self) -> Running:
        return await self.run(*RECORD, "--tape", str(self.tape), "--json")

    def records(self) -> np.ndarray:
        if not (self.tape / "market").exists():
            return as_records(b"")
        found = [batch.records for batch in MarketReader.open(self.tape).blocks()]
        return np.concatenate(found) if found else as_records(b"")

    def count(self, kind: Kind, number: int) -> int:
        found = self.records()
        return int(np.count_nonzero((found["kind"] == kind) & (found["instrument"] == number)))

    def counts(self) -> list[int]:
        """Quotes, and prints, of each of the three."""
        return [self.count(kind, one) for kind in (Kind.QUOTE, Kind.PRINT) for one in (0, 1, 2)]

    def switches(self) -> list[tuple[int, int]]:
        found = self.records()
        switches = found[found["kind"] == Kind.SOURCE]
        return list(zip(switches["y"].tolist(), switches["x"].tolist(), strict=True))


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@asynccontextmanager
async def house(home: Path) -> AsyncIterator[House]:
    made = House(home)
    try:
        yield made
    finally:
        for running in made.running:
            if running.process.returncode is None:
                running.process.kill()
                await running.process.wait()


async def test_a_backup_stands_in_and_the_recorder_is_killed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with house(tmp_path) as at:
        await at.box("second", "BTCUSDT")
        first = await at.box("first", "BTCUSDT,ETHUSDT")
        recorder = await at.recorder()
        await until(lambda: min(at.count(Kind.QUOTE, one) for one in (0, 1, 2)) > 3, "quotes of all", 40)
        await first.stopped(signal.SIGKILL)
        await until(lambda: at.switches() == [(0, 1)], "the backup counts", 40)
        stood_in = at.count(Kind.QUOTE, 1)
        await until(lambda: at.count(Kind.QUOTE, 1) > stood_in + 20, "quotes of the backup", 40)
        await at.box("first", "BTCUSDT,ETHUSDT")
        await until(lambda: at.switches() == [(0, 1), (1, 0)], "the primary counts again", 60)
        await recorder.stopped(signal.SIGKILL)
        before = at.counts()
        recorder = await at.recorder()
        await until(lambda: min(now - then for now, then in zip(at.counts(), before, strict=True)) > 3, "more", 60)
        said = await recorder.stopped()
        found = at.records()
    assert said.code == 0, said.err
    listed = listed_in(found)
    assert [f"{listed[one].venue}:{listed[one].symbol}" for one in (0, 1, 2)] == [
        "first:BTCUSDT",
        "second:BTCUSDT",
        "first:ETHUSDT",
    ]
    lost = found[(found["kind"] == Kind.GAP) & (found["price"] == GapCause.CONNECTION_LOST)]
    assert {0, 1, 2} <= set(lost["instrument"].tolist()), "the pause is told"
    told = said.json
    assert [(one["source"], one["connected"]) for one in told["sources"]] == [
        ("server:first", True),
        ("server:second", True),
    ]
    assert told["followed"][0]["places"] == ["first:BTCUSDT", "second:BTCUSDT"]
    assert told["followed"][0]["current"] == "first:BTCUSDT"
    assert [one["symbol"] for one in told["symbols"]] == ["first:BTCUSDT", "second:BTCUSDT", "first:ETHUSDT"]
    assert all(one["prints"] for one in told["symbols"])
    assert here(capsys, "verify", str(tmp_path / "tape")).json["ok"]
    assert here(capsys, "replay", str(tmp_path / "tape")).code == 0


async def test_symbols_are_found_and_mistakes_told(tmp_path: Path) -> None:
    async with house(tmp_path) as at:
        await at.box("second", "BTCUSDT")
        await at.box("first", "BTCUSDT,ETHUSDT")
        asked = ("--source", "server:first,server:second", "--json")
        found = (await (await at.run("symbols", "search", "BTC/USDT", *asked)).ended()).json["found"]
        assert [one["place"] for one in found if one["meant"]] == ["first:BTCUSDT", "second:BTCUSDT"]
        assert found[0]["kind"] == "crypto_spot"
        assert found[0]["price_step"] == "0.01"
        said = await (await at.run("symbols", "search", "zzzzzz", *asked)).ended()
        assert (said.code, "comes near 'zzzzzz'" in said.error) == (3, True)
        said = await (await at.run("record", "--source", "server:third", "--tape", "t")).ended()
        assert (said.code, "server:first" in said.error) == (3, True)
        said = await (await at.run("record", "--source", "server:first", "--symbols", "XRPEUR", "--tape", "t")).ended()
        assert (said.code, "no symbol is called 'XRPEUR'" in said.error) == (3, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--backup", "mt5"), "expected --venue, or --source"),
        (("--source", "mt5", "--venue", "mt5"), "was both: name the venue as one of the sources"),
        (("--source", "mt5", "--backup", "mt5"), "was mt5 in both"),
    ],
)
def test_options_that_do_not_go_together(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    found = here(capsys, "record", "--tape", str(tmp_path / "tape"), *options)
    assert (found.code, said in found.error) == (2, True), found.error
