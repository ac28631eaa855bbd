import asyncio
import random

from papertape.core.records import Kind
from papertape.tape.market_reader import MarketReader
from papertape.testing.world.faults import Fault, Plan, Spell
from papertape.testing.world.loop import VirtualLoop
from papertape.testing.world.run import BASE_NS, WorldClock, run_world, tape_hash


def test_a_world_leaves_a_tape_and_the_ambient_chance_as_it_was(tmp_path):
    state = random.getstate()
    report = run_world(3, tmp_path)
    assert random.getstate() == state
    assert report.findings == ()
    assert report.faults
    assert report.tape_hash == tape_hash(tmp_path / "tape")
    kinds = {int(kind) for block in MarketReader.open(tmp_path / "tape").blocks() for kind in block.records["kind"]}
    assert {Kind.INSTRUMENT, Kind.CONNECTION, Kind.PRINT, Kind.QUOTE, Kind.DEPTH_SNAPSHOT, Kind.DEPTH_DELTA} <= kinds


def test_a_report_says_how_to_see_it_again(tmp_path):
    text = run_world(3, tmp_path)._replace(findings=("the sky fell",)).text
    assert "the sky fell" in text
    assert "python3 x.py soak --seeds 3" in text


def test_our_clock_steps_and_never_runs_backwards():
    spells = (Spell(Fault.OUR_CLOCK, 10.0, 11.0, 2_000), Spell(Fault.OUR_CLOCK, 20.0, 21.0, -3_000))
    clock = WorldClock(Plan(0.0, "", {}, spells, (), 0.0, ()))

    async def main():
        told = []
        for _ in range(600):
            told.append(clock.now_ns())
            await asyncio.sleep(0.1)
        return told

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        told = runner.run(main())
    assert told == sorted(told)
    assert told[0] == BASE_NS
    assert told[150] - told[50] == 12_000_000_000
    assert round((told[599] - told[150]) / 1e8) == 449 - 30
