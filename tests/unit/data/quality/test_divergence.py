from random import Random

import pytest

from papertape.data.quality.divergence import PARTS, DivergenceJudge, DivergenceRule

RULE = DivergenceRule(window_ns=80, spreads=3, parts_per_million=100, fresh_ns=400)
Quotes = list[tuple[int, int, int, int]]


def judged(quotes: Quotes, rule: DivergenceRule = RULE) -> list[bool | None]:
    judge = DivergenceJudge(rule)
    return [judge.quote(*quote) for quote in quotes]


def walk(seed: int, lag: int, length: int = 2_000) -> Quotes:
    """The same walk of mids told by both sources, the second `lag` later."""
    dice, mid = Random(seed), 100_000
    quotes = []
    for ts in range(length):
        mid += dice.choice((-20, -1, 0, 1, 20))
        quotes += [(0, ts, mid - 1, mid + 1), (1, ts + lag, mid - 2, mid + 2)]
    return sorted(quotes, key=lambda quote: quote[1])


@pytest.mark.parametrize("lag", [0, 10, 60])
@pytest.mark.parametrize("seed", range(5))
def test_a_source_that_is_merely_later_does_not_contradict(seed: int, lag: int) -> None:
    assert True not in judged(walk(seed, lag))


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("by", [-1_000, 700, 5_000])
def test_a_planted_divergence_is_found_within_a_window_and_its_end_too(side: int, by: int) -> None:
    begins, ends = 800, 1_400
    quotes = [
        (s, ts, bid + by, ask + by) if s == side and begins <= ts < ends else (s, ts, bid, ask)
        for s, ts, bid, ask in walk(3, 0)
    ]
    found = [ts for (_, ts, *_), answer in zip(quotes, judged(quotes), strict=True) if answer]
    window = RULE.window_ns * (PARTS + 1) // PARTS
    assert begins < found[0] <= begins + window
    assert ends <= found[-1] + window
    assert found[-1] < ends + window


def test_a_jump_that_both_make_within_the_window_is_none() -> None:
    before = [(side, ts, 999, 1001) for ts in range(0, 200, 10) for side in (0, 1)]
    after = [(0, 200, 1999, 2001), (0, 260, 1999, 2001), (1, 270, 1999, 2001), (0, 280, 1999, 2001)]
    assert True not in judged(before + after)


def test_nothing_is_said_without_a_window_of_both_or_of_a_source_that_is_silent() -> None:
    assert judged([(0, 0, 1, 3), (0, 500, 1, 3)]) == [None, None]
    assert judged([(0, 0, 1, 3), (1, 0, 1001, 1003), (0, 79, 1, 3), (0, 80, 1, 3)]) == [None, None, None, True]
    assert judged([(0, 0, 1, 3), (1, 0, 1001, 1003), (0, 401, 1, 3)])[-1] is None


def test_the_limit_is_the_larger_of_spreads_and_share_of_the_price() -> None:
    def apart(distance: int, spread: int, price: int = 100_000) -> bool | None:
        quotes = [(0, 0, price, price + spread), (1, 0, price + distance, price + distance + spread)]
        return judged([*quotes, (0, 80, price, price + spread)])[-1]

    assert (apart(30, 10), apart(31, 10)) == (False, True), "three spreads"
    assert (apart(10, 1), apart(11, 1)) == (False, True), "a ten thousandth of the price"


def test_memory_does_not_grow_with_the_rate() -> None:
    judge = DivergenceJudge(RULE)
    for ts in range(5_000):
        judge.quote(0, ts, ts, ts + 2)
        judge.quote(1, ts, ts, ts + 2)
    assert all(len(side._ranges) <= PARTS + 2 for side in judge._sides)
