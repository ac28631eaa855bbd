import random

from hypothesis import given
from hypothesis import strategies as st

from papertape.data.connectors.backoff import CAP_S, FIRST_S, Backoff


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_waits_grow_to_the_cap_and_never_beyond(seed: int, tries: int) -> None:
    random.seed(seed)
    backoff = Backoff()
    for number in range(tries):
        assert FIRST_S <= backoff.next_s() <= min(CAP_S, 2 * FIRST_S * 2**number)


def test_healthy_data_begins_anew() -> None:
    backoff = Backoff()
    for _ in range(20):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() <= 2 * FIRST_S
