"""Every row of the machine's table, and what the counts of a link make of it."""

import itertools
import re
from pathlib import Path

import pytest

from papertape.core.errors import IntegrityError
from papertape.data.wire.connection import (
    BACKOFF_CAP_S,
    BACKOFF_FIRST_S,
    OPEN,
    PING_EVERY_S,
    SILENT_TIMES,
    TRANSITIONS,
    Advice,
    ConnectionMachine,
    Event,
    Patience,
    State,
    backoff_s,
)

PAGE = Path(__file__).resolve().parents[4] / "docs" / "explanation" / "connections.md"
PATIENCE = Patience(silence_s=30, rotate_after_s=1000, healthy_s=2)


def way_to(state: State) -> list[Event]:
    """The shortest way from the beginning to `state`, by the table itself."""
    ways: dict[State, list[Event]] = {State.IDLE: []}
    while state not in ways:
        for (before, event), after in TRANSITIONS.items():
            if before in ways:
                ways.setdefault(after, [*ways[before], event])
    return ways[state]


def machine_in(state: State, now_s: float = 0.0) -> ConnectionMachine:
    machine = ConnectionMachine(PATIENCE)
    for event in way_to(state):
        machine.take(event, now_s)
    assert machine.state is state
    return machine


@pytest.mark.parametrize(("row", "after"), TRANSITIONS.items(), ids=str)
def test_every_row_leads_where_it_says(row: tuple[State, Event], after: State) -> None:
    machine = machine_in(row[0])
    machine.take(row[1], 5.0)
    assert (machine.state, machine.since_s) == (after, 5.0)


@pytest.mark.parametrize("row", [row for row in itertools.product(State, Event) if row not in TRANSITIONS], ids=str)
def test_what_stands_in_no_row_cannot_happen_and_changes_nothing(row: tuple[State, Event]) -> None:
    machine = machine_in(row[0], 3.0)
    tries, since_s = machine.tries, machine.since_s
    with pytest.raises(IntegrityError, match=f"{row[0].value}.*{row[1].value}"):
        machine.take(row[1], 5.0)
    assert (machine.state, machine.since_s, machine.tries) == (row[0], since_s, tries)


def test_every_state_and_event_is_of_use_and_only_closed_is_an_end() -> None:
    assert set(TRANSITIONS.values()) | {State.IDLE} == set(State)
    assert {event for _, event in TRANSITIONS} == set(Event)
    assert {state for state, _ in TRANSITIONS} == set(State) - {State.CLOSED}


def test_the_page_holds_the_same_table() -> None:
    rows = re.findall(
        r"^\| `([a-z ]+)` \| `([a-z]+)` \| `([a-z ]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert rows == [(state.value, event.value, after.value) for (state, event), after in TRANSITIONS.items()]


def test_data_makes_it_healthy_and_a_while_of_it_begins_the_backoff_anew() -> None:
    machine = machine_in(State.BACKING_OFF)
    machine.take(Event.CONNECT, 1.0)
    machine.take(Event.OPENED, 2.0)
    assert machine.tries == 1
    machine.watch(3.0, 0, 0)
    assert machine.state is State.SUBSCRIBING
    machine.watch(4.0, 1, 1)
    assert (machine.state, machine.tries) == (State.HEALTHY, 1)
    machine.watch(5.9, 2, 2)
    assert machine.tries == 1, "not long enough"
    machine.watch(6.0, 3, 3)
    assert machine.tries == 0


def test_a_link_that_says_nothing_at_all_is_lost_in_every_open_state() -> None:
    for state in OPEN:
        machine = machine_in(state)
        assert machine.watch(29.9, 0, 0).end == ""
        assert "30.0 s" in machine.watch(30.0, 0, 0).end


def test_answers_to_pings_keep_a_quiet_link_until_it_is_replaced() -> None:
    machine = machine_in(State.SUBSCRIBING)
    machine.watch(1.0, 1, 1)
    pings, heard, now_s = 0, 1, 1.0
    while not (advice := machine.watch(now_s, 1, heard)).rotate:
        pings += advice.ping
        heard += advice.ping
        assert advice.end == ""
        assert machine.state is (State.SILENT if now_s >= 31 else State.HEALTHY)
        now_s += 1
    assert now_s == 1 + SILENT_TIMES * 30
    assert pings == pytest.approx(now_s / PING_EVERY_S, abs=2)
    machine.watch(now_s, 2, heard)
    assert machine.state is State.HEALTHY


def test_the_first_ping_is_due_at_once_and_short_patience_pings_more_often() -> None:
    assert machine_in(State.SUBSCRIBING).watch(0.0, 0, 0).ping
    machine = ConnectionMachine(Patience(silence_s=3))
    machine.take(Event.CONNECT, 0)
    machine.take(Event.OPENED, 0)
    assert [second for second in range(10) if machine.watch(second, second, second).ping] == list(range(10))


def test_age_asks_for_a_replacement_and_a_failed_one_is_tried_again_later_and_later() -> None:
    machine = machine_in(State.SUBSCRIBING)
    tries: list[float] = []
    for now_s in range(3000):
        if machine.watch(now_s, now_s, now_s).rotate:
            tries.append(now_s)
            machine.take(Event.ROTATE, now_s)
            assert machine.watch(now_s, now_s, now_s).rotate == "", "one is under way"
            machine.take(Event.KEPT, now_s)
    assert tries[0] == 1000
    gaps = [after - before for before, after in itertools.pairwise(tries)]
    assert gaps == sorted(gaps)
    assert BACKOFF_FIRST_S < gaps[0] <= gaps[-1] <= BACKOFF_CAP_S


def test_an_announced_end_asks_for_a_replacement_until_there_is_one() -> None:
    machine = machine_in(State.HEALTHY)
    assert machine.watch(1.0, 1, 1).rotate == ""
    machine.expect_end()
    assert "announced" in machine.watch(1.5, 2, 2).rotate
    machine.take(Event.ROTATE, 1.5)
    machine.take(Event.KEPT, 2.0)
    assert machine.watch(2.0, 3, 3).rotate == "", "a moment later"
    assert "announced" in machine.watch(4.0, 4, 4).rotate
    machine.take(Event.LOST, 5.0)
    machine.take(Event.CONNECT, 6.0)
    machine.take(Event.OPENED, 6.0)
    assert machine.watch(6.5, 5, 5).rotate == "", "another connection, another end"


def test_nothing_is_asked_of_a_link_that_is_down() -> None:
    for state in set(State) - OPEN:
        assert machine_in(state).watch(10_000, 5, 5) == Advice()


@pytest.mark.parametrize("tries", range(40))
def test_waits_grow_to_the_cap_and_never_beyond(tries: int) -> None:
    assert backoff_s(tries, 0.0) == BACKOFF_FIRST_S
    assert backoff_s(tries, 0.999) <= min(BACKOFF_CAP_S, BACKOFF_FIRST_S * 2 ** (tries + 1))
    assert backoff_s(tries, 0.5) <= backoff_s(tries + 1, 0.5)
