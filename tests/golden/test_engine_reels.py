"""The engine on a recorded reel: its tape trades as the reel itself does, and the compiled engine is the naive one."""

from pathlib import Path

import numpy as np
import pytest

from papertape.core.actions import Replay, ReplayResult
from papertape.core.draws import draw_below, purpose_id
from papertape.core.records import Flag, Kind, RecordBuffer, as_records
from papertape.data.connectors.reel_connector import ReelConnector
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import USDM
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.rows import EventKind, Liquidity, OrderType, Side, TimeInForce
from papertape.runtime.models import DEFAULTS
from papertape.runtime.replay import run
from papertape.runtime.shell import Shell
from papertape.testing.naive_engine import NaiveEngine
from tests.binance_frames import Records
from tests.differential.order_flow import Command, Scenario, play
from tests.made_tape import tape_of_reels

pytestmark = pytest.mark.recordings
SYMBOL = "ETHUSDT"
SECONDS = 60
MONEY = 10**8
EVERY = 40
"""Records between two commands."""
_SCRIPT = purpose_id("tests.engine_reels")


@pytest.fixture(scope="module")
def reel(recordings: Path) -> Path:
    return recordings / "usdm" / "ethusdt_20240808.gz"


def test_dice_on_the_reel_and_on_its_tape_come_to_the_same(reel: Path, tmp_path: Path, root: Path) -> None:
    tape = tape_of_reels(tmp_path / "tape", [reel], SYMBOL, USDM)
    dice = [f"{root / 'tests' / 'dice.py'}:Dice?seed=3"]
    of_reel = answer(Replay(reel=[str(reel)], venue="binance-usdm", symbol=SYMBOL, strategy=dice))
    saved = answer(Replay(tape=str(tape), strategy=dice, save=True))
    assert of_reel.fills > 100
    assert of_reel.accounts[0].stopped is None
    assert of_reel.state_hash == saved.state_hash
    assert of_reel.accounts == saved.accounts
    again = answer(Replay(tape=str(tape / "runs" / "0001")))
    assert (again.state_hash, again.difference) == (saved.state_hash, None)


def answer(request: Replay) -> ReplayResult:
    response = run(request, Shell()).response
    assert isinstance(response, ReplayResult)
    return response


def beginning(reel: Path) -> Records:
    """The records of the reel's first minute."""
    machine, parts = BinanceMachine(USDM, {SYMBOL: 0}, Gate(RecordBuffer())), []
    for data in ReelConnector(machine, [str(reel)]).batches():
        records = as_records(data)
        parts.append(records.copy())
        if records["ts_recv_ns"][-1] - parts[0]["ts_recv_ns"][0] > SECONDS * 10**9:
            break
    return np.concatenate(parts)


def script(records: Records, seed: int) -> list[Command]:
    """Orders of every kind near the price of the moment, some of them cancelled and amended later."""
    draws = 0

    def below(bound: int) -> int:
        nonlocal draws
        draws += 1
        return draw_below(bound, seed, _SCRIPT, 0, draws)

    commands: list[Command] = [(0, "open_account", (f"account {n}", 100_000 * MONEY, 1 + 9 * n)) for n in range(2)]
    owners: list[int] = []
    price = 0
    ends = np.flatnonzero(records["flags"] & int(Flag.LAST)) + 1
    for position in ends[::EVERY].tolist():
        quotes = records[max(position - 500, 0) : position]
        quotes = quotes[quotes["kind"] == Kind.QUOTE]
        price = int(quotes["price"][-1]) if len(quotes) else price
        what, account = below(10), below(2)
        if not price:
            continue
        near, size = price + below(21) - 10, 1 + below(3_000)
        if what < 6 or not owners:
            side = (Side.BUY, Side.SELL)[below(2)]
            kind, tif = tuple(OrderType)[below(3)], tuple(TimeInForce)[below(4)]
            asked = 0 if kind == OrderType.MARKET else near
            commands.append((position, "submit", (account, 0, int(side), int(kind), int(tif), asked, size)))
            owners.append(account)
        elif what < 8:
            nth = below(len(owners))
            commands.append((position, "cancel", (owners[nth], nth)))
        else:
            nth = len(owners) - 1 - below(min(5, len(owners)))
            commands.append((position, "amend", (owners[nth], nth, near, size)))
    return commands


@pytest.mark.parametrize("seed", range(3))
def test_the_first_minute_is_traded_as_the_naive_engine_does(reel: Path, seed: int) -> None:
    records = beginning(reel)
    world = Scenario(seed, DEFAULTS.terms, records, script(records, seed))
    naive, engine = NaiveEngine(world.terms, seed), Engine(world.terms, seed)
    play(naive, world, 10_000)
    play(engine, world, 10_000)
    events = engine.take_events()
    assert events == naive.take_events()
    assert sum(event.kind == EventKind.FILL for event in events) > 30
    assert {event.liquidity for event in events if event.kind == EventKind.FILL} == {Liquidity.MAKER, Liquidity.TAKER}
    assert engine.view() == naive.view()
    assert engine.state_hash() == naive.state_hash()
