"""One seed, one world: a run on a tape that is killed at some write, recovered, and compared with one that was not.

As a program it takes seeds and prints one JSON line for each that failed, then how many there were.
"""

import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from papertape.core.draws import draw_below, purpose_id
from papertape.core.errors import IntegrityError
from papertape.core.records import Flag
from papertape.paper_trading.engine.again import ComparedFacts, apply_again
from papertape.paper_trading.engine.facts import KeptFacts
from papertape.paper_trading.engine.terms import Terms
from papertape.runtime import runs
from papertape.runtime.models import Models
from papertape.runtime.runs import KINDS, AccountPlan, RunPlan, begin_run, new_run, read_run, resume_run
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter
from tests.differential.order_flow import scenario

_WORLD = purpose_id("tests.run_worlds")
DICE = Path(__file__).parents[1] / "dice.py"
MS = 1_000_000
BATCH_EVENTS_MAX = 9


def below(bound: int, seed: int, n: int) -> int:
    return draw_below(bound, seed, _WORLD, 0, n)


def plan_of(seed: int) -> RunPlan:
    terms = Terms(
        maker_rate=20_000,
        taker_rate=50_000,
        latency_out_ns=below(3, seed, 1) * 7 * MS,
        latency_jitter_ns=below(2, seed, 2) * 9 * MS,
        latency_back_ns=below(3, seed, 3) * 11 * MS,
    )
    accounts = tuple(
        AccountPlan(
            name=f"dice-{k}", cash=10**14, leverage=5, currency="USDT", strategy=f"{DICE}:Dice?seed={seed * 10 + k}"
        )
        for k in range(1 + below(3, seed, 4))
    )
    return RunPlan(accounts=accounts, models=Models(default=terms, venues={}), seed=seed)


def batches(records: np.ndarray, seed: int, start: int) -> Iterator[np.ndarray]:
    """Whole events, some at a time; the cuts are of this process and do not matter."""
    ends = np.flatnonzero(records["flags"] & Flag.LAST) + 1
    ends = ends[ends > start]
    n = 100
    while len(ends):
        n += 1
        take = min(1 + below(BATCH_EVENTS_MAX, seed, n + start), len(ends))
        yield records[start : ends[take - 1]]
        start, ends = int(ends[take - 1]), ends[take:]


class Killer:
    """Kills this process at its `at`-th write to the market track, the control track or a checkpoint, before or after it."""

    def __init__(self, seed: int) -> None:
        self.left = 5 + below(260, seed, 5)
        self.after = bool(below(2, seed, 6))

    def around(self, write: Any) -> Any:
        def killing(*args: Any) -> Any:
            self.left -= 1
            if self.left == 0 and not self.after:
                os.kill(os.getpid(), signal.SIGKILL)
            result = write(*args)
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return killing


def live(tape: Path, seed: int, records: np.ndarray) -> None:
    """The run until it is killed; it may also come to its end."""
    killer = Killer(seed)
    with MarketWriter.open(tape) as writer:
        written = begin_run(tape, plan_of(seed), writer.sync)
        for owner, name in ((writer, "append"), (written.writer, "append"), (runs, "write_checkpoint")):
            setattr(owner, name, killer.around(getattr(owner, name)))
        go_on(writer, written, records, seed)


def go_on(writer: Any, written: Any, records: np.ndarray, seed: int) -> None:
    for number, batch in enumerate(batches(records, seed, writer.next_seq)):
        first_seq = writer.next_seq
        writer.append(batch.tobytes())
        written.run.take(first_seq, batch)
        if number % 25 == 24:
            written.checkpoint(writer.next_seq)


def wrong(seed: int) -> str | None:
    """What went differently in this world, if anything."""
    records = scenario(seed).records
    told = KeptFacts()
    whole = new_run(plan_of(seed), told)
    try:
        whole.take(0, records)
    except IntegrityError as error:
        # A quote so absurd that a holding is worth more than 64 bits ends the run, whoever applies it.
        assert "64 bits" in str(error)
        return None
    whole.finish()
    with tempfile.TemporaryDirectory() as folder:
        tape = Path(folder) / "tape"
        child = os.fork()
        if not child:
            live(tape, seed, records)
            os._exit(0)
        os.waitpid(child, 0)
        with MarketWriter.open(tape) as writer:
            written = resume_run(tape, "0001", writer.sync)
            with written.writer:
                go_on(writer, written, records, seed + 1)
                state_hash = written.end(writer.next_seq)
        if state_hash != whole.state_hash():
            return f"recovered {state_hash}, live {whole.state_hash()}"
        plan, recorded, _ = read_run(tape, "0001")
        compared = ComparedFacts(recorded, KINDS)
        again = new_run(plan, compared, seated=False)
        apply_again(again, recorded.inputs, ((one.first_seq, one.records) for one in MarketReader.open(tape).blocks()))
        if difference := compared.finish():
            return f"replayed: {difference}"
        if again.state_hash() != state_hash:
            return f"replayed {again.state_hash()}, live {state_hash}"
        events = [event for _, kind, body in told.records if kind == "events" for event in body]
        if events != recorded.streams.get("events", []):
            return "the recorded events are not those of the whole run"
    return None


if __name__ == "__main__":
    first, count = map(int, sys.argv[1:3])
    for one in range(first, first + count):
        found = wrong(one)
        if found:
            sys.stdout.write(json.dumps({"seed": one, "wrong": found}) + "\n")
    sys.stdout.write(json.dumps({"worlds": count}) + "\n")
