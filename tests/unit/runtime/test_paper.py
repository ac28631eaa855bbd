"""What `paper` makes of its options; the command itself is run in tests/integration/test_paper.py."""

import pytest

from papertape.core.errors import InputError
from papertape.runtime.paper import currency_of_symbols


@pytest.mark.parametrize(
    ("symbols", "currency"), [(("BTCUSDT", "ETHUSDT"), "USDT"), (("ETHBTC",), "BTC"), (("BTCFDUSD",), "FDUSD")]
)
def test_accounts_are_held_in_what_the_symbols_are_quoted_in(symbols: tuple[str, ...], currency: str) -> None:
    assert currency_of_symbols(symbols) == currency


@pytest.mark.parametrize("symbols", [("BTCUSDT", "ETHBTC"), ("BTCXYZ",)])
def test_otherwise_the_currency_must_be_named(symbols: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="or --currency, was"):
        currency_of_symbols(symbols)
