"""Terms of trade."""

import msgspec
import pytest

from papertape.paper_trading.engine.terms import Terms


def test_without_a_word_trading_is_free_and_immediate() -> None:
    assert msgspec.structs.astuple(Terms()) == (0, 0, 0, 0, 0, False)


def test_a_misspelt_term_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="maker_fee"):
        msgspec.convert({"maker_fee": 1}, Terms)
