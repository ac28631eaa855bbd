import numpy as np
import pytest
from msgspec.structs import replace

from papertape.core.errors import DataError
from papertape.core.instruments import Instrument, read_instrument_event
from papertape.core.records import WHOLE, Flag, GapCause, Kind, RecordBuffer, Verdict, as_records
from papertape.data.quality.gate import Gate
from papertape.data.wire.mt5.broker_time import AGREEING_OF_ONE_MIN, BrokerTime
from papertape.data.wire.mt5.machine import IDS_PER_MS, Mt5Machine, TickBatch, cursor_of, mantissas
from papertape.data.wire.mt5.symbol_info import read_symbol_info
from papertape.data.wire.mt5.ticks import TickCursor
from papertape.venue.mt5_types import fx_pair
from tests.mt5_world import BEGIN_MSC, ticks

HOUR_NS = 3_600_000_000_000
NOW_NS = BEGIN_MSC * 1_000_000 - 3 * HOUR_NS
GBPUSD: Instrument = read_symbol_info(fx_pair("GBPUSD")._asdict(), leverage=500, deposit_currency="USD").instrument


def machine(offset_ns: int | None = 3 * HOUR_NS, **more: object) -> Mt5Machine:
    made = Mt5Machine({"GBPUSD": 0}, Gate(RecordBuffer()), BrokerTime(offset_ns), **more)  # type: ignore[arg-type]
    made.list_instrument(GBPUSD, NOW_NS)
    return made


def batch(
    rows: np.ndarray, *, fresh: bool = False, before: TickCursor | None = None, recv_ns: int = NOW_NS
) -> TickBatch:
    return TickBatch("GBPUSD", rows, recv_ns, fresh, before or TickCursor())


def records(made: Mt5Machine, kind: Kind = Kind.QUOTE) -> np.ndarray:
    found = as_records(made.gate.buffer.take())
    wanted: np.ndarray = found[found["kind"] == kind]
    return wanted


def test_ticks_become_quotes_with_exact_prices_and_utc_times() -> None:
    made = machine()
    made.take(batch(ticks(0, 7, 7)))
    found = records(made)
    assert found["price"].tolist() == [133_497, 133_498, 133_499]
    assert found["x"].tolist() == [133_498, 133_499, 133_500]
    assert found["ts_event_ns"].tolist() == [NOW_NS, NOW_NS + 7_000_000, NOW_NS + 7_000_000]
    assert found["id"].tolist() == [
        BEGIN_MSC * IDS_PER_MS,
        (BEGIN_MSC + 7) * IDS_PER_MS,
        (BEGIN_MSC + 7) * IDS_PER_MS + 1,
    ]
    assert not found["verdict"].any()
    assert (found["size"] == GBPUSD.max_size).all() and (found["y"] == GBPUSD.max_size).all()
    assert made.ticks == 3


def test_what_was_not_read_when_it_came_is_backfill() -> None:
    made = machine()
    made.take(batch(ticks(0, 7), fresh=False))
    made.take(batch(ticks(9), fresh=True))
    assert records(made)["flags"].tolist() == [WHOLE | Flag.BACKFILL, WHOLE | Flag.BACKFILL, WHOLE]


def test_the_last_id_says_where_to_read_on() -> None:
    made = machine()
    rows = ticks(0, 7, 7)
    made.take(batch(rows))
    cursor = cursor_of(int(records(made)["id"][-1]))
    assert cursor == TickCursor().after(rows)
    made.take(batch(ticks(7), before=cursor))
    assert records(made)["id"].tolist() == [(BEGIN_MSC + 7) * IDS_PER_MS + 2]


def test_exact_duplicates_stay_and_are_no_duplicates_to_the_gate() -> None:
    made = machine()
    rows = ticks(5, 5)
    rows[1] = rows[0]
    made.take(batch(rows))
    assert records(made)["verdict"].tolist() == [0, 0]


def test_a_spread_of_nothing_is_locked_and_one_below_is_crossed() -> None:
    made = machine()
    rows = ticks(0, 1)
    rows["ask"] = rows["bid"] - [0, 1e-5]
    made.take(batch(rows))
    assert records(made)["verdict"].tolist() == [Verdict.LOCKED, Verdict.CROSSED]


def test_ticks_wait_until_the_brokers_time_is_certain() -> None:
    made = machine(None)
    for number in range(AGREEING_OF_ONE_MIN):
        assert made.holding is (number > 0)
        assert not len(records(made))
        made.take(batch(ticks(number * 200), fresh=True, recv_ns=NOW_NS + number * 200_000_000))
    assert not made.holding
    found = as_records(made.gate.buffer.take())
    assert found["kind"].tolist() == [Kind.BROKER_TIME] + [Kind.QUOTE] * AGREEING_OF_ONE_MIN
    assert (int(found["x"][0]), int(found["ts_event_ns"][1])) == (3 * HOUR_NS, NOW_NS)


def test_too_many_that_wait_are_written_without_a_time() -> None:
    made = machine(None, held_max=5)
    made.take(batch(ticks(0, 1, 2)))
    assert made.holding
    made.take(batch(ticks(3, 4, 5)))
    assert records(made)["ts_event_ns"].tolist() == [0] * 6
    assert (made.undated, made.holding) == (6, False)


def test_the_end_of_summer_time_holds_ticks_and_dates_them_right() -> None:
    made = machine(3 * HOUR_NS)
    second = 0
    while made.broker.offset_ns == 3 * HOUR_NS:
        recv_ns = NOW_NS + HOUR_NS + second * 1_000_000_000
        made.take(batch(ticks(second * 1000), fresh=True, recv_ns=recv_ns))
        second += 1
        assert second < 100
    found = as_records(made.gate.buffer.take())
    quotes = found[found["kind"] == Kind.QUOTE]
    assert found["x"][found["kind"] == Kind.BROKER_TIME].tolist() == [2 * HOUR_NS]
    assert len(quotes) == second
    assert (quotes["ts_event_ns"] == quotes["ts_recv_ns"]).all()


def test_a_finer_price_opens_the_next_epoch() -> None:
    made = machine()
    records(made)
    rows = ticks(0)
    rows["bid"] = 1.334975
    made.take(batch(rows))
    found = as_records(made.gate.buffer.take())
    listed = read_instrument_event(found[found["kind"] == Kind.INSTRUMENT])
    assert (listed.price_scale, listed.epoch, listed.tick) == (6, 1, 1)
    assert found["price"][found["kind"] == Kind.QUOTE].tolist() == [1_334_975]


@pytest.mark.parametrize("price", [float("nan"), float("inf"), 1e300, 1 / 3])
def test_what_is_no_price_is_a_gap_and_the_rest_goes_on(price: float) -> None:
    made = machine()
    rows = ticks(0, 1, 2)
    rows["ask"][1] = price
    made.take(batch(rows))
    found = as_records(made.gate.buffer.take())
    kinds = found["kind"].tolist()
    assert kinds[-3:] == [Kind.QUOTE, Kind.GAP, Kind.QUOTE]
    assert int(found["price"][-2]) == GapCause.UNREADABLE_FRAME
    assert found["x"][-2] == found["y"][-2] == (BEGIN_MSC + 1) * IDS_PER_MS
    assert (made.unreadable, made.ticks) == (1, 3)


def test_lost_history_is_a_gap() -> None:
    made = machine()
    made.take(batch(ticks(0)))
    made.note_gap("GBPUSD", NOW_NS)
    gap = records(made, Kind.GAP)
    assert gap[["price", "x", "y", "id"]].tolist() == [
        (GapCause.CONNECTION_LOST, BEGIN_MSC * IDS_PER_MS + 1, -1, Kind.QUOTE)
    ]


def test_a_tape_that_is_continued_goes_on_with_its_epochs() -> None:
    made = Mt5Machine({"GBPUSD": 0}, Gate(RecordBuffer()), BrokerTime(0), {"GBPUSD": replace(GBPUSD, epoch=4)})
    epochs = []
    for one in (GBPUSD, replace(GBPUSD, max_size=5_000), GBPUSD.with_scales(6, 2), GBPUSD):
        made.list_instrument(one, NOW_NS)
        listed = read_instrument_event(as_records(made.gate.buffer.take()))
        epochs.append((listed.epoch, listed.price_scale, listed.max_size))
    assert epochs == [(4, 5, 10_000), (5, 5, 5_000), (6, 6, 10_000), (6, 6, 10_000)]


def test_a_tick_of_a_symbol_that_is_not_listed_is_an_error() -> None:
    made = Mt5Machine({"GBPUSD": 0}, Gate(RecordBuffer()), BrokerTime(0))
    with pytest.raises(DataError, match="listed"):
        made.take(batch(ticks(0)))


def test_a_batch_of_no_ticks_changes_nothing() -> None:
    made = machine()
    made.gate.buffer.take()
    made.take(batch(ticks(), fresh=True))
    assert not made.gate.buffer.count and not made.holding


def test_doubles_beside_their_decimal_are_read_as_the_decimal() -> None:
    prices = np.array([1.1596899999999999, 1.1593499999999999, 155.123, 0.1 + 0.2])
    assert mantissas(prices, 5) == [115_969, 115_935, 15_512_300, 30_000]
    assert mantissas(np.array([1.334975]), 5) == [None]
