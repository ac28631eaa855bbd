import random

import pytest

from papertape.data.wire.token_bucket import TokenBucket


def test_so_many_at_once_then_one_by_one() -> None:
    bucket = TokenBucket(3, 30.0)
    assert [bucket.take(0.0) for _ in range(5)] == [0, 0, 0, 10, 20]
    assert bucket.take(20.0) == pytest.approx(10)
    assert bucket.take(1000.0) == 0, "full again"


@pytest.mark.parametrize("seed", range(20))
def test_never_more_than_twice_the_capacity_in_one_period(seed: int) -> None:
    """A full bucket and what comes back meanwhile: with 150 in 300 s that is the venue's 300."""
    draw, bucket, now_s = random.Random(seed), TokenBucket(15, 30.0), 0.0
    made: list[float] = []
    for _ in range(300):
        now_s += draw.choice([0, 0, 0, 0.5, 3, 40])
        made.append(now_s + bucket.take(now_s))
    assert made == sorted(made)
    for start in made:
        assert sum(start <= one < start + 30 for one in made) <= 30
