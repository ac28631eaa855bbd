import pytest

from papertape.core.bars import BAR_DTYPE, Bar, BarMaker, BarSource, bar_states, follow
from papertape.core.errors import DataError
from papertape.core.fixed import MANTISSA_MAX, VALUE_MAX
from papertape.core.records import Flag, Kind, Verdict

Record = tuple[int, ...]


def trade(ts_ns: int, price: int, size: int, flags: int = 0, verdict: int = 0, instrument: int = 0) -> Record:
    return (ts_ns, ts_ns + 5, Kind.PRINT, flags, instrument, verdict, price, size, 0, 0, 1)


def quote(ts_ns: int, bid: int, ask: int, bid_size: int = 1, ask_size: int = 1) -> Record:
    return (ts_ns, ts_ns + 5, Kind.QUOTE, 0, 0, 0, bid, bid_size, ask, ask_size, 1)


def closed_bars(maker: BarMaker, records: list[Record]) -> list[Bar]:
    return [bar for record in records if (bar := maker.add(record))]


def test_prints_make_bars_aligned_to_the_epoch() -> None:
    maker = BarMaker(0, BarSource.PRINT, 100)
    records = [trade(205, 10, 1), trade(250, 14, 2, Flag.ASK), trade(299, 9, 3), trade(300, 11, 4), trade(650, 12, 5)]
    assert closed_bars(maker, records) == [
        Bar(200, 0, open=10, high=14, low=9, close=9, volume=6, taker_buy_volume=4, records=3),
        Bar(300, 0, open=11, high=11, low=11, close=11, volume=4, taker_buy_volume=4, records=1),
    ]
    assert maker.bar == Bar(600, 0, 12, 12, 12, 12, 5, 5, 1)


@pytest.mark.parametrize(
    ("source", "ohlc"),
    [(BarSource.BID, (10, 12, 10, 12)), (BarSource.ASK, (13, 15, 13, 15)), (BarSource.MID, (23, 27, 23, 27))],
)
def test_quotes_make_bars_of_either_side_or_their_sum(source: BarSource, ohlc: tuple[int, ...]) -> None:
    maker = BarMaker(0, source, 100)
    assert closed_bars(maker, [quote(1, 10, 13), trade(2, 99, 9), quote(3, 12, 15)]) == []
    assert maker.bar == (0, 0, *ohlc, 0, 0, 2)


def test_a_record_without_an_event_time_counts_at_its_arrival() -> None:
    maker = BarMaker(0, BarSource.PRINT, 100)
    maker.add((0, 299, *trade(0, 10, 1)[2:]))
    assert maker.bar is not None
    assert maker.bar.start_ns == 200


def test_a_record_older_than_the_open_bar_is_counted_and_left_out() -> None:
    maker = BarMaker(0, BarSource.PRINT, 100)
    assert closed_bars(maker, [trade(300, 10, 1), trade(299, 5, 1), trade(350, 11, 1), trade(310, 12, 1)]) == []
    assert maker.late == 1
    assert maker.bar == Bar(300, 0, 10, 12, 10, 12, 3, 3, 3)


@pytest.mark.parametrize(
    "record",
    [
        trade(1, 10, 1, verdict=Verdict.DUPLICATE),
        trade(1, 10, 1, verdict=Verdict.NON_POSITIVE | Verdict.LOCKED),
        trade(1, 0, 1),
        trade(1, 10, 0),
        trade(1, VALUE_MAX + 1, 1),
        trade(1, 10, MANTISSA_MAX),
        trade(1, 10, 1, instrument=1),
        quote(1, 10, 11),
    ],
)
def test_what_is_not_usable_makes_no_bar(record: Record) -> None:
    maker = BarMaker(0, BarSource.PRINT, 100)
    maker.add(record)
    assert (maker.bar, maker.late) == (None, 0)


def test_other_verdicts_do_not_keep_a_record_out() -> None:
    maker = BarMaker(0, BarSource.PRINT, 100)
    maker.add(trade(1, 10, 1, verdict=Verdict.OUT_OF_ORDER | Verdict.SEQUENCE_GAP))
    assert maker.bar is not None


def test_a_missing_side_keeps_a_quote_out() -> None:
    maker = BarMaker(0, BarSource.MID, 100)
    maker.add(quote(1, 10, 0, ask_size=0))
    assert maker.bar is None


def test_a_volume_stays_at_the_largest_number() -> None:
    maker = BarMaker(0, BarSource.PRINT, 100)
    for _ in range(3):
        maker.add(trade(1, 10, VALUE_MAX))
    assert maker.bar is not None
    assert (maker.bar.volume, maker.bar.taker_buy_volume, maker.bar.records) == (MANTISSA_MAX, MANTISSA_MAX, 3)


def test_an_interval_must_be_positive() -> None:
    with pytest.raises(DataError, match="above 0 ns, was 0"):
        BarMaker(0, BarSource.PRINT, 0)
    with pytest.raises(DataError, match="above 0 ns, was -1"):
        follow(bar_states(1), 0, BarSource.PRINT, -1)


def test_a_bar_has_the_same_fields_in_both_layouts() -> None:
    assert BAR_DTYPE.names == Bar._fields
