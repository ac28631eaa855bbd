from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.core.errors import DataError, DecodeError
from papertape.core.fixed import VALUE_MAX
from papertape.core.instruments import listed_in
from papertape.core.records import NO_ID, RecordBuffer, as_records
from papertape.data.quality.gate import Gate
from papertape.data.wire.listed import TRADES_REMEMBERED, Listed, exact_text
from tests.made_source import crypto


def listed() -> Listed:
    return Listed(crypto("BTCUSDT", price_scale=2), 7, Gate(RecordBuffer()))


def test_numbers_become_mantissas_at_the_scales() -> None:
    one = listed()
    assert one.read(["64000.01", "1"], ["0.5", "2.000"], 5) == ([6_400_001, 100], [500, 2000])
    assert one.gate.buffer.count == 0


def test_a_finer_number_opens_an_epoch_and_all_stand_at_its_scales() -> None:
    one = listed()
    assert one.read(["64000.01", "0.0001"], ["0.5", "0.00001"], 5) == ([640_000_100, 1], [50_000, 1])
    epochs = listed_in(as_records(one.gate.buffer.take()))
    assert epochs == {7: one.instrument}
    assert (one.instrument.price_scale, one.instrument.size_scale, one.instrument.tick, one.instrument.lot) == (
        4,
        5,
        1,
        1,
    )
    assert one.instrument.epoch == 2
    assert one.read(["1"], ["1"], 5) == ([10_000], [100_000]), "texts remembered at the old scale are forgotten"


@pytest.mark.parametrize("text", ["abc", "1e5", "", "nan", "0." + "0" * 18 + "1", "1" * 19, str(VALUE_MAX)])
def test_what_cannot_be_held_is_refused(text: str) -> None:
    one = listed()
    with pytest.raises(DecodeError):
        one.read([text], [], 5)
    with pytest.raises(DecodeError):
        one.read([], [text], 5)


def test_a_scale_at_which_a_rule_would_overflow_is_refused() -> None:
    one = listed()
    one.instrument = msgspec.structs.replace(one.instrument, tick=10**12)
    with pytest.raises(DecodeError, match="a finer scale is refused"):
        one.read(["0.000000000000000001"], [], 5)


def test_an_instrument_that_cannot_be_listed_is_refused() -> None:
    one = listed()
    with pytest.raises(DataError, match="binance-spot BTCUSDT cannot be listed"):
        one.open_epoch(msgspec.structs.replace(one.instrument, tick=0), 5)


def test_memory_of_texts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("papertape.data.wire.listed.PARSED_MAX", 2)
    one = listed()
    one.read(["1", "2", "3"], [], 5)
    assert len(one._prices) == 1


@given(st.integers(0, 10**15 - 1), st.integers(0, 8))
def test_a_double_gives_back_every_number_of_fifteen_digits(mantissa: int, scale: int) -> None:
    number = Decimal(mantissa).scaleb(-scale)
    assert Decimal(exact_text(float(number))) == number


def test_exact_text_keeps_what_is_exact_and_refuses_the_rest() -> None:
    given = ["1.10", 5, Decimal("0.000000010"), 1e-7, 0.1 + 0.2, 123456789.0]
    expected = ["1.10", "5", "0.000000010", "0.0000001", "0.3", "123456789"]
    assert [exact_text(one) for one in given] == expected
    for wrong in (None, True, [1], float("nan"), float("inf"), Decimal("NaN")):
        with pytest.raises((DecodeError, ArithmeticError)):
            exact_text(wrong)


def test_a_repeated_trade_is_known_among_the_latest() -> None:
    one = listed()
    assert [one.is_repeated(ident) for ident in (5, 3, 5, NO_ID, NO_ID)] == [False, False, True, False, False]
    for ident in range(10, 10 + TRADES_REMEMBERED):
        assert not one.is_repeated(ident)
    assert not one.is_repeated(5), "long ago"
    assert len(one._trades_seen) == len(one._trade_ids) == TRADES_REMEMBERED
