"""What a handler gives back."""

from typing import Generic, NamedTuple, TypeVar

import msgspec

INTERRUPTED = 130
"""What a command that a person interrupted ends with."""

R_co = TypeVar("R_co", bound=msgspec.Struct, covariant=True)


class Outcome(NamedTuple, Generic[R_co]):
    """The response, what the command ends with (0 ok, 1 a check failed, 130 interrupted), and why if not with 0."""

    response: R_co
    exit_code: int = 0
    error: str | None = None
