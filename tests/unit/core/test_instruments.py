from typing import Any

import msgspec
import pytest

from papertape.core.errors import DataError, DecodeError
from papertape.core.fixed import VALUE_MAX
from papertape.core.instruments import (
    Instrument,
    InstrumentKind,
    check_listing,
    instrument_event,
    read_instrument_event,
)
from papertape.core.records import RECORD_BYTES, Flag, Kind, as_records

ETH = Instrument(
    venue="binance-usdm",
    symbol="ETHUSDT",
    kind=InstrumentKind.LINEAR_PERPETUAL,
    base="ETH",
    quote="USDT",
    settle="USDT",
    price_scale=2,
    size_scale=3,
    tick=1,
    lot=1,
    min_size=1,
    max_size=10_000_000,
    min_notional=2_000_000,
)
EUR = Instrument(
    venue="mt5",
    symbol="EURUSD",
    kind=InstrumentKind.FX_PAIR,
    base="EUR",
    quote="USD",
    settle="USD",
    price_scale=5,
    size_scale=2,
    tick=1,
    lot=1,
    max_size=10_000,
    contract_size=100_000,
    sessions=((6 * 1440 + 1320, 4 * 1440 + 1320),),
)
MONDAY_NS = 1_722_816_000_000_000_000
"""2024-08-05 00:00 UTC."""
MINUTE_NS = 60_000_000_000


def but(instrument: Instrument, **changes: Any) -> Instrument:
    return msgspec.structs.replace(instrument, **changes)


@pytest.mark.parametrize("instrument", [ETH, EUR, but(ETH, max_size=0, min_size=0, min_notional=0)])
def test_ordinary_instruments_are_listed(instrument: Instrument) -> None:
    assert check_listing(instrument) is None


def test_the_widest_filters_of_a_venue_are_listed() -> None:
    # Spot lists coins of eight decimals with a largest order of 92,141,578 units.
    wide = but(ETH, kind=InstrumentKind.CRYPTO_SPOT, price_scale=8, size_scale=2, max_size=9_214_157_800)
    assert check_listing(wide) is None
    coarse = but(ETH, kind=InstrumentKind.CRYPTO_SPOT, symbol="USDTIDR", price_scale=0, size_scale=0, max_size=922_319)
    assert check_listing(coarse) is None


def test_the_value_of_the_largest_order_is_what_limits_it() -> None:
    # 10,000 ticks of 1 at 8 decimals of money: 4,611,686 x 10**12 is the last below 2**62.
    whole = but(ETH, price_scale=0, size_scale=0, max_size=4_611_686)
    assert check_listing(whole) is None
    assert "could overflow" in str(check_listing(but(whole, max_size=4_611_687)))
    assert check_listing(but(whole, size_scale=1, max_size=46_116_860)) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"symbol": ""}, "symbol is empty"),
        ({"price_scale": 19}, "expected price_scale from 0 to 18, was 19"),
        ({"size_scale": -1}, "expected size_scale from 0 to 18, was -1"),
        ({"tick": 0}, "expected tick from 1"),
        ({"lot": -3}, "expected lot from 1"),
        ({"lot": VALUE_MAX + 1}, "expected lot from 1"),
        ({"min_notional": -1}, "expected min_notional from 0"),
        ({"contract_size": 0}, "expected contract_size from 1"),
        ({"min_size": 2, "max_size": 1}, "expected max_size of at least min_size"),
        ({"sessions": ((60, 60),)}, "two different minutes"),
        ({"sessions": ((-1, 60),)}, "two different minutes"),
        ({"max_size": VALUE_MAX}, "could overflow 64 bits"),
        ({"tick": VALUE_MAX}, "could overflow 64 bits"),
        ({"contract_size": 10**12}, "could overflow 64 bits"),
    ],
)
def test_a_refusal_says_why(changes: dict[str, Any], reason: str) -> None:
    assert reason in str(check_listing(but(ETH, **changes)))


def test_a_session_over_the_weeks_end() -> None:
    friday, sunday = MONDAY_NS + 4 * 1440 * MINUTE_NS, MONDAY_NS + 6 * 1440 * MINUTE_NS
    assert EUR.is_open(MONDAY_NS)
    assert EUR.is_open(friday + 1320 * MINUTE_NS - 1)
    assert not EUR.is_open(friday + 1320 * MINUTE_NS)
    assert not EUR.is_open(sunday + 1320 * MINUTE_NS - 1)
    assert EUR.is_open(sunday + 1320 * MINUTE_NS)


def test_sessions_within_the_week_and_none() -> None:
    day = but(EUR, sessions=((480, 720), (780, 990)))
    opened = [day.is_open(MONDAY_NS + minute * MINUTE_NS) for minute in (479, 480, 719, 720, 779, 780, 989, 990)]
    assert opened == [False, True, True, False, False, True, True, False]
    assert ETH.is_open(MONDAY_NS)
    assert day.is_open(MONDAY_NS - 7 * 1440 * 3000 * MINUTE_NS + 480 * MINUTE_NS)


def test_other_scales_are_the_next_epoch_of_the_same_rules() -> None:
    finer = ETH.with_scales(4, 3)
    assert (finer.epoch, finer.price_scale, finer.tick, finer.min_notional) == (1, 4, 100, 200_000_000)
    assert (finer.lot, finer.max_size) == (1, 10_000_000)
    assert finer.with_scales(2, 3) == but(ETH, epoch=2)


def test_a_rule_that_a_coarser_scale_cannot_tell_is_an_error() -> None:
    with pytest.raises(DataError, match="cannot be told exactly"):
        ETH.with_scales(1, 3)
    with pytest.raises(DataError, match="does not fit in 64 bits"):
        but(ETH, tick=10**18).with_scales(4, 3)


@pytest.mark.parametrize("instrument", [ETH, EUR, but(EUR, symbol="ÉURUSD-" + "x" * 300)])
def test_an_event_tells_the_instrument(instrument: Instrument) -> None:
    records = as_records(instrument_event(instrument, 7, 1_000))
    assert read_instrument_event(records) == instrument
    assert set(records["kind"]) == {Kind.INSTRUMENT}
    assert set(records["instrument"]) == {7}
    assert set(records["ts_recv_ns"]) == {1_000}
    flags = records["flags"].tolist()
    assert flags == [Flag.FIRST, *[0] * (len(records) - 2), Flag.LAST]
    assert [int(records[name][0]) for name in ("price", "size", "x", "y", "id")] == [
        instrument.tick,
        instrument.lot,
        instrument.price_scale,
        instrument.size_scale,
        instrument.epoch,
    ]


def test_an_event_that_is_none_is_refused() -> None:
    event = instrument_event(ETH, 0, 0)
    for part in (b"", event[:RECORD_BYTES], event[:-RECORD_BYTES], event[RECORD_BYTES:]):
        with pytest.raises(DecodeError, match="one whole INSTRUMENT event"):
            read_instrument_event(as_records(part))
    with pytest.raises(DecodeError, match="does not hold an instrument"):
        read_instrument_event(as_records(event.replace(b'"venue"', b'"venus"')))
    with pytest.raises(DecodeError, match="contradicts itself"):
        read_instrument_event(as_records(event.replace(b'"tick":1,', b'"tick":2,')))
    with pytest.raises(DataError, match="instrument number"):
        instrument_event(ETH, 1 << 16, 0)
