import math

import pytest

from papertape.core.contract_terms import MarginMode, SwapMode
from papertape.core.errors import DataError, DecodeError, UnknownInstrument
from papertape.core.instruments import InstrumentKind, instrument_event, read_instrument_event
from papertape.core.records import as_records
from papertape.data.symbols import SymbolInfo
from papertape.data.wire.mt5.symbol_info import read_symbol_info, resolve_symbol
from papertape.venue.mt5_types import fx_pair


def read(**fields: object) -> SymbolInfo:
    raw = fx_pair("GBPUSD")._replace(**fields)._asdict()
    return read_symbol_info(raw, leverage=500, deposit_currency="USD", commission=350_000_000)


def test_an_fx_pair() -> None:
    info = read(swap_long=-6.34, swap_short=1.5, volume_limit=50.0, trade_stops_level=7)
    one, terms = info.instrument, info.instrument.terms
    assert (one.kind, one.base, one.quote, one.price_scale, one.size_scale) == (
        InstrumentKind.FX_PAIR,
        "GBP",
        "USD",
        5,
        2,
    )
    assert (one.tick, one.lot, one.min_size, one.max_size, one.contract_size) == (1, 1, 1, 10_000, 100_000)
    assert (terms.margin_mode, terms.margin_currency, terms.leverage) == (MarginMode.FOREX, "GBP", 500)
    assert (terms.swap_mode, terms.swap_long, terms.swap_short) == (SwapMode.POINTS, -634_000_000, 150_000_000)
    assert (terms.swap_triple_weekday, terms.volume_limit, terms.stops_level) == (2, 5_000, 7)
    assert (terms.commission, terms.deposit_currency) == (350_000_000, "USD")
    assert (info.trade_mode, info.execution, info.fillings) == ("full", "market", ("fok", "ioc"))


def test_numbers_that_are_no_exact_doubles_are_read_as_what_they_mean() -> None:
    info = read(volume_step=0.1 + 0.2, volume_min=0.30000000000000004, trade_tick_size=0.000049999999999999996)
    assert (info.instrument.lot, info.instrument.size_scale, info.instrument.tick) == (3, 1, 5)


def test_a_cfd_keeps_its_tick_value_only_where_margin_needs_it() -> None:
    assert read(trade_calc_mode=3, trade_tick_value=0.25).instrument.terms.tick_value == 25_000_000
    other = read(trade_calc_mode=2, trade_tick_value=0.25)
    assert (other.instrument.kind, other.instrument.terms.tick_value, other.tick_value) == (
        InstrumentKind.CFD,
        0,
        25_000_000,
    )


def test_it_comes_back_from_the_tape() -> None:
    one = read().instrument
    assert read_instrument_event(as_records(instrument_event(one, 3, 0))) == one


@pytest.mark.parametrize("mode", [1, 32, 33, 34, 37, 64])
def test_futures_shares_and_options_are_not_listed(mode: int) -> None:
    with pytest.raises(DataError, match="GBPUSD cannot be listed"):
        read(trade_calc_mode=mode)


@pytest.mark.parametrize(
    "fields",
    [
        {"swap_long": math.nan},
        {"volume_max": math.inf},
        {"trade_contract_size": 0.5},
        {"swap_mode": 77},
        {"digits": None},
    ],
)
def test_what_cannot_be_read_is_told(fields: dict[str, object]) -> None:
    with pytest.raises(DecodeError, match="symbol_info of GBPUSD"):
        read(**fields)


def test_a_missing_field_is_told() -> None:
    raw = fx_pair("GBPUSD")._asdict()
    del raw["digits"]
    with pytest.raises(DecodeError, match="digits"):
        read_symbol_info(raw, leverage=1, deposit_currency="USD")


@pytest.mark.parametrize(
    ("names", "wanted", "found"),
    [
        (["EURUSD", "EURUSD.raw"], "EURUSD", "EURUSD"),
        (["EURUSD.raw", "GBPUSD.raw"], "EURUSD", "EURUSD.raw"),
        (["EURUSDm"], "eurusd", "EURUSDm"),
        (["eurusd"], "EURUSD", "eurusd"),
    ],
)
def test_brokers_add_suffixes(names: list[str], wanted: str, found: str) -> None:
    assert resolve_symbol(names, wanted) == found


@pytest.mark.parametrize("names", [[], ["GBPUSD"], ["EURUSD.raw", "EURUSD.pro"]])
def test_none_or_several_is_told(names: list[str]) -> None:
    with pytest.raises(UnknownInstrument, match="EURUSD"):
        resolve_symbol(names, "EURUSD")
