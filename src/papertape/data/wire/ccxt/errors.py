"""ccxt's errors as papertape's, told by the names in their ancestry (ccxt 4, `ccxt.base.errors`)."""

from papertape.core.errors import (
    ConnectFailed,
    InputError,
    LocalProtocolError,
    PapertapeError,
    RateLimited,
    RemoteProtocolError,
    UnknownInstrument,
)

_MEANING: dict[str, type[PapertapeError]] = {
    "RateLimitExceeded": RateLimited,
    "DDoSProtection": RateLimited,
    "BadSymbol": UnknownInstrument,
    "NotSupported": InputError,
    "AuthenticationError": InputError,
    "BadRequest": LocalProtocolError,
    "ArgumentsRequired": LocalProtocolError,
    "BadResponse": RemoteProtocolError,
    "OperationFailed": ConnectFailed,
    "ExchangeError": RemoteProtocolError,
}
"""The nearest name in an error's ancestry decides. `OperationFailed` is above NetworkError and its kin: asking again may help."""


def translated(venue: str, what: str, error: BaseException) -> PapertapeError:
    """Our error for one of ccxt's, naming the venue and `what` was asked of it."""
    kind = next(
        (_MEANING[one.__name__] for one in type(error).__mro__ if one.__name__ in _MEANING), RemoteProtocolError
    )
    return kind(f"{venue}: {what}: {type(error).__name__} {error}".rstrip())
