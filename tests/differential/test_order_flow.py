"""The random worlds are the same for a seed, reach what they are made for, and do not depend on how they are cut."""

from collections import Counter

import pytest

from papertape.paper_trading.engine.rows import TAKEN_KEPT, EventKind, Liquidity, Reason
from papertape.testing.naive_engine import NaiveEngine
from tests.differential.order_flow import play, scenario

SEEDS = 60
UNREACHABLE = {
    Reason.STOPPED: "nothing here stops an account",
    Reason.OTHER_CURRENCY: "all is quoted in one currency",
    Reason.NO_ROOM: "the naive engine has no capacity",
}


def test_every_kind_and_reason_occurs() -> None:
    kinds, reasons, fills, most_taken = Counter[int](), Counter[int](), Counter[tuple[int, int]](), 0
    for seed in range(SEEDS):
        world = scenario(seed)
        engine = NaiveEngine(world.terms, seed)
        play(engine, world, 10_000)
        for event in engine.take_events():
            kinds[event.kind] += 1
            reasons[event.reason] += 1
            fills[event.instrument, event.liquidity] += event.kind == EventKind.FILL
        most_taken = max(most_taken, *(len(account.taken) for account in engine._venue.accounts))
    assert {kind.name: kinds[kind] for kind in EventKind if not kinds[kind]} == {}
    assert {reason for reason in Reason if not reasons[reason]} == set(UNREACHABLE)
    assert all(fills[instrument, role] > 100 for instrument in (0, 1) for role in (Liquidity.MAKER, Liquidity.TAKER))
    assert most_taken == TAKEN_KEPT, "no order went deep enough to make an account forget levels"


@pytest.mark.parametrize("seed", range(8))
def test_a_world_ends_alike_however_its_records_are_batched(seed: int) -> None:
    ends = set()
    for batch in (1, 7, 10_000):
        world = scenario(seed)
        engine = NaiveEngine(world.terms, seed)
        play(engine, world, batch)
        ends.add((engine.state_hash(), tuple(engine.take_marks())))
    assert len(ends) == 1


def test_another_seed_is_another_world() -> None:
    assert scenario(3).records.tobytes() == scenario(3).records.tobytes() != scenario(4).records.tobytes()
    assert scenario(3).commands == scenario(3).commands
