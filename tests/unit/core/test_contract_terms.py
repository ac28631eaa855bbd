import msgspec
import pytest
from msgspec.structs import replace

from papertape.core.contract_terms import ContractTerms, MarginMode, SwapMode
from papertape.core.errors import DataError
from papertape.core.instruments import Instrument, InstrumentKind, instrument_event, read_instrument_event
from papertape.core.records import as_records

TERMS = ContractTerms(
    margin_mode=MarginMode.FOREX,
    margin_currency="GBP",
    leverage=500,
    swap_mode=SwapMode.POINTS,
    swap_long=-634_000_000,
    volume_limit=5_000,
)
GBPUSD = Instrument(
    venue="mt5",
    symbol="GBPUSD",
    kind=InstrumentKind.FX_PAIR,
    base="GBP",
    quote="USD",
    settle="USD",
    price_scale=5,
    size_scale=2,
    tick=1,
    lot=1,
    contract_size=100_000,
    terms=TERMS,
)


def test_terms_travel_on_the_tape() -> None:
    assert read_instrument_event(as_records(instrument_event(GBPUSD, 0, 0))).terms == TERMS


def test_an_instrument_without_terms_is_told_as_before() -> None:
    plain = replace(GBPUSD, terms=msgspec.UNSET)
    assert b"terms" not in instrument_event(plain, 0, 0)
    assert read_instrument_event(as_records(instrument_event(plain, 0, 0))) == plain
    assert plain.with_scales(6, 2).terms is msgspec.UNSET


def test_a_limit_of_volume_follows_the_scale_of_sizes() -> None:
    finer = GBPUSD.with_scales(5, 3)
    assert finer.terms == replace(TERMS, volume_limit=50_000)
    with pytest.raises(DataError):
        replace(GBPUSD, terms=replace(TERMS, volume_limit=5_001)).with_scales(5, 1)


def test_unknown_terms_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"margin_mode":"none","margin_currency":"","leverage":1}', type=ContractTerms)
