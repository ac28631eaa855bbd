import pytest

from papertape.core.errors import (
    ConnectFailed,
    InputError,
    PapertapeError,
    RateLimited,
    RemoteProtocolError,
    UnknownInstrument,
)
from papertape.data.wire.ccxt.errors import translated


def ancestry(*names: str) -> Exception:
    """An error whose classes are named like ccxt's, the root first."""
    kind: type[Exception] = Exception
    for name in names:
        kind = type(name, (kind,), {})
    return kind("binance {}")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("BaseError", "OperationFailed", "NetworkError", "RequestTimeout"), ConnectFailed),
        (("BaseError", "OperationFailed", "NetworkError", "DDoSProtection", "RateLimitExceeded"), RateLimited),
        (("BaseError", "OperationFailed", "NetworkError", "ExchangeNotAvailable", "OnMaintenance"), ConnectFailed),
        (("BaseError", "ExchangeError", "BadRequest", "BadSymbol"), UnknownInstrument),
        (("BaseError", "ExchangeError", "OperationRejected", "NotSupported"), InputError),
        (("BaseError", "ExchangeError", "AuthenticationError"), InputError),
        (("BaseError", "ExchangeError"), RemoteProtocolError),
        (("KeyError",), RemoteProtocolError),
    ],
)
def test_the_nearest_meaning_in_the_ancestry_decides(names: tuple[str, ...], expected: type[PapertapeError]) -> None:
    error = translated("ccxt-binance", "watchTrades of BTC/USDT", ancestry(*names))
    assert type(error) is expected
    assert str(error) == f"ccxt-binance: watchTrades of BTC/USDT: {names[-1]} binance {{}}"
