from itertools import pairwise

import msgspec
import numpy as np
import pytest

from papertape.core.errors import IntegrityError
from papertape.paper_trading.engine.again import ComparedFacts, Recorded, apply_again
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.facts import COMMAND, EVENTS, POSTINGS, STOPPED, KeptFacts
from papertape.paper_trading.engine.run import Run
from papertape.paper_trading.engine.terms import Terms
from tests.dice import Dice
from tests.differential.order_flow import scenario

TOLD = [(3, COMMAND, [7, 0, 1, "cancel", [4]]), (3, EVENTS, [[1, 2], [3, 4]])]


def test_events_are_compared_one_by_one_however_they_were_grouped() -> None:
    compared = ComparedFacts(Recorded.of(TOLD), (COMMAND, EVENTS))
    compared.append(3, COMMAND, [7, 0, 1, "cancel", (4,)])
    compared.append(3, EVENTS, [[1, 2]])
    compared.append(9, EVENTS, [[3, 4]])
    assert compared.finish() is None


def test_the_first_difference_is_told_and_what_did_not_come() -> None:
    compared = ComparedFacts(Recorded.of(TOLD), (COMMAND, EVENTS))
    compared.append(3, EVENTS, [[1, 2], [3, 5]])
    assert str(compared.finish()) == "events 1: recorded [3, 4], now [3, 5]"
    missing = ComparedFacts(Recorded.of(TOLD), (COMMAND,)).finish()
    assert missing is not None
    assert (missing.kind, missing.place, missing.now) == (COMMAND, 0, None)


def test_only_what_is_new_goes_beyond() -> None:
    kept = KeptFacts()
    compared = ComparedFacts(Recorded.of(TOLD), (COMMAND, EVENTS), kept)
    compared.append(3, EVENTS, [[1, 2], [3, 4], [5, 6]])
    assert kept.records == [(3, EVENTS, [[5, 6]])]


def test_a_difference_in_what_goes_beyond_ends_the_run() -> None:
    compared = ComparedFacts(Recorded.of(TOLD), (EVENTS,), KeptFacts())
    with pytest.raises(IntegrityError, match="events 0"):
        compared.append(3, EVENTS, [[1, 3]])


def test_what_lies_behind_a_checkpoint_is_skipped() -> None:
    first, second = (ComparedFacts(Recorded.of(TOLD), (EVENTS,)) for _ in range(2))
    first.append(3, EVENTS, [[1, 2]])
    second.skip(first.counts)
    second.append(3, EVENTS, [[3, 4]])
    assert second.finish() is None


KINDS = (COMMAND, STOPPED, EVENTS, POSTINGS)
TERMS = Terms(taker_rate=50_000, latency_out_ns=7_000_000, latency_jitter_ns=9_000_000)


def dice_run(sink, *, seated: bool) -> Run:
    run = Run(Engine(lambda _: TERMS, 4), lambda _: TERMS, sink)
    run.open_account("dice", 10**14, leverage=5, strategy=Dice(7) if seated else None, currency="USDT")
    return run


@pytest.mark.parametrize("batch", [1, 7, 10_000])
def test_commands_alone_bring_a_run_to_the_same_state_however_the_market_is_cut(batch: int) -> None:
    records, told = scenario(4).records, KeptFacts()
    live = dice_run(told, seated=True)
    live.take(0, records)
    recorded = Recorded.of(msgspec.msgpack.decode(msgspec.msgpack.encode(told.records)))
    assert len(recorded.inputs) > 20
    assert len(recorded.streams[POSTINGS]) > 2
    ends = [0, *(np.flatnonzero(records["flags"] & 2) + 1)[batch - 1 :: batch].tolist(), len(records)]
    compared = ComparedFacts(recorded, KINDS)
    again = dice_run(compared, seated=False)
    apply_again(again, recorded.inputs, [(a, records[a:b]) for a, b in pairwise(ends) if b > a])
    assert compared.finish() is None
    assert again.state_hash() == live.state_hash()


def test_a_command_beyond_the_market_is_an_error() -> None:
    run = dice_run(KeptFacts(), seated=False)
    with pytest.raises(IntegrityError, match="before market record 0, was one at 3"):
        apply_again(run, Recorded.of(TOLD).inputs, [])
