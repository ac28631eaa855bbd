"""Machines with one error each: the check that is meant for it must fail, and the whole one passes them all."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from papertape.core.records import RECORD_STRUCT, WHOLE, Flag, Kind, RecordBuffer, Verdict
from papertape.testing import conformance
from papertape.testing.conformance import CHECKS, NotConforming, Subject
from tests.conformance import test_binance, test_toy_venue

Take = Callable[[Any, int, bytes], None]
counter = itertools.count()


class Spoilt(RecordBuffer):
    """Its records come out changed."""

    def __init__(self, change: Callable[[list[int]], None]) -> None:
        super().__init__()
        self._change = change

    def take(self) -> bytes:
        records = [list(fields) for fields in RECORD_STRUCT.iter_unpack(super().take())]
        for fields in records:
            self._change(fields)
        return b"".join(RECORD_STRUCT.pack(*fields) for fields in records)


def packing(change: Callable[[list[int]], None]) -> Callable[[Any], None]:
    """A toy machine whose records are changed once they are packed."""

    def plant(machine: Any) -> None:
        machine._gate.buffer = Spoilt(change)

    return plant


def on_kind(kind: Kind, change: Callable[[list[int]], None]) -> Callable[[Any], None]:
    return packing(lambda fields: change(fields) if fields[2] == kind else None)


def set_to(place: int, value: Callable[[int], int]) -> Callable[[list[int]], None]:
    def change(fields: list[int]) -> None:
        fields[place] = value(fields[place])

    return change


def no_listing(machine: Any) -> None:
    machine._gate.fact = lambda records: None


def no_gap(machine: Any) -> None:
    machine._gap = lambda *args: None


def wrong_error(machine: Any) -> None:
    take = machine.take

    def spoilt(ts_recv_ns: int, payload: bytes) -> None:
        if not payload.endswith(b"}"):
            raise ValueError("not mine")
        take(ts_recv_ns, payload)

    machine.take = spoilt


def traces(machine: Any) -> None:
    take = machine.take

    def spoilt(ts_recv_ns: int, payload: bytes) -> None:
        if not payload.endswith(b"}"):
            machine._gate.buffer.pack(0, ts_recv_ns, Kind.QUOTE, WHOLE, 0, 0, 1, 1, 2, 1, 1)
        take(ts_recv_ns, payload)

    machine.take = spoilt


PLANTED = [
    ("same_input_gives_the_same_records", on_kind(Kind.PRINT, set_to(8, lambda _: next(counter)))),
    ("events_are_whole", on_kind(Kind.PRINT, set_to(3, lambda flags: flags & ~Flag.LAST))),
    ("instruments_come_first", no_listing),
    ("times_are_told", on_kind(Kind.PRINT, set_to(0, lambda ns: ns // 1_000_000))),
    ("times_are_told", on_kind(Kind.QUOTE, set_to(1, lambda ns: ns + 1))),
    ("numbers_are_exact", on_kind(Kind.PRINT, set_to(6, lambda price: price + 1))),
    ("numbers_are_exact", on_kind(Kind.QUOTE, set_to(7, lambda size: size + 1))),
    ("a_lost_frame_is_told", no_gap),
    ("a_repeated_print_counts_once", on_kind(Kind.PRINT, set_to(5, lambda verdict: verdict & ~Verdict.DUPLICATE))),
    ("a_repeated_print_counts_once", on_kind(Kind.PRINT, set_to(5, lambda verdict: verdict | Verdict.DUPLICATE))),
    ("garbage_is_a_decode_error", wrong_error),
    ("garbage_is_a_decode_error", traces),
    ("what_cannot_be_read_is_told", no_gap),
    ("a_tape_of_it_verifies_and_replays", on_kind(Kind.PRINT, set_to(1, lambda ns: -ns))),
]


@pytest.mark.parametrize(("name", "plant"), PLANTED, ids=[f"{n}-{name}" for n, (name, _) in enumerate(PLANTED)])
def test_a_planted_error_is_found(name, plant):
    subject = test_toy_venue.SUBJECT

    def make(gate):
        machine = subject.make(gate)
        plant(machine)
        return machine

    with pytest.raises(NotConforming, match="expected"):
        getattr(conformance, name)(Subject(make, subject.symbols, subject.script))


@pytest.mark.parametrize("venue", test_binance.SUBJECTS)
def test_a_book_that_outlives_its_connection_is_found(venue):
    subject = test_binance.SUBJECTS[venue]

    def make(gate):
        machine = subject.make(gate)
        machine.lose = lambda ts_recv_ns, symbols: None
        return machine

    with pytest.raises(NotConforming, match="GAP of depth"):
        conformance.a_lost_connection_is_told(Subject(make, subject.symbols, subject.script))


def test_every_check_has_its_planted_error():
    assert {check.__name__ for check in CHECKS} == {name for name, _ in PLANTED} | {"a_lost_connection_is_told"}
