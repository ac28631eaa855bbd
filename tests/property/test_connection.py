"""Whatever happens to a connection, in whatever order: it stays within its table, and waits within its bounds."""

from hypothesis import given
from hypothesis import strategies as st

from papertape.core.errors import IntegrityError
from papertape.data.wire.connection import (
    BACKOFF_CAP_S,
    BACKOFF_FIRST_S,
    OPEN,
    TRANSITIONS,
    ConnectionMachine,
    Event,
    Patience,
    State,
    backoff_s,
)

LOOK = "look"
HAPPENINGS = st.lists(
    st.tuples(
        st.one_of(st.sampled_from(Event), st.just(LOOK)),
        st.floats(0, 50),
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    max_size=120,
)


@given(HAPPENINGS)
def test_no_sequence_of_events_leaves_the_table(happenings: list[tuple[Event | str, float, int, int]]) -> None:
    machine = ConnectionMachine(Patience(silence_s=10, rotate_after_s=200, healthy_s=1))
    now_s, data, heard = 0.0, 0, 0
    for what, passes_s, more_data, more_pongs in happenings:
        now_s += passes_s
        before, since_s, tries = machine.state, machine.since_s, machine.tries
        if isinstance(what, Event):
            expected = TRANSITIONS.get((before, what))
            try:
                machine.take(what, now_s)
            except IntegrityError:
                assert expected is None
                assert (machine.state, machine.since_s, machine.tries) == (before, since_s, tries)
            else:
                assert machine.state is expected
            if machine.state is State.CONNECTING:
                data = heard = 0
        else:
            data, heard = data + more_data, heard + more_data + more_pongs
            advice = machine.watch(now_s, data, heard)
            moves = {before} | {after for (state, _), after in TRANSITIONS.items() if state is before}
            moves |= {after for (state, _), after in TRANSITIONS.items() if state in moves}
            assert machine.state in moves
            assert (machine.state in OPEN) or not any(advice)
            assert not (advice.end and advice.rotate)
        assert machine.since_s <= now_s
        assert BACKOFF_FIRST_S <= backoff_s(machine.tries, passes_s / 51) <= BACKOFF_CAP_S


@given(HAPPENINGS)
def test_closed_is_for_good(happenings: list[tuple[Event | str, float, int, int]]) -> None:
    machine = ConnectionMachine(Patience())
    machine.take(Event.CLOSE, 0)
    for what, now_s, _, _ in happenings:
        if isinstance(what, Event):
            assert (machine.state, what) not in TRANSITIONS
        else:
            assert not any(machine.watch(now_s, 1, 1))
    assert machine.state is State.CLOSED
