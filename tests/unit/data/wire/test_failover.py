from hypothesis import given
from hypothesis import strategies as st

from papertape.data.wire.failover import Chooser, SwitchRule

RULE = SwitchRule(stale_ns=3, return_ns=10)


def play(chooser: Chooser, *words: tuple[int, int, bool]) -> list[int]:
    """What counts after each (place, time, is news)."""
    seen = []
    for place, ts_ns, is_news in words:
        before = chooser.current
        assert chooser.heard(place, ts_ns, is_news=is_news) == (chooser.current != before)
        seen.append(chooser.current)
    return seen


def test_the_preferred_source_counts_while_it_keeps_up() -> None:
    words = [(place, ts, True) for ts in range(100) for place in (0, 1)]
    assert set(play(Chooser(2, RULE), *words)) == {0}


def test_another_takes_over_when_it_is_ahead_by_more_than_the_rule() -> None:
    assert play(Chooser(2, RULE), (0, 0, True), (1, 1, True), (1, 3, True), (1, 4, True)) == [0, 0, 0, 1]


def test_nobody_is_left_for_a_market_that_is_quiet_everywhere_or_a_source_that_repeats_itself() -> None:
    assert play(Chooser(2, RULE), (0, 0, True), (1, 0, True), (1, 50, False), (1, 99, False)) == [0, 0, 0, 0]
    assert play(Chooser(2, RULE), (0, 0, True), (0, 500, True)) == [0, 0]


def test_repeating_itself_is_a_sign_of_life() -> None:
    words = [(place, ts, place == 1) for ts in range(0, 60, 2) for place in (0, 1)]
    assert set(play(Chooser(2, RULE), *words)) == {0}


def test_the_preferred_source_is_returned_to_after_it_has_been_well_for_a_while() -> None:
    chooser = Chooser(2, RULE)
    play(chooser, (0, 0, True), *((1, ts, True) for ts in range(20)))
    assert chooser.current == 1
    seen = play(chooser, *((place, ts, True) for ts in range(20, 33) for place in (1, 0)))
    assert seen.index(0) == 20, "well since 20, so from 30 on"
    assert chooser.switches == 2


def test_one_that_comes_and_goes_is_not_followed_to_and_fro() -> None:
    chooser = Chooser(2, RULE)
    words = [(1, ts, True) for ts in range(200)] + [(0, ts, True) for ts in range(200) if ts % 10 < 5]
    play(chooser, *sorted(words, key=lambda word: word[1]))
    assert (chooser.current, chooser.switches) == (1, 1)


def test_a_preferred_source_that_never_speaks_is_left() -> None:
    assert play(Chooser(2, RULE), *((1, ts, True) for ts in range(5)))[-1] == 1


def test_of_several_the_first_that_is_well_takes_over() -> None:
    words = [(0, 0, True), (1, 0, True)] + [(2, ts, True) for ts in range(6)]
    assert play(Chooser(3, RULE), *words)[-1] == 2
    words = [(0, 0, True)] + [(place, ts, True) for ts in range(6) for place in (1, 2)]
    assert play(Chooser(3, RULE), *words)[-1] == 1


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6), st.booleans()), max_size=60))
def test_what_counts_is_never_behind_by_more_than_the_rule_while_another_is_well(
    steps: list[tuple[int, int, bool]],
) -> None:
    chooser, now_ns, heard = Chooser(3, RULE), 0, {}
    for place, step, is_news in steps:
        now_ns += step
        heard[place] = now_ns
        chooser.heard(place, now_ns, is_news=is_news)
        if is_news:
            assert now_ns - heard.get(chooser.current, now_ns) <= RULE.stale_ns
