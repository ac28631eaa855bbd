"""The first gate: a verdict for every finding, and no record lost."""

import pytest

from papertape.core.records import WHOLE, Flag, Kind, RecordBuffer, Verdict, as_records
from papertape.data.quality.gate import Gate

NONE = Verdict(0)


@pytest.mark.parametrize(
    ("bid", "ask", "bid_size", "verdict"),
    [
        (10, 11, 1, NONE),
        (10, 10, 1, Verdict.LOCKED),
        (11, 10, 1, Verdict.CROSSED),
        (0, 10, 1, Verdict.NON_POSITIVE),
        (-1, 10, 1, Verdict.NON_POSITIVE),
        (10, 11, -1, Verdict.NON_POSITIVE),
        (10, 11, 0, NONE),
        (10, 0, 1, Verdict.NON_POSITIVE | Verdict.CROSSED),
    ],
)
def test_quotes_are_judged_by_their_values(bid: int, ask: int, bid_size: int, verdict: Verdict) -> None:
    gate = Gate(RecordBuffer())
    gate.quote(3, 0, 5, bid, bid_size, ask, 1, 7)
    (record,) = as_records(gate.buffer.take())
    assert record["verdict"] == verdict
    assert (record["kind"], record["flags"], record["instrument"]) == (Kind.QUOTE, WHOLE, 3)
    assert {bit for bit, count in gate.found.items() if count} == set(verdict)


def test_quotes_are_judged_by_their_ids_per_instrument() -> None:
    gate = Gate(RecordBuffer())
    for index, update_id in ((0, 5), (0, 5), (0, 4), (1, 4), (0, 6)):
        gate.quote(index, 0, 5, 1, 1, 2, 1, update_id)
    verdicts = as_records(gate.buffer.take())["verdict"].tolist()
    assert verdicts == [0, Verdict.DUPLICATE, Verdict.OUT_OF_ORDER, 0, 0]


@pytest.mark.parametrize(("price", "size"), [(0, 1), (1, 0), (-1, 1), (1, -1)])
def test_prints_must_be_positive_and_keep_the_verdict_on_their_ids(price: int, size: int) -> None:
    gate = Gate(RecordBuffer())
    gate.trade(0, 1, 2, int(Kind.PRINT), 0, int(Verdict.SEQUENCE_GAP), price, size, 0, 0, 1)
    assert as_records(gate.buffer.take())["verdict"].tolist() == [Verdict.NON_POSITIVE | Verdict.SEQUENCE_GAP]
    assert gate.found[Verdict.SEQUENCE_GAP] == gate.found[Verdict.NON_POSITIVE] == 1


def test_a_depth_event_is_a_record_per_level_judged_level_by_level() -> None:
    gate = Gate(RecordBuffer())
    bids, asks = ([10, 0], [1, 1]), ([11, 12], [0, -1])
    gate.depth(0, 1, 2, int(Kind.DEPTH_DELTA), 0, 0, bids, asks, 3, 4, 5)
    records = as_records(gate.buffer.take())
    bad = Verdict.NON_POSITIVE
    assert records["verdict"].tolist() == [0, bad, 0, bad]
    assert records["flags"].tolist() == [Flag.FIRST, 0, Flag.ASK, Flag.ASK | Flag.LAST]
    assert records[["price", "size"]].tolist() == [(10, 1), (0, 1), (11, 0), (12, -1)]
    assert {tuple(row) for row in records[["ts_event_ns", "ts_recv_ns", "x", "y", "id"]].tolist()} == {(1, 2, 3, 4, 5)}
    assert gate.found[bad] == 2


def test_a_finding_on_an_event_counts_for_each_of_its_levels() -> None:
    gate = Gate(RecordBuffer())
    gate.quote(0, 0, 1, 1, 1, 2, 1, 1)
    ids = int(Verdict.SEQUENCE_GAP)
    gate.depth(0, 1, 2, int(Kind.DEPTH_DELTA), 0, ids, ((), ()), ([0, 3, 4], [1, 1, 1]), 3, 4, 5)
    assert as_records(gate.buffer.take())["verdict"].tolist() == [0, ids | Verdict.NON_POSITIVE, ids, ids]
    assert (gate.found[Verdict.SEQUENCE_GAP], gate.found[Verdict.NON_POSITIVE]) == (3, 1)


def test_a_depth_event_without_levels_is_one_empty_record_without_a_finding() -> None:
    gate = Gate(RecordBuffer())
    gate.depth(0, 1, 2, int(Kind.DEPTH_DELTA), 0, 0, ((), ()), ((), ()), 3, 4, 5)
    (record,) = as_records(gate.buffer.take())
    assert (record["flags"], record["verdict"], record["id"]) == (WHOLE | Flag.EMPTY, 0, 5)


def test_depth_that_goes_back_in_time_is_out_of_order_unless_it_repeats() -> None:
    gate = Gate(RecordBuffer())
    for ts, flags in ((100, 0), (90, 0), (90, int(Flag.REPEAT)), (0, 0), (100, 0), (110, 0)):
        gate.depth(0, ts, 2, int(Kind.DEPTH_DELTA), flags, 0, ([1], [1]), ((), ()), 3, 4, 5)
    assert as_records(gate.buffer.take())["verdict"].tolist() == [0, Verdict.OUT_OF_ORDER, 0, 0, 0, 0]


def test_facts_pass_unjudged() -> None:
    gate = Gate(RecordBuffer())
    gate.fact(bytes(64))
    assert gate.buffer.take() == bytes(64)
