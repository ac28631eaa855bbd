"""The local order book rules of spot and USD-M, one case per rule and boundary."""

import msgspec
import pytest

from papertape.data.wire.binance.book_sync import BookSync, Fate
from papertape.data.wire.binance.payloads import DepthUpdate
from papertape.data.wire.binance.rules import SPOT, USDM, Rules

EMPTY = msgspec.Raw(b"[]")
LEVELS = msgspec.Raw(b"[" + b",".join([b'["2681.62","1.00"]'] * 10) + b"]")


def event(first: int, final: int, previous: int = -1) -> DepthUpdate:
    return DepthUpdate(U=first, u=final, b=EMPTY, a=EMPTY, pu=previous)


def held(rules: Rules, *events: DepthUpdate) -> BookSync:
    sync = BookSync(rules)
    for one in events:
        assert sync.take_event(one) is Fate.HOLD
    return sync


def synced(rules: Rules, last_id: int, first: DepthUpdate | None = None) -> BookSync:
    sync = BookSync(rules)
    assert sync.take_snapshot(last_id).taken
    if first is not None:
        assert sync.take_event(first) is Fate.APPLY
    return sync


@pytest.mark.parametrize("rules", [SPOT, USDM])
def test_a_snapshot_is_wanted_once_an_event_is_held_and_never_before(rules: Rules) -> None:
    sync = BookSync(rules)
    wanted = [sync.wants_snapshot]
    sync.take_event(event(5, 6, 4))
    wanted.append(sync.wants_snapshot)
    assert wanted == [False, True]
    assert not sync.synced


@pytest.mark.parametrize(
    ("first", "final", "joins"),
    [(11, 12, True), (11, 11, True), (5, 11, True), (5, 20, True), (12, 13, False), (100, 200, False)],
)
def test_spot_bridges_where_the_id_behind_the_snapshot_lies_in_the_event(
    *, first: int, final: int, joins: bool
) -> None:
    sync = held(SPOT, event(first, final))
    bridge = sync.take_snapshot(10)
    assert bridge.taken is joins
    assert [one.u for one in bridge.events] == ([final] if joins else [])
    assert bool(sync.synced) is joins
    assert sync.wants_snapshot is not joins
    assert sync.last_id == (final if joins else 0)


@pytest.mark.parametrize(
    ("first", "final", "previous", "joins"),
    [
        (5, 12, 3, True),  # U <= L <= u
        (10, 12, 9, True),  # U == L
        (50, 60, 10, True),  # pu == L though U > L: real USD-M data
        (11, 12, 9, False),  # adjacent ids mean nothing on USD-M
        (50, 60, 20, False),
    ],
)
def test_usdm_bridges_by_range_or_by_predecessor(*, first: int, final: int, previous: int, joins: bool) -> None:
    assert held(USDM, event(first, final, previous)).take_snapshot(10).taken is joins


def test_usdm_event_that_ends_at_the_snapshot_is_dropped_and_the_next_one_names_it() -> None:
    sync = held(USDM, event(3, 10, 2), event(57, 60, 10), event(90, 95, 60))
    bridge = sync.take_snapshot(10)
    assert bridge.taken
    assert [one.u for one in bridge.events] == [60, 95]


def test_usdm_event_that_ends_at_the_snapshot_may_also_come_after_it() -> None:
    sync = synced(USDM, 10)
    assert sync.take_event(event(3, 10, 2)) is Fate.STALE
    assert sync.take_event(event(57, 60, 10)) is Fate.APPLY


def test_spot_drops_held_events_up_to_the_snapshot_and_joins_at_the_next_id() -> None:
    sync = held(SPOT, event(1, 5), event(6, 10), event(11, 15), event(16, 20))
    bridge = sync.take_snapshot(10)
    assert bridge.taken
    assert [one.u for one in bridge.events] == [15, 20]
    assert sync.last_id == 20


@pytest.mark.parametrize("rules", [SPOT, USDM])
def test_a_snapshot_older_than_the_first_held_event_is_too_old_and_another_is_wanted(rules: Rules) -> None:
    sync = held(rules, event(100, 110, 99), event(111, 120, 110))
    assert not sync.take_snapshot(50).taken
    assert sync.wants_snapshot
    assert [one.u for one in sync.take_snapshot(110).events] == [120]


@pytest.mark.parametrize("rules", [SPOT, USDM])
def test_a_snapshot_newer_than_all_held_events_is_taken_and_the_next_event_must_join(rules: Rules) -> None:
    sync = held(rules, event(1, 5, 0), event(6, 10, 5))
    bridge = sync.take_snapshot(30)
    assert bridge.taken
    assert bridge.events == []
    assert sync.take_event(event(20, 25, 19)) is Fate.STALE
    assert sync.take_event(event(26, 35, 25)) is Fate.APPLY


@pytest.mark.parametrize("rules", [SPOT, USDM])
def test_a_gap_among_held_events_leaves_what_came_after_it(rules: Rules) -> None:
    sync = held(rules, event(1, 5, 0), event(6, 10, 5), event(21, 25, 20), event(26, 30, 25))
    assert not sync.take_snapshot(3).taken
    assert sync.wants_snapshot
    bridge = sync.take_snapshot(22)
    assert bridge.taken
    assert [one.u for one in bridge.events] == [25, 30]


@pytest.mark.parametrize("rules", [SPOT, USDM])
def test_the_first_event_after_a_snapshot_that_does_not_join_is_unbridged_and_kept(rules: Rules) -> None:
    sync = synced(rules, 10)
    assert sync.take_event(event(50, 60, 49)) is Fate.UNBRIDGED
    assert not sync.synced
    assert sync.wants_snapshot
    assert [one.u for one in sync.take_snapshot(55).events] == [60]


@pytest.mark.parametrize("rules", [SPOT, USDM])
def test_a_later_event_that_does_not_follow_is_a_break_and_kept(rules: Rules) -> None:
    sync = synced(rules, 10, event(8, 12, 7))
    assert sync.take_event(event(20, 25, 19)) is Fate.BREAK
    assert not sync.synced
    assert sync.wants_snapshot
    assert [one.u for one in sync.take_snapshot(22).events] == [25]


def test_spot_follows_by_adjacent_ids_and_allows_an_overlap() -> None:
    sync = synced(SPOT, 10, event(11, 12))
    assert sync.take_event(event(13, 20)) is Fate.APPLY
    assert sync.take_event(event(18, 25)) is Fate.APPLY
    assert sync.last_id == 25
    assert sync.take_event(event(27, 30)) is Fate.BREAK


def test_usdm_follows_by_predecessor_alone() -> None:
    sync = synced(USDM, 10, event(10, 12, 9))
    assert sync.take_event(event(700, 800, 12)) is Fate.APPLY
    assert sync.take_event(event(801, 900, 799)) is Fate.BREAK


def test_usdm_asks_the_later_event_for_its_predecessor_even_if_its_range_holds_the_book() -> None:
    sync = synced(USDM, 10, event(10, 12, 9))
    assert sync.take_event(event(5, 20, 11)) is Fate.BREAK


@pytest.mark.parametrize("rules", [SPOT, USDM])
def test_a_repeated_event_is_late_and_changes_nothing(rules: Rules) -> None:
    sync = synced(rules, 10, event(8, 12, 7))
    assert sync.take_event(event(8, 12, 7)) is Fate.LATE
    assert sync.take_event(event(1, 3, 0)) is Fate.LATE
    assert sync.synced
    assert sync.last_id == 12


@pytest.mark.parametrize("rules", [SPOT, USDM])
def test_a_snapshot_while_synchronised_changes_nothing(rules: Rules) -> None:
    sync = synced(rules, 10, event(8, 12, 7))
    assert not sync.take_snapshot(11).taken
    assert (sync.synced, sync.last_id, sync.wants_snapshot) == (True, 12, False)


@pytest.mark.parametrize("rules", [SPOT, USDM])
def test_a_late_answer_to_an_earlier_request_is_refused_when_held_events_do_not_join_it(rules: Rules) -> None:
    sync = synced(rules, 10, event(8, 12, 7))
    sync.lose()
    sync.take_event(event(50, 60, 49))
    assert not sync.take_snapshot(11).taken
    assert not sync.synced
    assert sync.wants_snapshot


@pytest.mark.parametrize("rules", [SPOT, USDM])
def test_a_lost_connection_forgets_everything(rules: Rules) -> None:
    sync = held(rules, event(8, 12, 7))
    sync.lose()
    assert not sync.wants_snapshot
    sync.take_event(event(50, 60, 49))
    assert not sync.take_snapshot(10).taken


def test_held_events_are_bounded_by_bytes_and_the_oldest_go_first() -> None:
    sync = BookSync(SPOT, held_bytes_max=100_000)
    for number in range(1, 2_001):  # some 700 bytes each
        sync.take_event(DepthUpdate(U=number, u=number, b=LEVELS, a=EMPTY))
    assert not sync.take_snapshot(0).taken
    assert sync.wants_snapshot
    bridge = sync.take_snapshot(1_900)
    assert bridge.taken
    assert [one.u for one in bridge.events] == list(range(1_901, 2_001))
    assert bridge.events[0].b == LEVELS


def test_the_newest_event_is_held_however_large() -> None:
    sync = BookSync(SPOT, held_bytes_max=1)
    for number in range(1, 4):
        sync.take_event(event(number, number))
    assert not sync.take_snapshot(1).taken
    assert [one.u for one in sync.take_snapshot(2).events] == [3]


def test_two_symbols_do_not_know_of_each_other() -> None:
    one, other = synced(SPOT, 10, event(11, 12)), synced(SPOT, 10, event(11, 12))
    assert one.take_event(event(20, 25)) is Fate.BREAK
    assert other.synced
    assert other.take_event(event(13, 14)) is Fate.APPLY
