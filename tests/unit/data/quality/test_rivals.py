from collections.abc import Iterable

import numpy as np

from papertape.core.records import Kind, RecordBuffer, Verdict, as_records
from papertape.data.quality.divergence import DivergenceRule
from papertape.data.quality.gate import Gate
from papertape.data.quality.rivals import RivalRules, Rivals, judge
from papertape.data.wire.failover import SwitchRule

RULES = RivalRules(SwitchRule(stale_ns=100, return_ns=300), DivergenceRule(window_ns=80, fresh_ns=500))
SCALES = {4: 2, 9: 3, 11: 2}


def made(numbers: tuple[int, ...] = (4, 9)) -> Rivals:
    rivals = Rivals(numbers, RULES)
    for number in numbers:
        rivals.relist(number, SCALES[number])
    return rivals


def judged(rivals: Rivals, records: np.ndarray) -> bytes:
    return judge(records, {number: [rivals] for number in rivals.numbers})


def quotes(rows: Iterable[tuple[int, int, int]]) -> np.ndarray:
    """Quotes of (number, time, bid in whole units), each at its own number's scale."""
    gate = Gate(RecordBuffer())
    for number, ts, bid in rows:
        unit = 10 ** SCALES.get(number, 0)
        gate.quote(number, 0, ts, bid * unit, 1, bid * unit + 1, 1, -1)
    return as_records(bytearray(gate.buffer.take()))


def test_a_switch_is_one_source_record_with_what_counts_now_and_before() -> None:
    rivals = made()
    told = judged(rivals, quotes([(4, 0, 50), (9, 0, 50), (9, 90, 51), (9, 101, 52), (9, 102, 53)]))
    assert as_records(told).tolist() == [(0, 102, Kind.SOURCE, 3, 4, 0, 0, 0, 9, 4, 1)]
    assert rivals.current == 9
    told = judged(rivals, quotes([(number, ts, 50 + ts % 7) for ts in range(110, 450, 10) for number in (9, 4)]))
    assert as_records(told)[["kind", "x", "y", "id"]].tolist() == [(Kind.SOURCE, 4, 9, 2)]


def test_sources_that_agree_are_left_as_they_are_whatever_their_scales() -> None:
    records = quotes([(number, ts, 50) for ts in range(0, 1_000, 10) for number in (4, 9)])
    assert judged(made(), records) == b""
    assert not records["verdict"].any()


def test_with_one_backup_the_quotes_of_both_are_marked() -> None:
    rivals = made()
    records = quotes(
        [(number, ts, 50 + (number == 9 and ts >= 500)) for ts in range(0, 1_000, 10) for number in (4, 9)]
    )
    judged(rivals, records)
    marked = records[records["verdict"] == Verdict.DIVERGENT]
    assert set(marked["instrument"].tolist()) == {4, 9}
    assert 500 < marked["ts_recv_ns"].min() <= 600
    assert rivals.divergent == len(marked)


def test_with_two_backups_the_one_that_stands_alone_is_marked() -> None:
    for wrong in (4, 9, 11):
        records = quotes([(number, ts, 50 + (number == wrong)) for ts in range(0, 1_000, 10) for number in (4, 9, 11)])
        judged(made((4, 9, 11)), records)
        last = records[-3:]
        expected = {4, 9, 11} if wrong == 4 else {wrong}
        assert set(last["instrument"][last["verdict"] == Verdict.DIVERGENT].tolist()) == expected


def test_quotes_that_are_wrong_in_themselves_are_not_compared_and_others_records_not_touched() -> None:
    rivals = made()
    records = quotes([(number, ts, 50 + 5 * (number != 4)) for ts in range(0, 300, 10) for number in (4, 9, 77)])
    records["verdict"][records["instrument"] == 9] = Verdict.CROSSED
    judged(rivals, records)
    assert not (records["verdict"] & Verdict.DIVERGENT).any()


def test_a_new_scale_begins_the_comparison_anew() -> None:
    rivals = made()
    judged(rivals, quotes([(number, ts, 50) for ts in range(0, 300, 10) for number in (4, 9)]))
    rivals.relist(9, 5)
    records = quotes([(4, 310, 50)])
    judged(rivals, records)
    assert not records["verdict"].any()


def test_prints_are_news() -> None:
    rivals = made()
    gate = Gate(RecordBuffer())
    gate.trade(4, 0, 0, Kind.PRINT, 0, 0, 5, 5, 0, 0, 1)
    for ts in (0, 101):
        gate.trade(9, 0, ts, Kind.PRINT, 0, 0, 5, 5, 0, 0, 1)
    assert as_records(judged(rivals, as_records(bytearray(gate.buffer.take()))))["x"].tolist() == [9]
