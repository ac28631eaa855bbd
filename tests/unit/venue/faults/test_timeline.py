"""Faults begin and end in their time."""

import pytest

from papertape.core.errors import InputError
from papertape.venue.faults import timeline
from papertape.venue.faults.schema import Drop, FaultPlan, Gap, OnFrames, RateLimit
from papertape.venue.faults.timeline import Timeline

SECOND = 1_000_000_000


def test_they_begin_and_end_in_the_order_of_time() -> None:
    line = Timeline(FaultPlan(fault=(Gap(at_s=2, lasts_s=3), Drop(at_s=1), Gap(at_s=4))))
    assert line.next_ns == 1 * SECOND
    assert line.advance(SECOND - 1) == []
    steps = [(planned.number, begins) for planned, begins in line.advance(10 * SECOND)]
    assert steps == [(2, True), (2, False), (1, True), (3, True), (1, False)]
    assert line.next_ns is None
    assert [planned.number for planned in line.active] == [3]
    assert [planned.told()["state"] for planned in line.all] == ["over", "over", "on"]


def test_one_that_comes_late_begins_at_once() -> None:
    line = Timeline(FaultPlan())
    line.add((Gap(), Gap(at_s=1), Gap(at_s=9)), 5 * SECOND)
    assert [planned.begin_ns // SECOND for planned in line.all] == [5, 5, 9]


def test_who_is_hit_is_asked_by_kind_and_place() -> None:
    line = Timeline(FaultPlan(fault=(Gap(symbol="A"), RateLimit(route="depth"))))
    line.advance(0)
    assert line.strike(RateLimit, route="ping") is None
    assert line.strike(RateLimit, route="depth") == RateLimit(route="depth")
    assert [planned.hits for planned in line.all] == [0, 1]
    assert len(line.on(OnFrames, symbol="A")) == 1
    assert line.on(OnFrames, symbol="B") == []


def test_they_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "FAULTS_MAX", 2)
    line = Timeline(FaultPlan(fault=(Drop(), Drop())))
    with pytest.raises(InputError, match="at most 2"):
        line.add((Drop(),), 0)


def test_a_symbol_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match="gap: expected a symbol of A, B, was C"):
        Timeline(FaultPlan(fault=(Gap(symbol="C"),)), ("A", "B"))
    line = Timeline(FaultPlan(), ("A", "B"))
    with pytest.raises(InputError, match="was C"):
        line.add((Gap(symbol="A"), Gap(symbol="C")), 0)
    assert line.all == []
