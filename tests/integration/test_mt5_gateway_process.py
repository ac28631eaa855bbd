"""Gateway and recorder as processes of their own, over real sockets; either is killed, and no tick is lost or doubled."""

import asyncio
import signal
import sys
import time
from pathlib import Path

import numpy as np

from papertape.core.records import RECORD_DTYPE, Flag, Kind, Link
from papertape.runtime.config import load_config
from papertape.runtime.sources import open_connector
from papertape.tape.market_reader import MarketReader
from papertape.tape.verify import verify_tape
from papertape.venue.mt5_ticks import made_ticks
from tests.integration.commands import DEADLINE_S, Running, here, start

TOKEN = "0123456789abcdef"
OFFSET_S = 10_800

GATEWAY = """
import asyncio, sys
import numpy as np
from papertape.data.connectors.http_listen import listening
from papertape.data.connectors.mt5_gateway import Mt5Gateway
from papertape.data.connectors.mt5_local import LocalTerminal
from papertape.runtime.clocks import UtcClock
from papertape.venue.mt5_terminal import Mt5TerminalDouble
from papertape.venue.mt5_types import fx_pair

async def main(file, port):
    clock = UtcClock()
    double = Mt5TerminalDouble({"GBPUSD": fx_pair("GBPUSD")}, {"GBPUSD": np.load(file)}, clock, offset=lambda _: 10800)
    terminal = LocalTerminal(double, clock)
    await terminal.connect()
    async with listening(Mt5Gateway(terminal, "0123456789abcdef", lambda *_, **__: None).application(), "127.0.0.1", port) as bound:
        print(bound, flush=True)
        await asyncio.Event().wait()

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def start_gateway(file: Path, port: int = 0) -> tuple[asyncio.subprocess.Process, int]:
    """A gateway for a terminal whose ticks stand at fixed times: after a restart it has the same history."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", GATEWAY, str(file), str(port), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        return process, int(await process.stdout.readline())


async def start_record(home: Path, port: int) -> Running:
    (home / "token").write_text(TOKEN)
    gateway = ("--gateway", f"ws://127.0.0.1:{port}/mt5", "--token-file", "token")
    return await start(home, "record", "--venue", "mt5", *gateway, "--symbols", "GBPUSD", "--tape", "tape", "--json")


def records(tape: Path) -> np.ndarray:
    if not (tape / "market").exists():
        return np.zeros(0, RECORD_DTYPE)
    blocks = [batch.records for batch in MarketReader.open(tape).blocks()]
    return np.concatenate(blocks) if blocks else np.zeros(0, RECORD_DTYPE)


async def until_quotes(tape: Path, count: int) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while (records(tape)["kind"] == Kind.QUOTE).sum() < count:
            await asyncio.sleep(0.05)


def live_ticks(file: Path, seconds: int) -> np.ndarray:
    """Ticks from now on, some of them in the same millisecond."""
    rows = made_ticks("GBPUSD", 3, (int(time.time()) + OFFSET_S) * 1000, seconds * 500)
    rows["time_msc"] = rows["time_msc"][0] + (rows["time_msc"] - rows["time_msc"][0]) // 125
    rows["time"] = rows["time_msc"] // 1000
    assert (np.diff(rows["time_msc"]) == 0).any()
    np.save(file, rows)
    return rows


async def test_a_killed_gateway_and_a_killed_recorder_lose_and_double_nothing(tmp_path: Path, capsys) -> None:
    tape = tmp_path / "tape"
    rows = live_ticks(tmp_path / "ticks.npy", 60)
    gateway, port = await start_gateway(tmp_path / "ticks.npy")
    recording = await start_record(tmp_path, port)
    await until_quotes(tape, 300)
    for _ in range(2):
        gateway.send_signal(signal.SIGKILL)
        await gateway.wait()
        gateway, _ = await start_gateway(tmp_path / "ticks.npy", port)
        await until_quotes(tape, int((records(tape)["kind"] == Kind.QUOTE).sum()) + 300)
    recording.process.send_signal(signal.SIGKILL)
    await recording.process.wait()
    recording = await start_record(tmp_path, port)
    await until_quotes(tape, int((records(tape)["kind"] == Kind.QUOTE).sum()) + 300)
    ended = await recording.stopped()
    gateway.send_signal(signal.SIGKILL)
    await gateway.wait()
    assert ended.code == 0, ended.err
    found = records(tape)
    quotes = found[found["kind"] == Kind.QUOTE]
    begin = int(np.searchsorted(rows["time_msc"], int(quotes["id"][0]) // 100_000))
    begin += int(quotes["id"][0]) % 100_000
    source = rows[begin : begin + len(quotes)]
    assert (quotes["id"] // 100_000).tolist() == source["time_msc"].tolist()
    assert quotes["price"].tolist() == np.rint(source["bid"] * 1e5).astype(int).tolist()
    assert quotes["x"].tolist() == np.rint(source["ask"] * 1e5).astype(int).tolist()
    assert (quotes["ts_event_ns"] == (source["time_msc"] - OFFSET_S * 1000) * 1_000_000).all()
    links = found["x"][found["kind"] == Kind.CONNECTION].tolist()
    assert links == [Link.UP, Link.DOWN, Link.UP, Link.DOWN, Link.UP, Link.UP, Link.DOWN]
    # What came to be while nobody read was fetched afterwards; what came while somebody did was not.
    late = quotes["flags"] & Flag.BACKFILL != 0
    ups = np.flatnonzero((found["kind"] == Kind.CONNECTION) & (found["x"] == Link.UP))
    first_after = np.searchsorted(np.flatnonzero(found["kind"] == Kind.QUOTE), ups)
    assert late[first_after].tolist() == [False, True, True, True]
    assert not late[-1]
    assert verify_tape(tape).ok
    replayed = here(capsys, "replay", str(tape))
    assert (replayed.code, replayed.json["market_records"]) == (0, len(quotes))


async def test_the_commands_try_it_without_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    serving = await start(
        tmp_path, "mt5-gateway", "--terminal", "double", "--token-file", "token", "--port", "0", "--json"
    )
    assert serving.process.stderr is not None
    port = 0
    async with asyncio.timeout(DEADLINE_S):
        while not port:
            line = (await serving.process.stderr.readline()).decode()
            port = int(line.rpartition(":")[2].partition("/")[0]) if "--gateway" in line else 0
    recording = await start_record(tmp_path, port)
    await until_quotes(tmp_path / "tape", 20)
    said = await recording.stopped(signal.SIGINT)
    assert (said.code, said.json["connected"], said.json["malformed"]) == (130, True, 0)
    assert said.json["symbols"][0]["bid"].startswith("1.3")
    assert (await serving.stopped()).json["ticks"] >= 20


async def test_a_wrong_token_ends_the_recording_with_the_reason(tmp_path: Path) -> None:
    live_ticks(tmp_path / "ticks.npy", 1)
    gateway, port = await start_gateway(tmp_path / "ticks.npy")
    (tmp_path / "token").write_text("another token of 16")
    options = ("--gateway", f"ws://127.0.0.1:{port}/mt5", "--token-file", "token", "--symbols", "GBPUSD")
    said = await (await start(tmp_path, "record", "--venue", "mt5", *options, "--tape", "tape")).ended()
    gateway.kill()
    await gateway.wait()
    assert said.code == 4
    assert "401" in said.error


async def test_forex_comes_through_the_one_front_door(tmp_path: Path) -> None:
    """The configuration names the gateway; a stream of the connector brings the terminal's quotes, by the symbol as people write it."""
    rows = live_ticks(tmp_path / "ticks.npy", 20)
    gateway, port = await start_gateway(tmp_path / "ticks.npy")
    (tmp_path / "token").write_text(TOKEN)
    config = tmp_path / "papertape.toml"
    config.write_text(
        f'[real_time.forex]\ngateway = "ws://127.0.0.1:{port}/mt5"\ntoken_file = "{(tmp_path / "token").as_posix()}"\n'
    )
    quotes: list[int] = []
    async with open_connector(load_config(config), lambda *_, **__: None) as connector, asyncio.timeout(DEADLINE_S):
        stream = await connector.connect_forex_stream(["GBP/USD"])
        async for batch in stream:
            quotes += batch.records["price"][batch.records["kind"] == Kind.QUOTE].tolist()
            if len(quotes) >= 200:
                break
        await stream.close()
    gateway.kill()
    await gateway.wait()
    told = np.round(rows["bid"] * 1e5).astype(np.int64)
    first = next(at for at in range(len(told)) if told[at : at + len(quotes)].tolist() == quotes)
    assert first >= 0, "all of them in order, none lost and none doubled"
