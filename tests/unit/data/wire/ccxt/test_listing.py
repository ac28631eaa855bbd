from decimal import Decimal
from typing import Any

import pytest

from papertape.core.errors import DataError, DecodeError
from papertape.core.instruments import InstrumentKind
from papertape.data.wire.ccxt.listing import DECIMAL_PLACES, SIGNIFICANT_DIGITS, TICK_SIZE, contract_of, from_market

SPOT: dict[str, Any] = {
    "symbol": "BTC/USDT",
    "base": "BTC",
    "quote": "USDT",
    "spot": True,
    "active": True,
    "precision": {"price": "0.50", "amount": 0.001},
    "limits": {"amount": {"min": "0.0015"}, "cost": {"min": "5"}},
}
SWAP = SPOT | {"symbol": "BTC/USDT:USDT", "settle": "USDT", "spot": False, "swap": True, "linear": True}
SWAP |= {"contractSize": 0.01, "precision": {"price": 0.1, "amount": "1"}}


def test_a_spot_market_has_its_own_steps_and_bounds() -> None:
    info = from_market("ccxt-kraken", SPOT, TICK_SIZE)
    assert info is not None
    one = info.instrument
    assert (one.venue, one.symbol, one.kind) == ("ccxt-kraken", "BTC/USDT", InstrumentKind.CRYPTO_SPOT)
    assert (one.price_scale, one.tick, one.size_scale, one.lot) == (1, 5, 3, 1)
    assert (one.min_size, one.min_notional) == (2, 50_000), "a lower bound is rounded up"


def test_a_perpetual_counts_in_the_base_currency() -> None:
    info = from_market("ccxt-okx", SWAP, TICK_SIZE)
    assert info is not None
    one = info.instrument
    assert (one.kind, one.settle, one.size_scale, one.lot, one.contract_size) == ("linear_perpetual", "USDT", 2, 1, 1)
    assert contract_of(SWAP) == Decimal("0.01")
    assert contract_of(SPOT) == 1


@pytest.mark.parametrize(
    ("mode", "precision", "scales"),
    [
        (DECIMAL_PLACES, {"price": 2, "amount": "5"}, (2, 5)),
        (SIGNIFICANT_DIGITS, {"price": 5, "amount": 5}, (8, 8)),
        (TICK_SIZE, {"price": None, "amount": None}, (8, 8)),
        (TICK_SIZE, {"price": 1e-8, "amount": 10}, (8, 0)),
    ],
)
def test_every_way_of_telling_a_precision(mode: int, precision: dict[str, Any], scales: tuple[int, int]) -> None:
    info = from_market("v", SPOT | {"precision": precision, "limits": {}}, mode)
    assert info is not None
    assert (info.instrument.price_scale, info.instrument.size_scale) == scales


def test_other_kinds_are_not_listed_and_halted_ones_are_told() -> None:
    assert from_market("v", SPOT | {"spot": False, "option": True}, TICK_SIZE) is None
    assert from_market("v", SWAP | {"linear": False, "inverse": True}, TICK_SIZE) is None
    halted = from_market("v", SPOT | {"active": False}, TICK_SIZE)
    assert halted is not None
    assert halted.trade_mode == "disabled"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"precision": {"price": "much", "amount": 1}}, DecodeError),
        ({"precision": {"price": [], "amount": 1}}, DecodeError),
        ({"precision": {"price": "0", "amount": "1"}}, DataError),
        ({"precision": {"price": "1e-20", "amount": "1"}}, DataError),
        ({"limits": 5}, DecodeError),
    ],
)
def test_rules_that_cannot_be_held_are_refused(change: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        from_market("v", SPOT | change, TICK_SIZE)
